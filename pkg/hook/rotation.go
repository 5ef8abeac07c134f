package hook

import "time"

// Limits of the rotation of a secret.
const (
	// DefaultOverlap is how long an old secret signs beside its successor.
	DefaultOverlap = 24 * time.Hour
	// MaxOverlap bounds it: a secret that is known to leak must end.
	MaxOverlap = 7 * 24 * time.Hour
	// MaxSecrets bounds the secrets that sign at a time: each costs every request a
	// signature.
	MaxSecrets = 5
)

// Rotate puts a sealed secret in front of those that last. Old ones end after the
// overlap at the latest; with 0 they end now. ErrConflict if there are MaxSecrets
// already.
func (w *Webhook) Rotate(sealed []byte, now time.Time, overlap time.Duration) error {
	w.DropOldSecrets(now)
	if overlap == 0 {
		w.Secrets, w.SecretsUntil = [][]byte{sealed}, nil
		return nil
	}
	if len(w.Secrets) >= MaxSecrets {
		return ErrConflict
	}
	end := now.Add(overlap)
	until := []time.Time{end}
	for _, t := range w.SecretsUntil {
		if t.After(end) {
			t = end
		}
		until = append(until, t)
	}
	w.Secrets, w.SecretsUntil = append([][]byte{sealed}, w.Secrets...), until
	return nil
}

// DropOldSecrets forgets the secrets that have ended.
func (w *Webhook) DropOldSecrets(now time.Time) {
	var secrets [][]byte
	var until []time.Time
	for n, sealed := range w.Secrets {
		switch {
		case n == 0:
			secrets = append(secrets, sealed)
		case n <= len(w.SecretsUntil) && w.SecretsUntil[n-1].After(now):
			secrets, until = append(secrets, sealed), append(until, w.SecretsUntil[n-1])
		}
	}
	w.Secrets, w.SecretsUntil = secrets, until
}
