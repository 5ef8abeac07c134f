package usage

import (
	"math"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/chart"
)

// figures are the series.
type figures struct {
	Steps []step
	// Sum of all steps.
	Executed, Delivered, Failed, Deferred, Dropped int64
	// Any says whether anything was done, Answered whether a request was answered.
	Any, Answered                   bool
	Requests, Failures, Times, Kept chart.Chart
	// Share is how many of the requests were successful, in percent.
	Share string
}

// Keys are the classes of the series of a chart, if it has several.
func (figures) Keys(of string) []string {
	return map[string][]string{"requests": {"good", "bad"}, "kept": {"warn", "idle"}, "times": {"p50", "p95", "p99"}}[of]
}

// step is an hour or a day.
type step struct {
	At                                             string
	Executed, Delivered, Failed, Deferred, Dropped int64
	// Mean and percentiles are empty if no request was answered.
	Mean, P50, P95, P99 string
	// Hover says all of it in a line; every chart has it, so it is made but once.
	Hover string
	// X is where it is in the charts.
	X int
}

// Any says whether there is anything to tell of it.
func (s *step) Any() bool { return s.Executed+s.Deferred+s.Dropped > 0 }

// draw makes charts of a series.
func draw(lang hook.Language, series []client.UsageStep, hourly bool) figures {
	f := figures{Steps: make([]step, len(series))}
	n := len(series)
	times := make([]time.Time, n)
	delivered, failed, kept := make([]float64, n), make([]float64, n), make([]float64, n)
	executed, deferred, dropped := make([]float64, n), make([]float64, n), make([]float64, n)
	p50, p95, p99 := make([]float64, n), make([]float64, n), make([]float64, n)
	printer := message.NewPrinter(language.English)
	if lang == hook.Italian {
		printer = message.NewPrinter(language.Italian)
	}
	for i := range series {
		u := &series[i]
		s := step{
			At: u.From.UTC().Format(time.DateOnly), Executed: u.Executed, Delivered: u.Delivered, Failed: u.Failed,
			Deferred: u.Deferred, Dropped: u.Dropped, X: chart.StepX(i),
		}
		if hourly {
			s.At = u.From.UTC().Format("2006-01-02 15:04")
		}
		times[i] = u.From
		executed[i], delivered[i], failed[i] = float64(u.Executed), float64(u.Delivered), float64(u.Failed)
		deferred[i], dropped[i], kept[i] = float64(u.Deferred), float64(u.Dropped), float64(u.Deferred+u.Dropped)
		p50[i], p95[i], p99[i] = math.NaN(), math.NaN(), math.NaN()
		if d := u.Duration; d != nil {
			f.Answered = true
			s.Mean, _ = taken(lang, d.Mean)
			s.P50, p50[i] = taken(lang, d.P50)
			s.P95, p95[i] = taken(lang, d.P95)
			s.P99, p99[i] = taken(lang, d.P99)
		}
		s.Hover = hover(lang, printer, &s)
		f.Steps[i] = s
		f.Executed, f.Delivered, f.Failed = f.Executed+u.Executed, f.Delivered+u.Delivered, f.Failed+u.Failed
		f.Deferred, f.Dropped = f.Deferred+u.Deferred, f.Dropped+u.Dropped
	}
	if f.Executed > 0 {
		f.Share = chart.Percent(lang, float64(f.Delivered)/float64(f.Executed))
	}
	f.Any = f.Executed+f.Deferred+f.Dropped > 0
	below := chart.Times(lang, times, hourly)
	f.Requests = chart.Stacked(chart.Counts(lang, executed), below, chart.Series{Class: "bar bar-good", Values: delivered}, chart.Series{Class: "bar bar-bad", Values: failed})
	f.Failures = chart.Stacked(chart.Counts(lang, failed), below, chart.Series{Class: "bar bar-bad", Values: failed})
	f.Kept = chart.Stacked(chart.Counts(lang, kept), below, chart.Series{Class: "bar bar-warn", Values: deferred}, chart.Series{Class: "bar bar-idle", Values: dropped})
	f.Times = chart.Lined(chart.Durations(lang, p99), below,
		chart.Series{Class: "line line-p99", Values: p99}, chart.Series{Class: "line line-p95", Values: p95}, chart.Series{Class: "line line-p50", Values: p50})
	return f
}

// hover is what a step tells whoever points at it.
func hover(lang hook.Language, printer *message.Printer, s *step) string {
	say := func(key string, args ...any) string {
		if lang == hook.Italian {
			return printer.Sprintf(words[key][1], args...)
		}
		return printer.Sprintf(words[key][0], args...)
	}
	text := say("hover.requests", s.At, s.Executed, s.Delivered, s.Failed)
	if s.P50 != "" {
		text += say("hover.times", s.Mean, s.P50, s.P95, s.P99)
	}
	if s.Deferred+s.Dropped > 0 {
		text += say("hover.kept", s.Deferred, s.Dropped)
	}
	return text
}

// taken is a duration of the API as it is shown, and in milliseconds.
func taken(lang hook.Language, text string) (string, float64) {
	d, err := time.ParseDuration(text)
	if err != nil {
		return "", math.NaN()
	}
	return chart.Duration(lang, d), float64(d) / float64(time.Millisecond)
}
