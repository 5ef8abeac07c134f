package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"net/url"
	"strings"

	"github.com/staffetta/staffetta/pkg/hook"
)

// webhookName names a webhook.
type webhookName struct{ account, webhook string }

func (n webhookName) compare(other webhookName) int {
	return cmp.Or(strings.Compare(n.account, other.account), strings.Compare(n.webhook, other.webhook))
}

// disable disables a webhook because of an attempt, and reports whether it did. A
// person who has enabled it since, or paused it, is not overruled; nor one who has
// given another URL, if the receiver is gone (it answered 410: Standard Webhooks
// says that nothing shall be sent there any more).
func (s *Store) disable(ctx context.Context, tx *sql.Tx, a *hook.Attempt, gone bool) (bool, error) {
	owner, err := s.lockAccount(ctx, tx, a.Account)
	if errors.Is(err, hook.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	row := tx.QueryRowContext(ctx, `SELECT `+webhookColumns+` FROM webhooks WHERE account = $1 AND id = $2`, a.Account, a.Webhook)
	before, err := scanWebhook(row.Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	w := before
	current, err := url.Parse(w.URL)
	switch {
	case w.Status != hook.Active && w.Status != hook.Resuming,
		a.At.Before(w.EnabledAt),
		gone && (err != nil || hook.ShownURL(current) != a.URL):
		return false, nil
	}
	w.Status = hook.Disabled
	w.SuspendedAt = s.now()
	w.Version++
	err = s.changeWebhook(ctx, tx, owner, before, w, resumption{}, act{operation: "disable-webhook", reason: string(a.Reason)})
	return err == nil, err
}
