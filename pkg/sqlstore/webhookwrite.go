package sqlstore

import (
	"context"
	"database/sql"
	"time"

	"github.com/staffetta/staffetta/pkg/hook"
)

// edit applies a change to a copy; Version is raised if anything differs. What is
// written then has no secrets that have ended.
func edit(before hook.Webhook, now time.Time, change func(*hook.Webhook) error) (hook.Webhook, error) {
	old, err := marshalSettings(before)
	if err != nil {
		return hook.Webhook{}, err
	}
	// A copy of its own: change may write into the lists.
	w, err := normal(before)
	if err != nil {
		return hook.Webhook{}, err
	}
	if err := change(&w); err != nil {
		return hook.Webhook{}, err
	}
	w.ID, w.Account, w.Version, w.CreatedAt = before.ID, before.Account, before.Version, before.CreatedAt
	if w, err = normal(w); err != nil {
		return hook.Webhook{}, err
	}
	changed, err := marshalSettings(w)
	if err == nil && (changed != old || w.Status != before.Status) {
		w.Version++
		w.DropOldSecrets(now)
	}
	return w, err
}

// resumption is what the row of a webhook says of its resumption; zero if it is
// not resuming.
type resumption struct {
	// since is when it began.
	since int64
	// awaited is the account's version that its sender has to have seen.
	awaited int64
}

// changeWebhook writes a webhook that was changed, its Version raised unless a resumption
// has ended, and the entry of the audit log, and queues its account, which is locked, for publication.
// resuming is what its row said before.
func (s *Store) changeWebhook(ctx context.Context, tx *sql.Tx, owner hook.Account, before, w hook.Webhook, resuming resumption, a act) error {
	if err := s.writeWebhook(ctx, tx, owner, w, resuming); err != nil {
		return err
	}
	if err := s.auditWebhook(ctx, tx, before, w, a); err != nil {
		return err
	}
	return raise(ctx, tx, owner)
}

// auditWebhook writes what became another in a webhook.
func (s *Store) auditWebhook(ctx context.Context, tx *sql.Tx, before, w hook.Webhook, a act) error {
	then, now := webhookFields(&before), webhookFields(&w)
	if w.Status == hook.Revoked { // the rest of it just ends
		then, now = then[:1], now[:1]
	}
	changes, err := diff(then, now)
	if err != nil {
		return err
	}
	a.target, a.changes = w.ID, changes
	return s.audit(ctx, tx, w.Account, a)
}

// writeWebhook updates the row of one that exists.
func (s *Store) writeWebhook(ctx context.Context, tx *sql.Tx, owner hook.Account, w hook.Webhook, before resumption) error {
	text, err := marshalSettings(w)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE webhooks SET version = $2, status = $3, settings = $4, resuming = $5, awaited = $6 WHERE id = $1`,
		w.ID, w.Version, w.Status, text, s.resumingSince(w, before), awaits(w, before, owner))
	return err
}

func (s *Store) resumingSince(w hook.Webhook, before resumption) int64 {
	switch {
	case w.Status != hook.Resuming:
		return 0
	case before.since != 0:
		return before.since
	}
	return s.stamp()
}

// awaits is the version of the account with which a resumption begins: that which
// raise is about to give it.
func awaits(w hook.Webhook, before resumption, owner hook.Account) int64 {
	switch {
	case w.Status != hook.Resuming:
		return 0
	case before.since != 0:
		return before.awaited
	}
	return owner.Version + 1
}

// raise queues the locked account for publication by raising its version.
func raise(ctx context.Context, tx *sql.Tx, a hook.Account) error {
	_, err := tx.ExecContext(ctx, `UPDATE accounts SET version = $2 WHERE id = $1`, a.ID, a.Version+1)
	return err
}
