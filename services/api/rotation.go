package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/problem"
)

// RotateSecret is the body that gives a webhook another secret.
type RotateSecret struct {
	Secret  string `json:"secret,omitempty" doc:"Your own, as when a webhook is made. By default one is made."`
	Overlap string `json:"overlap,omitempty" example:"24h" doc:"How long the present secret lasts beside it: 0s to 168h; 24h by default. With 0s all others end at once."`
}

type rotateInput struct {
	IDAndBody
	Precondition
}

// rotateSecret gives a webhook another secret. A request that is repeated with an
// own secret changes nothing more.
func (s *Service) rotateSecret(ctx context.Context, in *rotateInput) (*webhookAnswer, error) {
	own, overlap, err := readRotation(in.RawBody)
	if err != nil {
		return nil, err
	}
	secret := ""
	answer, err := s.change(ctx, in.ID, in.IfMatch, func(w *hook.Webhook) (err error) {
		if secret, err = newSecret(w, own); err != nil {
			return err
		}
		return s.rotate(w, secret, overlap)
	})
	if err != nil {
		return nil, err
	}
	answer.Body.Secret = secret
	return answer, nil
}

func readRotation(body []byte) (own *string, overlap time.Duration, err error) {
	d, err := readDocument(body)
	if err != nil {
		return nil, 0, err
	}
	d.secret = []string{"secret"}
	own = given(read[string](d, "secret", "must be a string"))
	overlap, ok := d.duration("overlap", 0, hook.MaxOverlap)
	if !ok {
		overlap = hook.DefaultOverlap
	}
	return own, overlap, d.end()
}

func (s *Service) rotate(w *hook.Webhook, text string, overlap time.Duration) error {
	if len(w.Secrets) > 0 && overlap > 0 {
		if current, err := s.openSecret(w, w.Secrets[0]); err == nil && current == text {
			return nil
		}
	}
	sealed, err := s.sealSecret(w, text)
	if err != nil {
		return err
	}
	err = w.Rotate(sealed, s.now(), overlap)
	if errors.Is(err, hook.ErrConflict) {
		return problem.New(http.StatusConflict, "",
			fmt.Sprintf("%d secrets are in use, which is the most: wait until one ends, or end all with the overlap 0s", hook.MaxSecrets), nil)
	}
	return err
}

// oldSecretUntil is when the last of a webhook's old secrets ends; zero if none is
// in use.
func oldSecretUntil(w *hook.Webhook, now time.Time) time.Time {
	if len(w.SecretsUntil) > 0 && w.SecretsUntil[0].After(now) {
		return w.SecretsUntil[0] // none lasts longer
	}
	return time.Time{}
}
