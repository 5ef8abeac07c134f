package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

// FinishResuming implements hook.Recorder.
func (s *Store) FinishResuming(ctx context.Context, before time.Time) error {
	type name struct{ account, id string }
	done, err := collect(ctx, s.db, func(scan func(...any) error) (n name, err error) {
		return n, scan(&n.account, &n.id)
	}, `SELECT w.account, w.id FROM webhooks w
		WHERE w.status = 'resuming' AND w.resuming < $1 AND `+nothingHeld, database.Micros(before))
	if err != nil {
		return fmt.Errorf("reading resuming webhooks: %w", err)
	}
	for _, n := range done {
		if err := s.finishOne(ctx, n.account, n.id, before); err != nil {
			return fmt.Errorf("ending the resumption of webhook %q: %w", n.id, err)
		}
	}
	return nil
}

const nothingHeld = `NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.webhook = w.id AND d.status = 'held'
	AND d.status <> 'delivered')` // as in the index

// finishOne looks again under the account's lock: meanwhile it may have been
// paused, or paused and resumed, which begins a new resumption.
func (s *Store) finishOne(ctx context.Context, account, id string, before time.Time) error {
	return s.db.Tx(ctx, func(tx *sql.Tx) error {
		owner, err := s.lockAccount(ctx, tx, account)
		if err != nil {
			return err
		}
		still, err := collect(ctx, tx, scanWebhook, `SELECT `+webhookColumns+` FROM webhooks w
			WHERE w.id = $1 AND w.status = 'resuming' AND w.resuming < $2 AND `+nothingHeld, id, database.Micros(before))
		if err != nil {
			return err
		}
		for _, w := range still {
			w.Status = hook.Active
			w.SuspendedAt = time.Time{}
			w.Version++
			if err := s.writeWebhook(ctx, tx, w, 0); err != nil {
				return err
			}
			if err := raise(ctx, tx, owner); err != nil {
				return err
			}
		}
		return nil
	})
}
