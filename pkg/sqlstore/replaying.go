package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

// RunningReplays implements hook.Replayer.
func (s *Store) RunningReplays(ctx context.Context) ([]hook.Replay, error) {
	list, err := collect(ctx, s.db, scanReplay, `SELECT `+replayColumns+` FROM replays WHERE state = 'running' ORDER BY created_at, id`)
	if err != nil {
		return nil, fmt.Errorf("reading running replays: %w", err)
	}
	return list, nil
}

// AdvanceReplay implements hook.Replayer.
func (s *Store) AdvanceReplay(ctx context.Context, r hook.Replay) (hook.Replay, error) {
	var after hook.Replay
	cancelled := false
	err := s.db.Tx(ctx, func(tx *sql.Tx) error {
		before, err := readReplay(ctx, tx, r.Account, r.ID, s.db.ForUpdate())
		if err != nil {
			return err
		}
		cancelled = before.State == hook.ReplayCancelled
		if before.Revision != r.Revision || before.State != hook.ReplayRunning && !cancelled {
			return hook.ErrStale
		}
		after = r
		if cancelled {
			after.State, after.Detail = before.State, before.Detail
		}
		after.Revision++
		after, err = s.writeReplay(ctx, tx, after)
		return err
	})
	if err == nil && cancelled {
		err = hook.ErrStale
	}
	if err != nil {
		return hook.Replay{}, fmt.Errorf("noting the progress of replay %q: %w", r.ID, err)
	}
	return after, nil
}

// NewestRun implements hook.Replayer.
func (s *Store) NewestRun(ctx context.Context, r hook.Replay) (run int64, err error) {
	where := source{alias: "d", index: byWebhook}.conditions(r.Account, hook.DeliveryFilter{Webhook: r.Webhook, From: r.From, To: r.To})
	row := s.db.QueryRowContext(ctx, `SELECT COALESCE(MAX(d.run), 0) FROM deliveries d WHERE `+where.text.String(), where.args...)
	if err := row.Scan(&run); err != nil {
		return 0, fmt.Errorf("newest run of webhook %q for replay %q: %w", r.Webhook, r.ID, err)
	}
	return run, nil
}

// CountReplay implements hook.Replayer.
func (s *Store) CountReplay(ctx context.Context, r hook.Replay) (n int64, err error) {
	where := meant(r)
	row := s.db.QueryRowContext(ctx, `SELECT COUNT(*) FROM deliveries d WHERE `+where.text.String(), where.args...)
	if err := row.Scan(&n); err != nil {
		return 0, fmt.Errorf("counting the deliveries of replay %q: %w", r.ID, err)
	}
	return n, nil
}

// ReplayDeliveries implements hook.Replayer.
func (s *Store) ReplayDeliveries(ctx context.Context, r hook.Replay, limit int) ([]hook.Delivery, error) {
	where := meant(r)
	if p := r.Progress; p.Delivery != "" {
		where.add(`(d.published, d.id_key) > (?, ?)`, database.Micros(p.At), database.Key(p.Delivery))
	}
	query := `SELECT d.` + strings.Join(listColumns, ", d.") + ` FROM deliveries d WHERE ` + where.text.String() +
		` ORDER BY d.published, d.id_key LIMIT ` + where.arg(limit)
	list, err := collect(ctx, s.db, scanDelivery, query, where.args...)
	if err != nil {
		return nil, fmt.Errorf("reading the deliveries of replay %q: %w", r.ID, err)
	}
	return list, nil
}

// meant are the conditions for the deliveries of a replay with a source. The
// index by webhook leads, as it has them in their order.
func meant(r hook.Replay) *conditions {
	where := source{alias: "d", index: byWebhook, statuses: r.Statuses}.conditions(r.Account, hook.DeliveryFilter{
		Webhook: r.Source, From: r.From, To: r.To,
	})
	where.add(`d.test IS NULL`)
	if len(r.ItemTypes) > 0 {
		in(where, "d.item_type", r.ItemTypes)
	}
	return where
}

// AccountPublished implements hook.Replayer.
func (s *Store) AccountPublished(ctx context.Context, id string) (published bool, err error) {
	row := s.db.QueryRowContext(ctx, `SELECT published >= version FROM accounts WHERE id = $1`, id)
	if err := row.Scan(&published); err != nil {
		return false, fmt.Errorf("publication of account %q: %w", id, found(err))
	}
	return published, nil
}
