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

// steps are the lengths of time for which there are rows of the table
// usage_series. A day has rows of its own: the hours are kept less long.
var steps = []time.Duration{hook.Hourly, hook.Daily}

// usageStep is a row of the table usage_series.
type usageStep struct {
	webhookName
	// step and begins are in microseconds.
	step, begins int64
}

func (s usageStep) compare(other usageStep) int {
	return cmp.Or(s.webhookName.compare(other.webhookName), cmp.Compare(s.step, other.step), cmp.Compare(s.begins, other.begins))
}

// stepOf is the row of a second.
func stepOf(name webhookName, step time.Duration, second int64) usageStep {
	length := int64(step / time.Second)
	return usageStep{name, step.Microseconds(), second / length * length * int64(time.Second/time.Microsecond)}
}

// What a row of the table usage_series is found by, and what is added up; the last
// are hook.Latency's counts.
const (
	classes = len(hook.LatencyBounds) + 1
	figures = 5 + classes
)

var (
	stepKeyColumns = []column{{"account", text}, {"webhook", text}, {"step", number}, {"begins", number}}
	stepSumColumns = func() []column {
		sums := []column{{"executed", number}, {"delivered", number}, {"deferred", number}, {"dropped", number}, {"latency", number}}
		for class := range classes {
			sums = append(sums, column{latencyColumn(class), number})
		}
		return sums
	}()
)

func latencyColumn(class int) string { return "latency_" + strconv.Itoa(class) }

// writeSeries adds the counts to the rows of their hours and days. The statement
// has the columns to which something is added: of the classes of latency that is
// mostly one or two.
func (t *tally) writeSeries(ctx context.Context, w *database.Writer) error {
	sums := make(map[usageStep]*usageCount)
	for key, n := range t.counts {
		for _, step := range steps {
			addTo(sums, stepOf(key.webhookName, step, key.second), n)
		}
	}
	var total usageCount
	for _, n := range t.counts {
		total.add(n)
	}
	var columns []column
	var added []int
	for i, n := range total.values() {
		if n != 0 {
			columns, added = append(columns, stepSumColumns[i]), append(added, i)
		}
	}
	rows := make([][]any, 0, len(sums))
	for _, s := range slices.SortedFunc(maps.Keys(sums), usageStep.compare) { // in one order: each row is locked
		row := append(make([]any, 0, len(stepKeyColumns)+len(added)), s.account, s.webhook, s.step, s.begins)
		values := sums[s].values()
		for _, i := range added {
			row = append(row, values[i])
		}
		rows = append(rows, row)
	}
	var set, marks []string
	for _, c := range columns {
		set = append(set, c.name+" = u."+c.name+" + excluded."+c.name)
	}
	columns = slices.Concat(stepKeyColumns, columns)
	for i := range columns {
		marks = append(marks, "$"+strconv.Itoa(i+1))
	}
	head := `INSERT INTO usage_series AS u (` + strings.Join(names(columns), ", ") + `) `
	tail := ` ON CONFLICT (account, step, begins, webhook) DO UPDATE SET ` + strings.Join(set, ", ")
	err := execEach(ctx, w, columns, rows, func(unnest string) string { return head + `SELECT * FROM ` + unnest + tail },
		head+`VALUES (`+strings.Join(marks, ", ")+`)`+tail)
	if err != nil {
		return fmt.Errorf("adding to %d hours and days of usage: %w", len(rows), err)
	}
	return nil
}

// values are those of stepSumColumns.
func (c *usageCount) values() [figures]int64 {
	values := [figures]int64{c.executed, c.delivered, c.deferred, c.dropped, c.latency.Sum.Microseconds()}
	copy(values[figures-classes:], c.latency.Counts[:])
	return values
}

