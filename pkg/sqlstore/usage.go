package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

// day is the period of an account without a quota: it begins at midnight, UTC.
const day = 24 * time.Hour

// tally counts what records that are new in the log say of a webhook's usage,
// by the second, since the length of the account's period is not known yet; a
// period is at least a second, and whole ones.
type tally map[tallyKey]*usageCount

type tallyKey struct {
	webhookName
	second int64
}

type usageCount struct{ executed, deferred, dropped int64 }

func (c *usageCount) add(more *usageCount) {
	c.executed += more.executed
	c.deferred += more.deferred
	c.dropped += more.dropped
}

// count takes in a record that the log did not have.
func (t tally) count(a *hook.Attempt) {
	var n usageCount
	overQuota := a.Reason == hook.ReasonQuota
	switch {
	case a.Number > 0:
		n.executed = 1
	case overQuota && a.Fate == hook.FatePending:
		n.deferred = 1
	case overQuota && a.Fate == hook.FateDropped:
		n.dropped = 1
	default:
		return
	}
	key := tallyKey{webhookName{a.Account, a.Webhook}, a.At.Unix()}
	if sum := t[key]; sum != nil {
		sum.add(&n)
	} else {
		t[key] = &n
	}
}

// usagePeriod is a row of the table usage.
type usagePeriod struct {
	webhookName
	from, to int64
}

func (p usagePeriod) compare(other usagePeriod) int {
	return cmp.Or(p.webhookName.compare(other.webhookName), cmp.Compare(p.from, other.from), cmp.Compare(p.to, other.to))
}

var usageColumns = []column{
	{"account", text}, {"webhook", text}, {"period_from", number}, {"period_to", number}, {"quota_calls", number},
	{"executed", number}, {"deferred", number}, {"dropped", number},
}

const addUsage = ` ON CONFLICT (account, period_from, webhook, period_to) DO UPDATE SET quota_calls = excluded.quota_calls,
	executed = u.executed + excluded.executed, deferred = u.deferred + excluded.deferred, dropped = u.dropped + excluded.dropped`

// write adds the counts to the table, in the periods of the accounts' quotas.
func (t tally) write(ctx context.Context, w *database.Writer) error {
	if len(t) == 0 {
		return nil
	}
	quotas, err := t.quotas(ctx, w)
	if err != nil {
		return err
	}
	sums := make(map[usagePeriod]*usageCount)
	for key, n := range t {
		quota := hook.Quota{Period: day}
		if q := quotas[key.account]; q != nil {
			quota = *q
		}
		from, to := quota.At(time.Unix(key.second, 0))
		period := usagePeriod{key.webhookName, database.Micros(from), database.Micros(to)}
		if sum := sums[period]; sum != nil {
			sum.add(n)
		} else {
			sums[period] = n
		}
	}
	rows := make([][]any, 0, len(sums))
	for _, p := range slices.SortedFunc(maps.Keys(sums), usagePeriod.compare) { // in one order: each row is locked
		var calls any
		if q := quotas[p.account]; q != nil {
			calls = q.Calls
		}
		n := sums[p]
		rows = append(rows, []any{p.account, p.webhook, p.from, p.to, calls, n.executed, n.deferred, n.dropped})
	}
	head := `INSERT INTO usage AS u (` + strings.Join(names(usageColumns), ", ") + `) `
	err = execEach(ctx, w, usageColumns, rows,
		func(unnest string) string { return head + `SELECT * FROM ` + unnest + addUsage },
		head+`VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`+addUsage)
	if err != nil {
		return fmt.Errorf("adding to the usage of %d webhooks: %w", len(rows), err)
	}
	return nil
}

// quotas reads those of the accounts that have one.
func (t tally) quotas(ctx context.Context, w *database.Writer) (map[string]*hook.Quota, error) {
	seen := make(map[string]bool)
	var accounts []string
	for key := range t {
		if !seen[key.account] {
			seen[key.account] = true
			accounts = append(accounts, key.account)
		}
	}
	quotas := make(map[string]*hook.Quota)
	err := eachKey(ctx, w, `SELECT id, quota_calls, quota_period FROM accounts
		WHERE quota_calls IS NOT NULL AND quota_period IS NOT NULL AND id IN (…)`, accounts,
		func(scan func(...any) error) error {
			var id string
			var calls, millis int64
			err := scan(&id, &calls, &millis)
			quotas[id] = &hook.Quota{Calls: calls, Period: time.Duration(millis) * time.Millisecond}
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("reading the quotas of %d accounts: %w", len(accounts), err)
	}
	return quotas, nil
}

// Usage implements hook.Usages.
func (s *Store) Usage(ctx context.Context, account string, f hook.UsageFilter, p hook.Page) ([]hook.Usage, string, error) {
	after, more, err := parseMark(p.After)
	if err != nil {
		return nil, "", err
	}
	where := &conditions{}
	where.add(`u.account = ?`, account)
	if more {
		webhook, end, _ := strings.Cut(after.id, " ")
		to, err := strconv.ParseInt(end, 10, 64)
		if err != nil {
			return nil, "", badCursor(p.After)
		}
		where.add(`u.period_from <= ?`, after.at) // where the index begins
		where.add(`(u.period_from < ? OR u.webhook > ? OR u.webhook = ? AND u.period_to > ?)`, after.at, webhook, webhook, to)
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
	if f.Exceeded {
		where.add(`u.deferred + u.dropped > 0`)
	}
	query := `SELECT u.webhook, u.period_from, u.period_to, u.executed, u.deferred, u.dropped, u.quota_calls - (
			SELECT CAST(SUM(a.executed) AS BIGINT) FROM usage a
			WHERE a.account = u.account AND a.period_from = u.period_from AND a.period_to = u.period_to)
		FROM usage u WHERE ` + where.text.String() + `
		ORDER BY u.period_from DESC, u.webhook, u.period_to LIMIT ` + where.arg(p.Limit+1)
	list, err := collect(ctx, s.db, scanUsage, query, where.args...)
	if err != nil {
		return nil, "", fmt.Errorf("usage of account %q: %w", account, err)
	}
	list, next := cut(list, p.Limit, func(u hook.Usage) mark {
		return mark{at: database.Micros(u.From), id: u.Webhook + " " + strconv.FormatInt(database.Micros(u.To), 10)}
	})
	return list, next, nil
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
