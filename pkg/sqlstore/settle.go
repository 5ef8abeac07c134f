package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

const (
	// manyWebhooks is from how many an account's steps and periods are added up ahead:
	// of fewer a month of hours is summed in some 50 ms.
	manyWebhooks = 100
	// settleAfter is how long after its end a step or a period is added up on PostgreSQL, so
	// that what comes in time need not wait (migration 19). On SQLite all writers take turns.
	settleAfter = time.Hour
	// settleLock is the lock of PostgreSQL whose shared form the triggers take that make
	// sums stale (migration 19).
	settleLock = 8317045920371
)

// SettleUsage implements hook.Recorder.
func (s *Store) SettleUsage(ctx context.Context) error {
	accounts, err := collect(ctx, s.db, func(scan func(...any) error) (id string, err error) { return id, scan(&id) },
		`SELECT account FROM webhooks GROUP BY account HAVING COUNT(*) >= $1 ORDER BY account`, manyWebhooks)
	if err != nil {
		return fmt.Errorf("looking for accounts with many webhooks: %w", err)
	}
	until, err := s.settled(ctx)
	if err != nil {
		return fmt.Errorf("reading the clock: %w", err)
	}
	for _, account := range accounts {
		for _, sums := range []settling{seriesOf(account, hook.Hourly), seriesOf(account, hook.Daily), periodsOf(account)} {
			if err := s.settle(ctx, &sums, until); err != nil {
				return fmt.Errorf("adding up the usage of account %q: %w", account, err)
			}
		}
	}
	return nil
}

// settled is the time by which whatever is to be added up has ended. What is late is told
// by PostgreSQL's clock, so it counts too.
func (s *Store) settled(ctx context.Context) (int64, error) {
	now := s.stamp()
	if s.db.Dialect == database.SQLite {
		return now, nil
	}
	var theirs int64
	if err := s.db.QueryRowContext(ctx, `SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)`).Scan(&theirs); err != nil {
		return 0, err
	}
	return min(now, theirs) - settleAfter.Microseconds(), nil
}

// settling is what sums of an account's rows are made of: of the rows that begin at one
// time each. In its statements $1 … are args, and the one after them is a time.
type settling struct {
	args []any
	// stale finds the first sum that is stale, last the newest that there is, and next the
	// first rows after a time: 0 rows or NULL if there is none.
	stale, last, next string
	// step is how long all last that begin at a time, microseconds; 0: it is looked up by
	// ends.
	step int64
	ends string
	// sum adds the rows of a time up.
	sum string
}

func (of *settling) with(at int64) []any { return append(slices.Clone(of.args), at) }

func seriesOf(account string, step time.Duration) settling {
	sums, set := make([]string, len(stepSumColumns)), make([]string, len(stepSumColumns))
	for i, c := range stepSumColumns {
		sums[i], set[i] = `CAST(SUM(`+c.name+`) AS BIGINT)`, c.name+` = excluded.`+c.name
	}
	return settling{
		args:  []any{account, step.Microseconds()},
		stale: `SELECT begins FROM settled_series WHERE account = $1 AND step = $2 AND stale ORDER BY begins LIMIT 1`,
		last:  `SELECT MAX(begins) FROM settled_series WHERE account = $1 AND step = $2`,
		next:  `SELECT MIN(begins) FROM usage_series WHERE account = $1 AND step = $2 AND begins > $3`,
		step:  step.Microseconds(),
		sum: `INSERT INTO settled_series (account, step, begins, ` + strings.Join(names(stepSumColumns), ", ") + `)
			SELECT account, step, begins, ` + strings.Join(sums, ", ") + ` FROM usage_series
			WHERE account = $1 AND step = $2 AND begins = $3 GROUP BY account, step, begins
			ON CONFLICT (account, step, begins) DO UPDATE SET stale = FALSE, ` + strings.Join(set, ", "),
	}
}

func periodsOf(account string) settling {
	return settling{
		args:  []any{account},
		stale: `SELECT period_from FROM settled_usage WHERE account = $1 AND stale ORDER BY period_from LIMIT 1`,
		last:  `SELECT MAX(period_from) FROM settled_usage WHERE account = $1`,
		next:  `SELECT MIN(period_from) FROM usage WHERE account = $1 AND period_from > $2`,
		// Where the quota was changed there are several that begin together.
		ends: `SELECT MAX(period_to) FROM usage WHERE account = $1 AND period_from = $2`,
		sum: `INSERT INTO settled_usage (account, period_from, period_to, quota_calls, executed, deferred, dropped)
			SELECT account, period_from, period_to, MAX(quota_calls), CAST(SUM(executed) AS BIGINT), CAST(SUM(deferred) AS BIGINT), CAST(SUM(dropped) AS BIGINT)
			FROM usage WHERE account = $1 AND period_from = $2 GROUP BY account, period_from, period_to
			ON CONFLICT (account, period_from, period_to) DO UPDATE SET stale = FALSE, quota_calls = excluded.quota_calls,
				executed = excluded.executed, deferred = excluded.deferred, dropped = excluded.dropped`,
	}
}

// settle adds up what has ended by a time and is not added up, or is stale: each time in
// a transaction of its own, since what comes late waits for it.
func (s *Store) settle(ctx context.Context, of *settling, until int64) error {
	one := func(query string, args ...any) (at sql.NullInt64, err error) {
		err = s.db.QueryRowContext(ctx, query, args...).Scan(&at)
		if errors.Is(err, sql.ErrNoRows) {
			err = nil
		}
		return at, err
	}
	for {
		at, err := one(of.stale, of.args...)
		if err != nil {
			return err
		}
		if !at.Valid {
			break
		}
		if err := s.sumUp(ctx, of, at.Int64); err != nil {
			return err
		}
	}
	last, err := one(of.last, of.args...)
	if err != nil {
		return err
	}
	for at := last; ; {
		if at, err = one(of.next, of.with(at.Int64)...); err != nil {
			return err
		}
		if !at.Valid || at.Int64 >= until {
			return nil
		}
		ends := at.Int64 + of.step
		if of.step == 0 {
			last, err := one(of.ends, of.with(at.Int64)...)
			if err != nil {
				return err
			}
			ends = last.Int64
		}
		if ends > until {
			continue // it stays to be added up by whoever reads it
		}
		if err := s.sumUp(ctx, of, at.Int64); err != nil {
			return err
		}
	}
}

// sumUp adds up the rows of a time. Nobody changes them meanwhile without making the sum
// stale: who comes late has been waited for, or waits.
func (s *Store) sumUp(ctx context.Context, of *settling, at int64) error {
	return s.db.Tx(ctx, func(tx *sql.Tx) error {
		if s.db.Dialect == database.Postgres {
			if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock($1)`, settleLock); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, of.sum, of.with(at)...)
		return err
	})
}
