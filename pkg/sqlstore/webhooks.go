package sqlstore

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

// CreateWebhook implements hook.Webhooks. ErrConflict if the id is taken.
func (s *Store) CreateWebhook(ctx context.Context, w hook.Webhook) (hook.Webhook, error) {
	if w.CreatedAt.IsZero() {
		w.CreatedAt = s.now()
	}
	w.Version = 1
	w, err := normal(w)
	if err != nil {
		return hook.Webhook{}, err
	}
	text, err := marshalSettings(w)
	if err != nil {
		return hook.Webhook{}, err
	}
	err = s.db.Tx(ctx, func(tx *sql.Tx) error {
		account, err := s.lockAccount(ctx, tx, w.Account)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO webhooks (`+webhookColumns+`, resuming, awaited) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			w.ID, w.Account, w.Version, w.Status, text, database.Micros(w.CreatedAt), s.resumingSince(w, resumption{}), awaits(w, resumption{}, account)); err != nil {
			return err
		}
		if err := raise(ctx, tx, account); err != nil {
			return err
		}
		changes, err := diff(nil, webhookFields(&w))
		if err != nil {
			return err
		}
		return s.audit(ctx, tx, w.Account, act{operation: "create-webhook", target: w.ID, changes: changes})
	})
	if database.IsUnique(err) {
		err = hook.ErrConflict
	}
	if err != nil {
		return hook.Webhook{}, fmt.Errorf("creating webhook %q of account %q: %w", w.ID, w.Account, err)
	}
	return w, nil
}

// Webhook implements hook.Webhooks.
func (s *Store) Webhook(ctx context.Context, account, id string) (hook.Webhook, error) {
	row := s.db.QueryRowContext(ctx, `SELECT `+webhookColumns+` FROM webhooks WHERE account = $1 AND id = $2`, account, id)
	w, err := scanWebhook(row.Scan)
	if err != nil {
		return hook.Webhook{}, fmt.Errorf("webhook %q of account %q: %w", id, account, found(err))
	}
	return w, nil
}

// UpdateWebhook implements hook.Webhooks. What change makes of ID, Account,
// Version and CreatedAt does not count; one that revokes wipes secrets, headers,
// auth, filter and what may be secret in the URL.
// change may run more than once, each time with the then current state.
func (s *Store) UpdateWebhook(ctx context.Context, account, id string, version int64, change func(*hook.Webhook) error) (hook.Webhook, error) {
	var w hook.Webhook
	err := s.db.Tx(ctx, func(tx *sql.Tx) error {
		owner, err := s.lockAccount(ctx, tx, account)
		if err != nil {
			return err
		}
		row := tx.QueryRowContext(ctx, `SELECT `+webhookColumns+`, resuming, awaited FROM webhooks WHERE account = $1 AND id = $2`, account, id)
		var resuming resumption
		before, err := scanWebhook(func(into ...any) error { return row.Scan(append(into, &resuming.since, &resuming.awaited)...) })
		switch {
		case err != nil:
			return found(err)
		case before.Status == hook.Revoked:
			return hook.ErrRevoked
		case version != 0 && version != before.Version:
			return hook.ErrStale
		}
		if w, err = edit(before, s.now(), change); err != nil || w.Version == before.Version {
			return err
		}
		return s.changeWebhook(ctx, tx, owner, before, w, resuming, act{operation: "update-webhook"})
	})
	if err != nil {
		return hook.Webhook{}, fmt.Errorf("changing webhook %q of account %q: %w", id, account, err)
	}
	return w, nil
}
