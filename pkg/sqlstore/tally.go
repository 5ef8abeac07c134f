package sqlstore

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

// day is the period of an account without a quota: it begins at midnight, UTC.
const day = hook.Daily

// tally is what records that are new in the log say of their webhooks' usage.
type tally struct {
	// counts are by the second, since the length of the account's period is not
	// known yet; a period is at least a second, and whole ones.
	counts map[tallyKey]*usageCount
	// undone are records that were counted, now or before, and whose place in the
	// log a twin's has taken, which is counted too.
	undone []*hook.Attempt
}

type tallyKey struct {
	webhookName
	second int64
}

func newTally() *tally { return &tally{counts: make(map[tallyKey]*usageCount)} }

// usageCount is what a webhook did in some span of time.
type usageCount struct {
	executed, delivered, deferred, dropped int64
	latency                                hook.Latency
}

func (c *usageCount) add(more *usageCount) {
	c.executed += more.executed
	c.delivered += more.delivered
	c.deferred += more.deferred
	c.dropped += more.dropped
	c.latency.Add(&more.latency)
}

// count takes in a record that the log did not have.
func (t *tally) count(a *hook.Attempt) {
	overQuota := a.Reason == hook.ReasonQuota && (a.Fate == hook.FatePending || a.Fate == hook.FateDropped)
	if a.Number == 0 && !overQuota {
		return
	}
	key := tallyKey{webhookName{a.Account, a.Webhook}, secondOf(a)}
	sum := t.counts[key]
	if sum == nil {
		sum = &usageCount{}
		t.counts[key] = sum
	}
	switch {
	case a.Number == 0 && a.Fate == hook.FatePending:
		sum.deferred++
	case a.Number == 0:
		sum.dropped++
	default:
		sum.executed++
		if a.Fate == hook.FateDelivered {
			sum.delivered++
		}
		if a.StatusCode != 0 {
			sum.latency.Note(lasted(a))
		}
	}
}

// replace takes in a record that has taken the place of a failed twin.
func (t *tally) replace(failed, a *hook.Attempt) {
	t.undone = append(t.undone, failed)
	t.count(a)
}

// secondOf is the Unix time of a record, and lasted its duration, as the log has
// them.
func secondOf(a *hook.Attempt) int64 {
	return database.Micros(a.At) / int64(time.Second/time.Microsecond)
}
func lasted(a *hook.Attempt) time.Duration { return a.Duration.Truncate(time.Microsecond) }

// write adds the counts to the tables.
func (t *tally) write(ctx context.Context, w *database.Writer) error {
	if len(t.counts) == 0 {
		return nil
	}
	if err := t.writePeriods(ctx, w); err != nil {
		return err
	}
	if err := t.writeSeries(ctx, w); err != nil {
		return err
	}
	// Last, so that there is a row to take it from if both are of this transaction.
	for _, a := range t.undone {
		if err := undo(ctx, w, a); err != nil {
			return fmt.Errorf("taking a request of webhook %q back: %w", a.Webhook, err)
		}
	}
	return nil
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

// writePeriods adds the counts in the periods of the accounts' quotas.
func (t *tally) writePeriods(ctx context.Context, w *database.Writer) error {
	quotas, err := t.quotas(ctx, w)
	if err != nil {
		return err
	}
	sums := make(map[usagePeriod]*usageCount)
	for key, n := range t.counts {
		quota := hook.Quota{Period: day}
		if q := quotas[key.account]; q != nil {
			quota = *q
		}
		from, to := quota.At(time.Unix(key.second, 0))
		addTo(sums, usagePeriod{key.webhookName, database.Micros(from), database.Micros(to)}, n)
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

// addTo adds to the sum of a key.
func addTo[K comparable](sums map[K]*usageCount, key K, n *usageCount) {
	sum := sums[key]
	if sum == nil {
		sum = &usageCount{}
		sums[key] = sum
	}
	sum.add(n)
}

// quotas reads those of the accounts that have one.
func (t *tally) quotas(ctx context.Context, w *database.Writer) (map[string]*hook.Quota, error) {
	seen := make(map[string]bool)
	var accounts []string
	for key := range t.counts {
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

// undo takes a failed request out of where it was counted. The account's quota may
// be another one since: it is the period that the request lies in that says where.
func undo(ctx context.Context, w *database.Writer, a *hook.Attempt) error {
	at := secondOf(a) * int64(time.Second/time.Microsecond)
	if _, err := w.ExecContext(ctx, `UPDATE usage SET executed = executed - 1
		WHERE account = $1 AND webhook = $2 AND (period_from, period_to) = (
			SELECT p.period_from, p.period_to FROM usage p
			WHERE p.account = $1 AND p.webhook = $2 AND p.period_from <= $3 AND p.period_to > $3 AND p.executed > 0
			ORDER BY p.period_from DESC, p.period_to LIMIT 1)`, a.Account, a.Webhook, at); err != nil {
		return err
	}
	return undoSteps(ctx, w, a)
}
