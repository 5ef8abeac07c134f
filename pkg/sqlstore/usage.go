package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

// Usage implements hook.Usages.
func (s *Store) Usage(ctx context.Context, account string, f hook.UsageFilter, p hook.Page) ([]hook.Usage, string, error) {
	where, err := usageConditions(account, f, p)
	if err != nil {
		return nil, "", err
	}
	query := usageOfWebhooks
	if f.Totals {
		query = usageOfAccount
	}
	query = strings.Replace(query, "…", where.text.String(), 1)
	if f.Totals && f.Exceeded {
		query += ` HAVING SUM(u.deferred + u.dropped) > 0`
	}
	query += ` ORDER BY u.period_from DESC, webhook, u.period_to LIMIT ` + where.arg(p.Limit+1)
	list, err := collect(ctx, s.db, scanUsage, query, where.args...)
	if err != nil {
		return nil, "", fmt.Errorf("usage of account %q: %w", account, err)
	}
	list, next := cut(list, p.Limit, func(u hook.Usage) mark {
		return mark{at: database.Micros(u.From), id: u.Webhook + " " + strconv.FormatInt(database.Micros(u.To), 10)}
	})
	return list, next, nil
}

const (
	usageOfWebhooks = `SELECT u.webhook AS webhook, u.period_from, u.period_to, u.executed, u.deferred, u.dropped, u.quota_calls - (
			SELECT CAST(SUM(a.executed) AS BIGINT) FROM usage a
			WHERE a.account = u.account AND a.period_from = u.period_from AND a.period_to = u.period_to)
		FROM usage u WHERE …`
	// A quota that changed within the period is not yet in the rows of webhooks
	// that did nothing since: the higher one counts.
	usageOfAccount = `SELECT '' AS webhook, u.period_from, u.period_to, CAST(SUM(u.executed) AS BIGINT),
			CAST(SUM(u.deferred) AS BIGINT), CAST(SUM(u.dropped) AS BIGINT), MAX(u.quota_calls) - CAST(SUM(u.executed) AS BIGINT)
		FROM usage u WHERE … GROUP BY u.period_from, u.period_to`
)

// usageConditions are those that a row of usage has to meet.
func usageConditions(account string, f hook.UsageFilter, p hook.Page) (*conditions, error) {
	after, more, err := parseMark(p.After)
	if err != nil {
		return nil, err
	}
	where := &conditions{}
	where.add(`u.account = ?`, account)
	if more {
		webhook, end, _ := strings.Cut(after.id, " ")
		to, err := strconv.ParseInt(end, 10, 64)
		if err != nil || f.Totals && webhook != "" {
			return nil, badCursor(p.After)
		}
		where.add(`u.period_from <= ?`, after.at) // where the index begins
		if f.Totals {
			where.add(`(u.period_from < ? OR u.period_to > ?)`, after.at, to)
		} else {
			where.add(`(u.period_from < ? OR u.webhook > ? OR u.webhook = ? AND u.period_to > ?)`, after.at, webhook, webhook, to)
		}
	}
	if f.Webhook != "" {
		where.add(`u.webhook = ?`, storableText(f.Webhook))
	}
	if !f.From.IsZero() {
		where.add(`u.period_from >= ?`, database.Micros(f.From))
	}
	if !f.To.IsZero() {
		where.add(`u.period_from < ?`, database.Micros(f.To))
	}
	if f.Exceeded && !f.Totals {
		where.add(`u.deferred + u.dropped > 0`)
	}
	return where, nil
}

func scanUsage(scan func(...any) error) (hook.Usage, error) {
	var u hook.Usage
	var from, to int64
	var left sql.NullInt64
	err := scan(&u.Webhook, &from, &to, &u.Executed, &u.Deferred, &u.Dropped, &left)
	u.From, u.To = database.Time(from), database.Time(to)
	if left.Valid {
		executable := max(left.Int64, 0)
		u.Executable = &executable
	}
	return u, err
}
