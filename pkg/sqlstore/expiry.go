package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

// expiryChunk is how many rows of usage one transaction deletes: some 10 ms of
// work, since others write meanwhile.
const expiryChunk = 2000

// ExpireUsage implements hook.Recorder. It does little each time if it is called
// often; several may call it at the same time.
func (s *Store) ExpireUsage(ctx context.Context, now time.Time) error {
	hours, days := database.Micros(now.Add(-hook.HourlyKept)), database.Micros(now.Add(-hook.DailyKept))
	series := []oldRows{
		{`step = $2 AND begins < $3`, []any{hook.Hourly.Microseconds(), hours}},
		{`step = $2 AND begins < $3`, []any{hook.Daily.Microseconds(), days}},
	}
	// As the indexes write it, which a planner compares.
	periods := []oldRows{
		{`period_to - period_from < 86400000000 AND period_from < $2`, []any{hours}},
		{`period_to - period_from >= 86400000000 AND period_from < $2`, []any{days}},
	}
	for _, from := range []struct {
		table, key string
		rows       []oldRows
	}{
		{"usage_series", "account, step, begins, webhook", series},
		{"settled_series", "account, step, begins", series},
		{"usage", "account, period_from, webhook, period_to", periods},
		{"settled_usage", "account, period_from, period_to", periods},
	} {
		for _, old := range from.rows {
			statement := `DELETE FROM ` + from.table + ` WHERE (` + from.key + `) IN (SELECT ` + from.key + ` FROM ` + from.table + ` WHERE ` + old.where + ` LIMIT $1)`
			if err := s.expire(ctx, statement, append([]any{expiryChunk}, old.args...)); err != nil {
				return fmt.Errorf("deleting old usage: %w", err)
			}
		}
	}
	return nil
}

// oldRows are those that meet a condition, of which $2 … are args.
type oldRows struct {
	where string
	args  []any
}

// ExpireQuarantine implements hook.Register.
func (s *Store) ExpireQuarantine(ctx context.Context, before time.Time) error {
	err := s.expire(ctx, `DELETE FROM quarantine WHERE id IN (SELECT id FROM quarantine WHERE created_at < $2 LIMIT $1)`,
		[]any{expiryChunk, database.Micros(before)})
	if err != nil {
		return fmt.Errorf("deleting old entries of quarantine: %w", err)
	}
	return nil
}

// expire repeats a statement as long as it deletes as much as it may.
func (s *Store) expire(ctx context.Context, statement string, args []any) error {
	for deleted := int64(expiryChunk); deleted == expiryChunk; {
		err := s.db.Tx(ctx, func(tx *sql.Tx) error {
			result, err := tx.ExecContext(ctx, statement, args...)
			if err != nil {
				return err
			}
			deleted, err = result.RowsAffected()
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