// undoSteps takes a failed request out of its hour and its day.
func undoSteps(ctx context.Context, w *database.Writer, a *hook.Attempt) error {
	set := `executed = executed - 1`
	if a.StatusCode != 0 {
		class := latencyColumn(hook.LatencyClass(lasted(a)))
		set += `, ` + class + ` = ` + class + ` - 1, latency = latency - ` + strconv.FormatInt(lasted(a).Microseconds(), 10)
	}
	for _, step := range steps {
		s := stepOf(webhookName{a.Account, a.Webhook}, step, secondOf(a))
		if _, err := w.ExecContext(ctx, `UPDATE usage_series SET `+set+`
			WHERE account = $1 AND webhook = $2 AND step = $3 AND begins = $4 AND executed > 0`,
			s.account, s.webhook, s.step, s.begins); err != nil {
			return err
		}
	}
	return nil
}

// Series implements hook.Usages. One webhook's steps are each sought in the index,
// since those of all others lie between them. Those of the whole account are looked for
// among those that are added up already; the rest is added up here.
func (s *Store) Series(ctx context.Context, account string, f hook.SeriesFilter) ([]hook.UsageStep, error) {
	step := f.Step.Microseconds()
	begins := stepsBetween(step, database.Micros(f.From), database.Micros(f.To))
	if len(begins) == 0 {
		return nil, nil
	}
	where := &conditions{}
	where.add(`account = ?`, account)
	where.add(`step = ?`, step)
	var list []hook.UsageStep
	err := s.db.View(ctx, func(tx *sql.Tx) (err error) {
		if f.Webhook != "" {
			where.add(`webhook = ?`, storableText(f.Webhook))
		} else if list, err = settledSteps(ctx, tx, account, step, begins); err != nil {
			return err
		}
		begins = without(begins, list)
		if len(begins) == 0 {
			return nil
		}
		if f.Webhook == "" && len(list) == 0 {
			where.add(`begins >= ?`, begins[0])
			where.add(`begins <= ?`, begins[len(begins)-1])
		} else {
			in(where, `begins`, begins)
		}
		var sums []string
		for _, c := range stepSumColumns {
			sums = append(sums, `CAST(SUM(`+c.name+`) AS BIGINT)`)
		}
		rest, err := collect(ctx, tx, scanStep, `SELECT begins, `+strings.Join(sums, ", ")+` FROM usage_series
			WHERE `+where.text.String()+` GROUP BY begins`, where.args...)
		list = append(list, rest...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("series of usage of account %q: %w", account, err)
	}
	slices.SortFunc(list, func(a, b hook.UsageStep) int { return a.From.Compare(b.From) })
	return list, nil
}

// stepsBetween are the starts of the steps that begin between two times.
func stepsBetween(step, from, to int64) (begins []int64) {
	for at := (from + step - 1) / step * step; at < to; at += step {
		begins = append(begins, at)
	}
	return begins
}

// without leaves those out that a list has.
func without(begins []int64, list []hook.UsageStep) []int64 {
	for _, u := range list {
		if i, found := slices.BinarySearch(begins, database.Micros(u.From)); found {
			begins = slices.Delete(begins, i, i+1)
		}
	}
	return begins
}

// settledSteps are those of an account that are added up.
func settledSteps(ctx context.Context, q queries, account string, step int64, begins []int64) ([]hook.UsageStep, error) {
	return collect(ctx, q, scanStep, `SELECT begins, `+strings.Join(names(stepSumColumns), ", ")+` FROM settled_series
		WHERE account = $1 AND step = $2 AND begins >= $3 AND begins <= $4 AND NOT stale ORDER BY begins`,
		account, step, begins[0], begins[len(begins)-1])
}

func scanStep(scan func(...any) error) (hook.UsageStep, error) {
	var u hook.UsageStep
	var begins, latency int64
	targets := []any{&begins, &u.Executed, &u.Delivered, &u.Deferred, &u.Dropped, &latency}
	for class := range u.Latency.Counts {
		targets = append(targets, &u.Latency.Counts[class])
	}
	err := scan(targets...)
	u.From, u.Latency.Sum = database.Time(begins), time.Duration(latency)*time.Microsecond
	return u, err
}
