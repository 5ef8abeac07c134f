package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/staffetta/staffetta/pkg/database"
)

// days are the partitions of the log that this process has seen on PostgreSQL.
type days struct {
	mu    sync.Mutex
	known []logDay
}

// logDay is a row of log_days.
type logDay struct {
	from, to int64
	suffix   string
	complete bool
}

// covers reports whether all the days (their starts) have their partitions.
func (d *days) cover(wanted []int64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(uncovered(d.known, wanted)) == 0
}

func (d *days) all() []logDay {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.known
}

func (d *days) learn(known []logDay) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.known = known
}

func uncovered(known []logDay, wanted []int64) []int64 {
	return slices.DeleteFunc(slices.Clone(wanted), func(from int64) bool {
		return slices.ContainsFunc(known, func(d logDay) bool { return d.from <= from && from < d.to })
	})
}

// makeDays makes the partitions of days that lack theirs: the keeper has made those
// of most days ahead, and those of the past are made when something comes.
func (s *Store) makeDays(ctx context.Context, wanted []int64) error {
	if s.db.Dialect == database.SQLite || s.days.cover(wanted) {
		return nil
	}
	var known []logDay
	err := s.db.Tx(ctx, func(tx *sql.Tx) error {
		if err := lockDays(ctx, tx); err != nil {
			return err
		}
		var err error
		if known, err = readDays(ctx, tx); err != nil {
			return err
		}
		missing := uncovered(known, wanted)
		for _, from := range missing {
			if _, err := tx.ExecContext(ctx, `SELECT make_log_day($1)`, from); err != nil {
				return fmt.Errorf("making the partitions of the day that begins at %s: %w", database.Time(from), err)
			}
		}
		if len(missing) > 0 {
			known, err = readDays(ctx, tx)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("making room in the log: %w", err)
	}
	s.days.learn(known)
	return nil
}

// lockDays lets nobody else make or drop days until the transaction ends.
func lockDays(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('staffetta log_days ' || current_schema(), 0))`)
	return err
}

// readDays reads them, the oldest first.
func readDays(ctx context.Context, q queries) ([]logDay, error) {
	return collect(ctx, q, func(scan func(...any) error) (d logDay, err error) {
		return d, scan(&d.from, &d.to, &d.suffix, &d.complete)
	}, `SELECT day, until, suffix, complete FROM log_days ORDER BY day`)
}

// sorted are the keys of a map in their order, which is one for all who lock.
func sorted[V any](m map[int64]V) []int64 { return slices.Sorted(maps.Keys(m)) }
