package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/staffetta/staffetta/pkg/hook"
)

// disableGone disables the webhooks whose receivers answered 410 (Standard
// Webhooks: nothing shall be sent there any more). A person who has given
// another URL meanwhile, or paused it, is not overruled.
func (s *Store) disableGone(ctx context.Context, tx *sql.Tx, gone map[webhookName]*hook.Attempt) error {
	// In one order, since each locks its account.
	for _, name := range slices.SortedFunc(maps.Keys(gone), webhookName.compare) {
		if err := s.disable(ctx, tx, gone[name]); err != nil && !errors.Is(err, hook.ErrNotFound) {
			return err
		}
	}
	return nil
}

// webhookName names a webhook.
type webhookName struct{ account, webhook string }

func (n webhookName) compare(other webhookName) int {
	return cmp.Or(strings.Compare(n.account, other.account), strings.Compare(n.webhook, other.webhook))
}

func (s *Store) disable(ctx context.Context, tx *sql.Tx, a *hook.Attempt) error {
	owner, err := s.lockAccount(ctx, tx, a.Account)
	if err != nil {
		return err
	}
	row := tx.QueryRowContext(ctx, `SELECT `+webhookColumns+` FROM webhooks WHERE account = $1 AND id = $2`, a.Account, a.Webhook)
	w, err := scanWebhook(row.Scan)
	if err != nil {
		return found(err)
	}
	current, err := url.Parse(w.URL)
	if err != nil || hook.ShownURL(current) != a.URL || w.Status != hook.Active && w.Status != hook.Resuming {
		return nil //nolint:nilerr // a URL that cannot be parsed is not the one that answered
	}
	if a.At.Before(w.EnabledAt) {
		return nil // a person has said since that it works
	}
	w.Status = hook.Disabled
	w.SuspendedAt = s.now()
	w.Version++
	if err := s.writeWebhook(ctx, tx, w, 0); err != nil {
		return err
	}
	return raise(ctx, tx, owner)
}
