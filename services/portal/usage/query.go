package usage

import (
	"net/url"
	"slices"
	"time"

	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/page"
)

const (
	// days is the range from a day to a day; defaultRange is that of who chose none.
	days         = "days"
	defaultRange = "24h"
	// hourlyAtMost is the longest that is shown by the hour: the API gives 744 steps.
	hourlyAtMost = 31 * hook.Daily
	// rows is how many periods one page has.
	rows = 25
)

// ranges are how far back one can look.
var ranges = map[string]time.Duration{
	"24h": 24 * time.Hour, "7d": 7 * hook.Daily, "30d": 30 * hook.Daily, "90d": 90 * hook.Daily,
}

// query is what the reader chose.
type query struct {
	// Webhook is an id; empty: all of them.
	Webhook string
	// By is "account" for all webhooks together in each period.
	By string
	// Range is one of ranges, or days: then FromDay and ToDay are as they were typed.
	Range          string
	FromDay, ToDay string
	// Step is "1h" or "24h".
	Step     string
	Exceeded bool
	Cursor   string

	// to is zero for now.
	from, to time.Time
}

// Ranges are those to choose from.
func (q *query) Ranges() []string { return []string{"24h", "7d", "30d", "90d", days} }

// readQuery reads what is chosen. Faults are of the days.
func readQuery(values url.Values, now time.Time) (*query, *page.Faults) {
	q := &query{
		Webhook: values.Get("webhook"), By: values.Get("by"), Range: values.Get("range"), Step: values.Get("step"),
		FromDay: values.Get("from"), ToDay: values.Get("to"), Exceeded: values.Get("exceeded") == "true", Cursor: values.Get("cursor"),
	}
	if q.By != "account" || q.Webhook != "" {
		q.By = ""
	}
	if _, known := ranges[q.Range]; !known && q.Range != days {
		q.Range = defaultRange
	}
	faults := q.setRange(now)
	span := ranges[q.Range]
	if q.Range == days {
		to := q.to
		if to.IsZero() {
			to = now
		}
		span = to.Sub(q.from)
	}
	switch {
	case span <= 24*time.Hour:
		q.Step = "1h" // one bar is no chart
	case span > hourlyAtMost:
		q.Step = "24h"
	case slices.Contains([]string{"1h", "24h"}, q.Step):
	case span <= 7*hook.Daily:
		q.Step = "1h"
	default:
		q.Step = "24h"
	}
	return q, faults
}

func (q *query) setRange(now time.Time) *page.Faults {
	if q.Range != days {
		// So many whole steps and the one that it is.
		q.from = now.Add(-ranges[q.Range])
		if q.Range == defaultRange {
			q.from = q.from.Add(time.Hour)
		} else {
			q.from = q.from.Add(hook.Daily).UTC().Truncate(hook.Daily)
		}
		return nil
	}
	faults := &page.Faults{Fields: map[string]string{}}
	day := func(field, text string) time.Time {
		t, err := time.Parse(time.DateOnly, text)
		if err != nil {
			faults.Fields[field] = "must be a day"
		}
		return t
	}
	q.from = day("from", q.FromDay)
	if q.ToDay != "" {
		q.to = day("to", q.ToDay).Add(hook.Daily) // the day is meant too
	}
	switch {
	case len(faults.Fields) > 0:
	case q.from.After(now):
		faults.Fields["from"] = "must not be in the future"
	case !q.to.IsZero() && !q.to.After(q.from):
		faults.Fields["to"] = "must not be before the first day"
	}
	if len(faults.Fields) == 0 {
		return nil
	}
	return faults
}

func (q *query) hourly() bool { return q.Step == "1h" }

// CanChooseStep says whether there are two ways to show the range.
func (q *query) CanChooseStep() bool { return q.Range == "7d" || q.Range == "30d" || q.Range == days }

// with is the query of a URL with another value in it. By and the cursor are of the table
// alone.
func (q *query) with(name, value string) string {
	values := url.Values{}
	set := func(name, value string) {
		if value != "" {
			values.Set(name, value)
		}
	}
	set("webhook", q.Webhook)
	set("by", q.By)
	set("range", q.Range)
	if q.Range == days {
		set("from", q.FromDay)
		set("to", q.ToDay)
	}
	set("step", q.Step)
	if q.Exceeded {
		set("exceeded", "true")
	}
	values.Del(name)
	set(name, value)
	return values.Encode()
}

func (q *query) series() *client.ListUsageSeriesParams {
	step := client.ListUsageSeriesParamsStep(q.Step)
	p := &client.ListUsageSeriesParams{From: &q.from, Step: &step}
	if q.Webhook != "" {
		p.Webhook = &q.Webhook
	}
	if !q.to.IsZero() {
		p.To = &q.to
	}
	return p
}

func (q *query) periods() *client.ListUsageParams {
	limit := int64(rows)
	p := &client.ListUsageParams{Limit: &limit, From: &q.from}
	if q.Range == defaultRange {
		// The period of a day began before.
		day := q.from.UTC().Truncate(hook.Daily)
		p.From = &day
	}
	if q.Webhook != "" {
		p.Webhook = &q.Webhook
	}
	if q.By != "" {
		by := client.ListUsageParamsByAccount
		p.By = &by
	}
	if !q.to.IsZero() {
		p.To = &q.to
	}
	if q.Exceeded {
		p.Exceeded = &q.Exceeded
	}
	if q.Cursor != "" {
		p.Cursor = &q.Cursor
	}
	return p
}
