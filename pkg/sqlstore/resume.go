package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/staffetta/staffetta/pkg/hook"
)

const (
	// seenResuming: the webhook w is resuming, and its sender knows.
	seenResuming = `w.status = 'resuming' AND (w.awaited = 0
		OR EXISTS (SELECT 1 FROM markers m WHERE m.webhook = w.id AND m.version >= w.awaited))`
	// nothingHeld of it is left.
	nothingHeld = `NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.webhook = w.id AND d.status = 'held'
		AND d.status <> 'delivered')` // as in the index
)

// passMarkers notes the markers that the log has passed. They are a table of their
// own, so that no row of a webhook is locked by a transaction of the log.
func passMarkers(ctx context.Context, tx *sql.Tx, ranges []hook.Range) error {
	for _, r := range ranges {
		for _, m := range r.Markers {
			if _, err := tx.ExecContext(ctx, `INSERT INTO markers AS m (webhook, version) VALUES ($1, $2)
				ON CONFLICT (webhook) DO UPDATE SET version = excluded.version WHERE m.version < excluded.version`,
				storableText(m.Webhook), m.Version); err != nil {
				return fmt.Errorf("marker of webhook %q: %w", m.Webhook, err)
			}
		}
	}
	return nil
}

// FinishResuming implements hook.Recorder.
func (s *Store) FinishResuming(ctx context.Context, caughtUp func(webhook string) bool) error {
	type name struct{ account, id string }
	done, err := collect(ctx, s.db, func(scan func(...any) error) (n name, err error) {
		return n, scan(&n.account, &n.id)
	}, `SELECT w.account, w.id FROM webhooks w WHERE `+seenResuming+` AND `+nothingHeld)
	if err != nil {
		return fmt.Errorf("reading resuming webhooks: %w", err)
	}
	for _, n := range done {
		if !caughtUp(n.id) {
			continue
		}
		if err := s.finishOne(ctx, n.account, n.id); err != nil {
			return fmt.Errorf("ending the resumption of webhook %q: %w", n.id, err)
		}
	}
	return nil
}

// finishOne looks again under the account's lock: meanwhile it may have been
// paused, or paused and resumed, which begins a new resumption.
func (s *Store) finishOne(ctx context.Context, account, id string) error {
	return s.db.Tx(ctx, func(tx *sql.Tx) error {
		owner, err := s.lockAccount(ctx, tx, account)
		if err != nil {
			return err
		}
		still, err := collect(ctx, tx, scanWebhook, `SELECT `+webhookColumns+` FROM webhooks w
			WHERE w.id = $1 AND `+seenResuming+` AND `+nothingHeld, id)
		if err != nil {
			return err
		}
		for _, before := range still {
			w := before
			w.Status = hook.Active
			w.SuspendedAt = time.Time{}
			// Its version stays: who edits it meanwhile is not told of somebody else's change.
			if err := s.changeWebhook(ctx, tx, owner, before, w, resumption{}, act{operation: "activate-webhook"}); err != nil {
				return err
			}
		}
		return nil
	})
}
