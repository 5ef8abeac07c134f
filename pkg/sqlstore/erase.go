package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

const (
	// eraseAgain is how often an account of which nothing was left is looked at again.
	eraseAgain = time.Hour
	// eraseLater is how long an account waits that failed, so that it does not hold up
	// the others.
	eraseLater = time.Minute
)

// erased are the tables of which rows go by their account, in this order, each with the
// columns that name a row. Webhooks are last, as they tell whose markers are. The log is
// not among them: see eraseLog. The rest of the audit log stays, see audit below.
var erased = []struct{ table, key, rows string }{
	{table: "quarantine", key: "id"},
	{table: "replays", key: "id"},
	{table: "redrives", key: "id"},
	{table: "notifications", key: "number"},
	{table: "streaks", key: "webhook"},
	{table: "usage", key: "account, period_from, webhook, period_to"},
	{table: "usage_series", key: "account, step, begins, webhook"},
	{table: "settled_usage", key: "account, period_from, period_to"},
	{table: "settled_series", key: "account, step, begins"},
	{table: "idempotency_keys", key: "owner, key"},
	{table: "api_keys", key: "id"},
	{table: "item_schemas", key: "account, item_type"},
	{table: "members", key: "id"},
	// Those of members that are gone, of whatever account.
	{table: "mailboxes", key: "member"},
	{table: "mails", key: "member, number"},
	// A member's goes on, for the other accounts that the person belongs to.
	{table: "portal_sessions", key: "hash", rows: `AND (t.link <> '' OR t.api_key <> '')`},
	{table: "stores", key: "account, id"},
	// The last entry stays: that the account was deleted, by whom, when, from where.
	{table: "audit", key: "account, number", rows: `AND number < (SELECT MAX(number) FROM audit WHERE account = $1)`},
	// Also those of webhooks that went before.
	{table: "markers", key: "webhook", rows: `OR NOT EXISTS (SELECT 1 FROM webhooks w WHERE w.id = t.webhook)`},
	{table: "webhooks", key: "id"},
}

// eraseStatement deletes at most $2 rows of the account $1.
func eraseStatement(table, key, rows string) string {
	of := `t.account = $1 `
	switch table {
	case "markers":
		of = `t.webhook IN (SELECT id FROM webhooks WHERE account = $1) `
	case "mailboxes", "mails":
		of = `NOT EXISTS (SELECT 1 FROM members m WHERE m.id = t.member AND m.account <> $1) `
	}
	return `DELETE FROM ` + table + ` WHERE (` + key + `) IN (SELECT ` + key + ` FROM ` + table + ` t WHERE ` + of + rows + ` LIMIT $2)`
}

// Erasure implements hook.Accounts.
func (s *Store) Erasure(ctx context.Context, id string) (hook.Erasure, error) {
	e := hook.Erasure{Account: id}
	var deleted, gone int64
	row := s.db.QueryRowContext(ctx, `SELECT deleted_at, erased_at FROM accounts WHERE id = $1 AND deleted`, id)
	if err := row.Scan(&deleted, &gone); err != nil {
		return hook.Erasure{}, fmt.Errorf("erasure of account %q: %w", id, found(err))
	}
	e.DeletedAt, e.ErasedAt = database.Time(deleted), database.Time(gone)
	return e, nil
}

// Erase implements hook.Eraser. What it does is found anew each time, so that it matters
// to nobody where it was broken off. Accounts take turns.
func (s *Store) Erase(ctx context.Context, watch time.Duration) (more bool, err error) {
	var account string
	row := s.db.QueryRowContext(ctx, `SELECT id FROM accounts WHERE erase_due > 0 AND erase_due <= $1
		ORDER BY erase_due, id LIMIT 1`, s.stamp())
	switch err := row.Scan(&account); {
	case errors.Is(err, sql.ErrNoRows):
		return s.adopt(ctx)
	case err != nil:
		return false, fmt.Errorf("looking for accounts to erase: %w", err)
	}
	some, err := s.eraseSome(ctx, account)
	switch {
	case err != nil:
		if later := s.eraseDue(ctx, account, s.now().Add(eraseLater)); later != nil {
			err = errors.Join(err, later)
		}
	case some:
		err = s.eraseDue(ctx, account, s.now())
	default:
		err = s.eraseRest(ctx, account, watch)
	}
	if err != nil {
		return false, fmt.Errorf("erasing account %q: %w", account, err)
	}
	return true, nil
}

// adopt takes accounts in that were deleted by an api of an older version, which goes on
// for a while beside what migrated the tables; more says that there were any.
func (s *Store) adopt(ctx context.Context) (more bool, err error) {
	err = s.db.Tx(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `UPDATE accounts SET deleted_at = $1, erase_due = $1 WHERE deleted AND deleted_at = 0`, s.stamp())
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		more = n > 0
		return err
	})
	if err != nil {
		return false, fmt.Errorf("looking for accounts that an older version deleted: %w", err)
	}
	return more, nil
}

