package sender

import (
	"fmt"
	"sync"

	"github.com/staffetta/staffetta/pkg/egress"
	"github.com/staffetta/staffetta/pkg/format"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/sender/gate"
)

// Account is what the sender keeps of an account: its live webhooks by id, with
// their secrets opened.
type Account struct {
	id      string
	version int64
	name    string
	deleted bool
	targets map[string]*target
	// resuming are the webhooks that are, so that the recorder is told.
	resuming []string
}

// target is a webhook ready to be posted to.
type target struct {
	hook.Webhook
	account string // the account's name
	// quota is the account's; nil if it has none, or the webhook counts for none.
	quota   *hook.Quota
	secrets []format.Secret
	// credentials are nil for a webhook that has none beside its secrets.
	credentials *credentials
	// rules are what it asks of the gate.
	rules gate.Rules
	// unusable says why the secrets could not be opened, if so.
	unusable error

	preparing sync.Once
	ready     *prepared
	unready   error
}

// prepared is what all requests to a webhook have in common.
type prepared struct {
	to     *egress.Destination
	signer *format.Signer
	mask   *mask
	// headers are the webhook's own, and shown as the log has them.
	headers, shown []hook.Header
	// auth is what a request needs that no line of headers gives; mostly nil.
	auth authentication
}

// Opener opens sealed secrets, such as seal.Keyring.
type Opener interface {
	Open(sealed, context []byte) ([]byte, error)
}

// NewAccount prepares an account's webhooks. A secret that cannot be opened
// (the encryption key is missing) makes its webhook unusable, not the sender.
func NewAccount(s hook.AccountState, keys Opener) *Account {
	a := &Account{id: s.Account.ID, version: s.Account.Version, name: s.Account.Name, deleted: s.Account.Deleted, targets: make(map[string]*target, len(s.Webhooks))}
	for _, w := range s.Webhooks {
		t := &target{Webhook: w, account: s.Account.Name, rules: rulesOf(&w)}
		if !w.Operational() {
			t.quota = s.Account.Quota
		}
		for n, sealed := range w.Secrets {
			secret, err := keys.Open(sealed, []byte(w.ID))
			if err != nil {
				t.unusable = fmt.Errorf("open the secret of webhook %s: %w", w.ID, err)
				break
			}
			opened := format.Secret{Text: string(secret)}
			if n > 0 && n <= len(w.SecretsUntil) {
				opened.Until = w.SecretsUntil[n-1]
			}
			t.secrets = append(t.secrets, opened)
		}
		if t.unusable == nil && (len(w.Headers) > 0 || w.Auth != nil) {
			t.credentials, t.unusable = openCredentials(&w, keys)
		}
		a.targets[w.ID] = t
		if w.Status == hook.Resuming {
			a.resuming = append(a.resuming, w.ID)
		}
	}
	return a
}

// prepare takes URL and secrets apart, once, when the first request needs it: of
// a million webhooks in the cache a sender posts to few. The error says what is
// wrong with the webhook, without its URL and its secrets.
func (w *target) prepare(s *Service) (*prepared, error) {
	w.preparing.Do(func() {
		to, err := egress.NewDestination(w.URL)
		if err != nil {
			w.unready = fmt.Errorf("webhook %s: %w", w.ID, err)
			return
		}
		signer, err := format.NewSigner(w.Format, w.secrets)
		if err != nil {
			w.unready = fmt.Errorf("webhook %s: %w", w.ID, err)
			return
		}
		ready := &prepared{to: to, signer: signer}
		if err := w.credentials.prepare(ready, w, s); err != nil {
			w.unready = fmt.Errorf("webhook %s: %w", w.ID, err)
			return
		}
		ready.shown = shownHeaders(ready.headers)
		ready.mask = newMask(w.texts(), to.Query, w.credentials.hidden()...)
		w.ready = ready
	})
	return w.ready, w.unready
}

// texts are the secrets in their text form, those that have ended too.
func (w *target) texts() []string {
	texts := make([]string, len(w.secrets))
	for n := range w.secrets {
		texts[n] = w.secrets[n].Text
	}
	return texts
}
