package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

// Usage implements hook.Usages.
func (s *Store) Usage(ctx context.Context, account string, f hook.UsageFilter, p hook.Page) ([]hook.Usage, string, error) {
	after, more, err := parseMark(p.After)
	if err != nil {
		return nil, "", err
	}
	webhook, end, _ := strings.Cut(after.id, " ")
	var to int64
	if more {
		if to, err = strconv.ParseInt(end, 10, 64); err != nil || f.Totals && webhook != "" {
			return nil, "", badCursor(p.After)
		}
	}
	where := &conditions{}
	where.add(`u.account = ?`, account)
	if more {
		where.add(`u.period_from <= ?`, after.at) // where the index begins
	}
	if !f.From.IsZero() {
		where.add(`u.period_from >= ?`, database.Micros(f.From))
	}
	if !f.To.IsZero() {
		where.add(`u.period_from < ?`, database.Micros(f.To))
	}
	if f.Exceeded {
		where.add(`u.deferred + u.dropped > 0`)
	}
	var list []hook.Usage
	err = s.db.View(ctx, func(tx *sql.Tx) error {
		if f.Totals {
			list, err = usageOfAccount(ctx, tx, account, where, p.Limit+2)
			list = slices.DeleteFunc(list, func(u hook.Usage) bool {
				from := database.Micros(u.From)
				return f.Exceeded && !u.Exceeded() || more && (from > after.at || from == after.at && database.Micros(u.To) <= to)
			})
			list = list[:min(len(list), p.Limit+1)]
			return err
		}
		if more {
			where.add(`(u.period_from < ? OR u.webhook > ? OR u.webhook = ? AND u.period_to > ?)`, after.at, webhook, webhook, to)
		}
		list, err = usageOfWebhooks(ctx, tx, account, f.Webhook, where, p.Limit+1)
		return err
	})
	if err != nil {
		return nil, "", fmt.Errorf("usage of account %q: %w", account, err)
	}
	list, next := cut(list, p.Limit, func(u hook.Usage) mark {
		return mark{at: database.Micros(u.From), id: u.Webhook + " " + strconv.FormatInt(database.Micros(u.To), 10)}
	})
	return list, next, nil
}

// starts is a query of the times at which an account's periods begin of which rows meet
// the conditions, the newest first. It hops from one to the next in the index: each has
// a row of every webhook.
func starts(where *conditions) string {
	next := `SELECT u.period_from FROM usage u WHERE ` + where.text.String() + `%s ORDER BY u.period_from DESC LIMIT 1`
	return `WITH RECURSIVE starts (period_from) AS (SELECT (` + fmt.Sprintf(next, "") + `) UNION ALL
		SELECT (` + fmt.Sprintf(next, ` AND u.period_from < starts.period_from`) + `) FROM starts WHERE starts.period_from IS NOT NULL)`
}

// usageOfWebhooks lists rows that meet the conditions, of one webhook or of all. What was
// executable is what the whole account had left.
func usageOfWebhooks(ctx context.Context, tx *sql.Tx, account, webhook string, where *conditions, limit int) ([]hook.Usage, error) {
	head, from := ``, `usage u`
	if webhook != "" {
		head, from = starts(where), `starts JOIN usage u ON u.period_from = starts.period_from`
		where.add(`u.webhook = ?`, storableText(webhook))
	}
	query := head + ` SELECT u.webhook, u.period_from, u.period_to, u.executed, u.deferred, u.dropped, u.quota_calls FROM ` + from + `
		WHERE ` + where.text.String() + ` ORDER BY u.period_from DESC, u.webhook, u.period_to LIMIT ` + where.arg(limit)
	list, err := collect(ctx, tx, scanUsage, query, where.args...)
	if err != nil {
		return nil, err
	}
	var limited []int64
	for i := range list {
		if from := database.Micros(list[i].From); list[i].Executable != nil && !slices.Contains(limited, from) {
			limited = append(limited, from)
		}
	}
	sums, err := usageFrom(ctx, tx, account, limited)
	if err != nil {
		return nil, err
	}
	for i := range list {
		u := &list[i]
		for _, sum := range sums {
			if u.Executable != nil && sum.From.Equal(u.From) && sum.To.Equal(u.To) {
				*u.Executable = max(*u.Executable-sum.Executed, 0)
			}
		}
	}
	return list, nil
}

// usageOfAccount lists the sums of periods of which a row meets the conditions, of so many
// starts.
func usageOfAccount(ctx context.Context, tx *sql.Tx, account string, where *conditions, limit int) ([]hook.Usage, error) {
	query := starts(where) + ` SELECT period_from FROM starts WHERE period_from IS NOT NULL LIMIT ` + where.arg(limit)
	begins, err := collect(ctx, tx, func(scan func(...any) error) (at int64, err error) { return at, scan(&at) }, query, where.args...)
	if err != nil {
		return nil, err
	}
	list, err := usageFrom(ctx, tx, account, begins)
	for i := range list {
		if u := &list[i]; u.Executable != nil {
			*u.Executable = max(*u.Executable-u.Executed, 0)
		}
	}
	return list, err
}

// usageFrom is the usage of all webhooks together in the periods that begin at these
// times, as it is added up already or else as it is added up now. Executable is the quota
// of then: one that changed within the period is not yet in the rows of webhooks that did
// nothing since, so the higher one counts.
func usageFrom(ctx context.Context, tx *sql.Tx, account string, begins []int64) ([]hook.Usage, error) {
	if len(begins) == 0 {
		return nil, nil
	}
	of := &conditions{}
	of.add(`account = ?`, account)
	in(of, `period_from`, begins)
	const stale = `SELECT s.period_from FROM settled_usage s WHERE s.account = settled_usage.account AND s.period_from = settled_usage.period_from AND s.stale`
	list, err := collect(ctx, tx, scanUsage, `SELECT '', period_from, period_to, executed, deferred, dropped, quota_calls
		FROM settled_usage WHERE `+of.text.String()+` AND NOT EXISTS (`+stale+`)`, of.args...)
	if err != nil {
		return nil, err
	}
	for _, u := range list {
		begins = slices.DeleteFunc(slices.Clone(begins), func(at int64) bool { return at == database.Micros(u.From) })
	}
	if len(begins) > 0 {
		of = &conditions{}
		of.add(`account = ?`, account)
		in(of, `period_from`, begins)
		rest, err := collect(ctx, tx, scanUsage, `SELECT '', period_from, period_to, CAST(SUM(executed) AS BIGINT),
			CAST(SUM(deferred) AS BIGINT), CAST(SUM(dropped) AS BIGINT), MAX(quota_calls)
			FROM usage WHERE `+of.text.String()+` GROUP BY period_from, period_to`, of.args...)
		if err != nil {
			return nil, err
		}
		list = append(list, rest...)
	}
	slices.SortFunc(list, func(a, b hook.Usage) int { return cmp.Or(b.From.Compare(a.From), a.To.Compare(b.To)) })
	return list, nil
}

// scanUsage scans a row; Executable is its quota.
func scanUsage(scan func(...any) error) (hook.Usage, error) {
	var u hook.Usage
	var from, to int64
	var left sql.NullInt64
	err := scan(&u.Webhook, &from, &to, &u.Executed, &u.Deferred, &u.Dropped, &left)
	u.From, u.To = database.Time(from), database.Time(to)
	if left.Valid {
		u.Executable = &left.Int64
	}
	return u, err
}
