package hook

import "time"

// The steps of a series of usage.
const (
	Hourly = time.Hour
	// Daily steps begin at midnight, UTC.
	Daily = 24 * time.Hour
)

// How long usage is kept.
const (
	// HourlyKept is for hourly steps and for periods of a quota that are shorter
	// than a day; the log is kept as long.
	HourlyKept = 90 * Daily
	// DailyKept is for daily steps and for longer periods: two years.
	DailyKept = 731 * Daily
)

// UsageStep is what one webhook, or all of an account, did in an hour or a day.
type UsageStep struct {
	// From is the start of the step.
	From time.Time
	// Executed is the number of requests made, and Delivered that of those among
	// them that were answered 2xx.
	Executed, Delivered int64
	// Deferred and Dropped are as in Usage.
	Deferred, Dropped int64
	// Latency is that of the requests that were answered, whatever the answer.
	Latency Latency
}

// Failed is the number of requests that were made for nothing.
func (s UsageStep) Failed() int64 { return s.Executed - s.Delivered }

// SeriesFilter says which series.
type SeriesFilter struct {
	// Webhook: only its; empty: the sum of all of the account.
	Webhook string
	// Step is Hourly or Daily.
	Step time.Duration
	// From (inclusive) and To (exclusive) bound the start of the steps.
	From, To time.Time
}
