package api

import (
	"context"
	"strconv"
	"time"

	"github.com/staffetta/staffetta/pkg/hook"
)

// maxSteps bounds a series: a month of hours, two years of days.
const maxSteps = 744

// UsageStep is what was done in an hour or a day, as the API shows it.
type UsageStep struct {
	From      time.Time `json:"from" doc:"The start of the hour or the day, in UTC."`
	Executed  int64     `json:"executed" doc:"Requests made."`
	Delivered int64     `json:"delivered" doc:"Those of them that were answered 2xx."`
	Failed    int64     `json:"failed" doc:"The others."`
	Deferred  int64     `json:"deferred" doc:"Deliveries that the quota let wait for a later period."`
	Dropped   int64     `json:"dropped" doc:"Deliveries that were dropped because of the quota."`
	Duration  *Latency  `json:"duration" doc:"Of the requests that were answered, whatever the answer; null if none was."`
}

// Latency is how long requests took.
type Latency struct {
	_    struct{} `nullable:"true"`
	Mean string   `json:"mean" example:"12.5ms"`
	P50  string   `json:"p50" example:"9ms" doc:"Half of them took no longer. Percentiles are interpolated within classes."`
	P95  string   `json:"p95" example:"40ms"`
	P99  string   `json:"p99" example:"180ms"`
}

type seriesInput struct {
	Webhook string    `query:"webhook" doc:"Id of a webhook; without it: all of the account together."`
	Step    string    `query:"step" enum:"1h,24h" default:"1h" doc:"24h: days of UTC."`
	From    time.Time `query:"from" doc:"The hour or day that this time lies in is the first. Default: 24 hours or 30 days before to."`
	To      time.Time `query:"to" doc:"Hours or days that begin before this time. Default, and at most: now."`
}

// series are the parameters as the store takes them, both ends at the start of a step.
func (in *seriesInput) series(now time.Time) (hook.SeriesFilter, error) {
	step, before, kept := hook.Hourly, 24*hook.Hourly, hook.HourlyKept
	if in.Step == "24h" {
		step, before, kept = hook.Daily, 30*hook.Daily, hook.DailyKept
	}
	to := in.To
	if to.IsZero() || to.After(now) {
		to = now
	}
	to = to.Add(step - 1).UTC().Truncate(step)
	from := in.From.UTC().Truncate(step)
	if in.From.IsZero() {
		from = to.Add(-before)
	}
	// What has expired is not nothing: it is left out.
	if oldest := now.Add(-kept + step).UTC().Truncate(step); from.Before(oldest) {
		from = oldest
	}
	if to.Sub(from) > maxSteps*step {
		var faults hook.Invalid
		faults.Add("from", in.From.Format(time.RFC3339Nano), "must be at most "+strconv.Itoa(maxSteps)+" steps before to")
		return hook.SeriesFilter{}, faults
	}
	return hook.SeriesFilter{Webhook: in.Webhook, Step: step, From: from, To: to}, nil
}

// listSeries answers a whole series: those that nothing was done in too.
func (s *Service) listSeries(ctx context.Context, in *seriesInput) (*listed[UsageStep], error) {
	filter, err := in.series(s.now())
	if err != nil {
		return nil, err
	}
	found, err := s.cfg.Store.Series(ctx, principal(ctx).Account, filter)
	if err != nil {
		return nil, err
	}
	var whole []hook.UsageStep
	for at := filter.From; at.Before(filter.To); at = at.Add(filter.Step) {
		step := hook.UsageStep{From: at}
		if len(found) > 0 && found[0].From.Equal(at) {
			step, found = found[0], found[1:]
		}
		whole = append(whole, step)
	}
	return newList(whole, "", showStep), nil
}

func showStep(u hook.UsageStep) UsageStep {
	return UsageStep{
		From: u.From.UTC(), Executed: u.Executed, Delivered: u.Delivered, Failed: u.Failed(),
		Deferred: u.Deferred, Dropped: u.Dropped, Duration: showLatency(&u.Latency),
	}
}

func showLatency(l *hook.Latency) *Latency {
	if l.Count() == 0 {
		return nil
	}
	text := func(d time.Duration) string { return d.Round(time.Microsecond).String() }
	return &Latency{Mean: text(l.Mean()), P50: text(l.Percentile(50)), P95: text(l.Percentile(95)), P99: text(l.Percentile(99))}
}