func (s *Store) eraseDue(ctx context.Context, account string, at time.Time) error {
	return s.db.Tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE accounts SET erase_due = $2 WHERE id = $1`, account, database.Micros(at))
		return err
	})
}

// eraseSome deletes some of what an account had, and reports whether there was anything.
// A table is begun when nothing is left in those before it.
func (s *Store) eraseSome(ctx context.Context, account string) (some bool, err error) {
	n, err := s.eraseLog(ctx, account)
	some = n > 0
	for _, e := range erased {
		if err != nil || n == forgetRows {
			return some, err
		}
		n, err = s.eraseRows(ctx, eraseStatement(e.table, e.key, e.rows), account)
		if err != nil {
			return some, fmt.Errorf("from %s: %w", e.table, err)
		}
		some = some || n > 0
	}
	return some, nil
}

func (s *Store) eraseRows(ctx context.Context, statement, account string) (n int, err error) {
	err = s.db.Tx(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, statement, account, forgetRows)
		if err != nil {
			return err
		}
		deleted, err := result.RowsAffected()
		n = int(deleted)
		return err
	})
	return n, err
}

// eraseRest is for an account of which no rows are left: what its own row says, and the
// values in the last entry of its audit log.
func (s *Store) eraseRest(ctx context.Context, account string, watch time.Duration) error {
	return s.db.Tx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE audit SET changes = '[]' WHERE account = $1 AND changes <> '[]'`, account); err != nil {
			return err
		}
		now := s.now()
		_, err := tx.ExecContext(ctx, `UPDATE accounts SET name = '', quota_calls = NULL, quota_period = NULL, streak = NULL,
			erased_at = CASE WHEN erased_at = 0 THEN $2 ELSE erased_at END,
			erase_due = CASE WHEN deleted_at <= $3 THEN 0 ELSE CAST($4 AS BIGINT) END
			WHERE id = $1`, account, database.Micros(now), database.Micros(now.Add(-watch)), database.Micros(now.Add(eraseAgain)))
		return err
	})
}

// eraseLog deletes at most forgetRows deliveries of an account, the oldest first, with
// all that belongs to them. It goes from day to day, so that a transaction locks few
// partitions.
func (s *Store) eraseLog(ctx context.Context, account string) (n int, err error) {
	spans := []span{{}}
	if s.db.Dialect == database.Postgres {
		days, err := readDays(ctx, s.db)
		if err != nil {
			return 0, fmt.Errorf("reading the days of the log: %w", err)
		}
		spans = spans[:0]
		for _, d := range days {
			of := span{from: &d.from, to: &d.to}
			if d.from == math.MinInt64 {
				of.from = nil
			}
			spans = append(spans, of)
		}
	}
	for _, of := range spans {
		some, err := s.eraseDay(ctx, account, of, forgetRows-n)
		if err != nil {
			return n, fmt.Errorf("from the log: %w", err)
		}
		if n += some; n == forgetRows {
			break
		}
	}
	return n, nil
}

func (s *Store) eraseDay(ctx context.Context, account string, of span, limit int) (n int, err error) {
	err = s.db.Write(ctx, func(w *database.Writer) error {
		if err := hurry(ctx, w); err != nil {
			return err
		}
		old, err := collect(ctx, w, func(scan func(...any) error) (whole, error) {
			var r rowScan
			if err := scan(r.listTargets()...); err != nil {
				return whole{}, err
			}
			d, _, err := r.finish()
			return whole{Attempt: d.attempt}, err
		}, `SELECT `+strings.Join(listColumns, ", ")+` FROM deliveries d WHERE account = $1`+of.conditions("d")+`
			ORDER BY published, id_key LIMIT $2`, account, limit)
		if err != nil {
			return err
		}
		if n = len(old); n == 0 {
			return nil
		}
		if w.Dialect == database.Postgres {
			if err := eraseDeliveries(ctx, w, of, old); err != nil {
				return err
			}
		} else if err := forgetAll(ctx, w, old); err != nil {
			return err
		}
		return eraseStrays(ctx, w, old)
	})
	return n, err
}

// eraseDeliveries deletes deliveries of a span from PostgreSQL with their attempts and
// items.
func eraseDeliveries(ctx context.Context, w *database.Writer, of span, old []whole) error {
	var ids, items [][]any
	for _, d := range old {
		key := database.Key(d.Delivery)
		ids = append(ids, []any{key, d.Delivery})
		row := delivery{attempt: d.Attempt}
		items = append(items, row.itemValues(key, database.Micros(d.Published))...)
	}
	for _, table := range []struct{ from, columns, matches string }{
		{"deliveries d", "id_key, id", "d.id_key = n.id_key AND d.id = n.id" + of.conditions("d")},
		{"attempts d", "id_key, id", "d.id_key = n.id_key AND d.delivery = n.id" + of.conditions("d")},
	} {
		err := execEach(ctx, w, fixedColumns[:2], ids, func(unnest string) string {
			return `DELETE FROM ` + table.from + ` USING ` + unnest + ` AS n (` + table.columns + `) WHERE ` + table.matches
		}, "")
		if err != nil {
			return err
		}
	}
	return execEach(ctx, w, itemColumns, items, func(unnest string) string {
		return `DELETE FROM delivery_items d USING ` + unnest + ` AS n (item_key, published, id_key)
			WHERE d.item_key = n.item_key AND d.published = n.published AND d.id_key = n.id_key` + of.conditions("d")
	}, "")
}

func eraseStrays(ctx context.Context, w *database.Writer, old []whole) error {
	columns := []column{{"id_key", number}, {"published", number}}
	rows := make([][]any, len(old))
	for i, d := range old {
		rows[i] = []any{database.Key(d.Delivery), database.Micros(d.Published)}
	}
	return execEach(ctx, w, columns, rows, func(unnest string) string {
		return `DELETE FROM log_strays d USING ` + unnest + ` AS n (id_key, published) WHERE d.id_key = n.id_key AND d.published = n.published`
	}, `DELETE FROM log_strays WHERE id_key = $1 AND published = $2`)
}
