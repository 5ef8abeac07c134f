// Package rekey seals with the first encryption key what is sealed with another one,
// so that the other one can go. It may run beside all services, be killed at any moment
// and be run again: each batch is a transaction, and what is sealed with the first key
// already is left as it is.
package rekey

import (
	"context"
	"errors"
	"fmt"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/seal"
)

const (
	// batch is how many webhooks are written in one transaction, which keeps other
	// writers of their account out for some 50 ms.
	batch = 200
	// page is how many accounts are read at a time.
	page = 500
	// maxNamed bounds the webhooks that a report names.
	maxNamed = 20
)

// Store is the system of record.
type Store interface {
	hook.Publications
	// Accounts is that of hook.Accounts.
	Accounts(ctx context.Context, p hook.Page) ([]hook.Account, string, error)
	// Reseal walks an account's webhooks; see sqlstore.Store.
	Reseal(ctx context.Context, account, after string, limit int, do func(*hook.Webhook) (bool, error)) (next string, err error)
}

// Cache is the copy from which senders read.
type Cache interface {
	// Publish writes accounts, unless it has versions as new.
	Publish(ctx context.Context, states []hook.AccountState) error
}

// Config of a run.
type Config struct {
	Store Store
	// Cache; nil: an api publishes.
	Cache Cache
	// Keys: the first seals.
	Keys seal.Keyring
}

// Report says what was done, and what is left.
type Report struct {
	// Secrets were sealed anew, of Webhooks of Accounts.
	Secrets, Webhooks, Accounts int
	// InUse counts what is sealed with each key now, by the key's id; "" is for what was
	// never sealed.
	InUse map[string]int
	// Closed are webhooks with something that cannot be opened, which was left as it is:
	// at most 20 of them.
	Closed []string
	// Unpublished says that the cache may hold what was sealed before; why, unless the
	// configuration has none.
	Unpublished bool
	Why         error
}

// Run walks all accounts. An error of the store ends it; what was sealed anew until
// then stays so. One of the cache is in the report: an api publishes sooner or later.
func Run(ctx context.Context, cfg Config) (Report, error) {
	if len(cfg.Keys.IDs()) == 0 {
		return Report{}, errors.New("rekey: there is no key")
	}
	report := Report{InUse: map[string]int{}}
	for after, more := "", true; more; more = after != "" {
		accounts, next, err := cfg.Store.Accounts(ctx, hook.Page{Limit: page, After: after})
		if err != nil {
			return report, err
		}
		for _, a := range accounts {
			if err := account(ctx, cfg, a.ID, &report); err != nil {
				return report, err
			}
		}
		after = next
	}
	if cfg.Cache != nil {
		report.Why = publish(ctx, cfg)
		report.Unpublished = report.Why != nil
		return report, nil
	}
	_, settled, err := cfg.Store.Digest(ctx)
	report.Unpublished = !settled
	return report, err
}

// tally is what was found in one webhook.
type tally struct {
	fresh  int
	keys   []string
	closed bool
}

func account(ctx context.Context, cfg Config, id string, report *Report) error {
	before := report.Webhooks
	for after, more := "", true; more; more = after != "" {
		found := map[string]tally{} // by webhook: a batch may be tried more than once
		next, err := cfg.Store.Reseal(ctx, id, after, batch, func(w *hook.Webhook) (bool, error) {
			t, err := reseal(w, cfg.Keys)
			found[w.ID] = t
			return t.fresh > 0, err
		})
		if errors.Is(err, hook.ErrNotFound) {
			return nil // deleted meanwhile, and its secrets with it
		}
		if err != nil {
			return err
		}
		for webhook, t := range found {
			report.add(webhook, t)
		}
		after = next
	}
	if report.Webhooks > before {
		report.Accounts++
	}
	return nil
}

func (r *Report) add(webhook string, t tally) {
	r.Secrets += t.fresh
	if t.fresh > 0 {
		r.Webhooks++
	}
	for _, key := range t.keys {
		r.InUse[key]++
	}
	if t.closed && len(r.Closed) < maxNamed {
		r.Closed = append(r.Closed, webhook)
	}
}

// reseal seals anew what another key sealed, and leaves what does not open.
func reseal(w *hook.Webhook, keys seal.Keyring) (t tally, err error) {
	err = w.EachSealed(func(sealed *[]byte, context []byte) error {
		fresh, err := keys.Reseal(*sealed, context)
		switch {
		case errors.Is(err, seal.ErrUnknownKey), errors.Is(err, seal.ErrSealed):
			t.closed = true
		case err != nil:
			return fmt.Errorf("seal what belongs to %s: %w", w.ID, err)
		case seal.KeyID(fresh) != seal.KeyID(*sealed):
			*sealed = fresh
			t.fresh++
		}
		t.keys = append(t.keys, seal.KeyID(*sealed))
		return nil
	})
	return t, err
}

// publish brings what is queued to the cache, as an api does; both may at once. What is
// queued meanwhile is left to that one: it might never end.
func publish(ctx context.Context, cfg Config) error {
	for more := true; more; {
		states, err := cfg.Store.Unpublished(ctx, page)
		if err != nil || len(states) == 0 {
			return err
		}
		more = len(states) == page
		if err := cfg.Cache.Publish(ctx, states); err != nil {
			return fmt.Errorf("publish to the cache: %w", err)
		}
		if err := cfg.Store.Published(ctx, states); err != nil {
			return err
		}
	}
	return nil
}
