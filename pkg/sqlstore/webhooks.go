package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"time"

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
		if _, err := tx.ExecContext(ctx, `INSERT INTO webhooks (`+webhookColumns+`, resuming) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			w.ID, w.Account, w.Version, w.Status, text, database.Micros(w.CreatedAt), s.resumingSince(w, 0)); err != nil {
			return err
		}
		return raise(ctx, tx, account)
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

// Webhooks implements hook.Webhooks.
func (s *Store) Webhooks(ctx context.Context, account string, f hook.WebhookFilter, p hook.Page) ([]hook.Webhook, string, error) {
	var where conditions
	where.add(`account = ?`, account)
	if f.Status != "" {
		where.add(`status = ?`, f.Status)
	} else {
		where.add(`status <> 'revoked'`)
	}
	list, next, err := newest(ctx, s.db, `webhooks`, webhookColumns, &where, p, scanWebhook,
		func(w hook.Webhook) mark { return mark{at: database.Micros(w.CreatedAt), id: w.ID} })
	if err != nil {
		return nil, "", fmt.Errorf("listing webhooks of account %q: %w", account, err)
	}
	return list, next, nil
}

// UpdateWebhook implements hook.Webhooks. What change makes of ID, Account,
// Version and CreatedAt does not count; one that revokes wipes the secrets.
// change may run more than once, each time with the then current state.
func (s *Store) UpdateWebhook(ctx context.Context, account, id string, version int64, change func(*hook.Webhook) error) (hook.Webhook, error) {
	var w hook.Webhook
	err := s.db.Tx(ctx, func(tx *sql.Tx) error {
		owner, err := s.lockAccount(ctx, tx, account)
		if err != nil {
			return err
		}
		row := tx.QueryRowContext(ctx, `SELECT `+webhookColumns+`, resuming FROM webhooks WHERE account = $1 AND id = $2`, account, id)
		var resuming int64
		before, err := scanWebhook(func(into ...any) error { return row.Scan(append(into, &resuming)...) })
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
		if err := s.writeWebhook(ctx, tx, w, resuming); err != nil {
			return err
		}
		return raise(ctx, tx, owner)
	})
	if err != nil {
		return hook.Webhook{}, fmt.Errorf("changing webhook %q of account %q: %w", id, account, err)
	}
	return w, nil
}

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

// writeWebhook updates the row of one that exists; resuming is since when it
// was resuming before, or 0.
func (s *Store) writeWebhook(ctx context.Context, tx *sql.Tx, w hook.Webhook, resuming int64) error {
	text, err := marshalSettings(w)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE webhooks SET version = $2, status = $3, settings = $4, resuming = $5 WHERE id = $1`,
		w.ID, w.Version, w.Status, text, s.resumingSince(w, resuming))
	return err
}

func (s *Store) resumingSince(w hook.Webhook, before int64) int64 {
	switch {
	case w.Status != hook.Resuming:
		return 0
	case before != 0:
		return before
	}
	return s.stamp()
}

// raise queues the locked account for publication by raising its version.
func raise(ctx context.Context, tx *sql.Tx, a hook.Account) error {
	_, err := tx.ExecContext(ctx, `UPDATE accounts SET version = $2 WHERE id = $1`, a.ID, a.Version+1)
	return err
}
