package chaos

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/staffetta/staffetta/services/bench"
)

// Result is what became of a run. Of bench.Result, Duplicated counts every
// request after a delivery's first, retries too; nothing is compared with a bare
// loop.
type Result struct {
	bench.Result
	Rounds int    `json:"rounds"`
	Seed   uint64 `json:"seed"`
	// Blows counts what happened: "sender kill".
	Blows map[string]int `json:"blows"`
	// Unhealthy rounds were not over after 20 s.
	Unhealthy int `json:"unhealthy"`
	// SlowestRecovery is the longest time from a blow until all was healthy.
	SlowestRecovery float64 `json:"slowest_recovery_s"`
	// Drain is how long deliveries went on after the last event was published.
	Drain float64 `json:"drain_s"`

	// Repeated counts requests whose delivery had been answered 2xx before, by
	// what explains them.
	Repeated            map[cause]int `json:"repeated"`
	RepeatedExplained   int           `json:"repeated_explained"`
	RepeatedUnexplained int           `json:"repeated_unexplained"`
	// Strange deliveries nobody has published.
	Strange int `json:"strange"`

	// LogMissing, LogUndelivered and LogInconsistent are deliveries that the log
	// does not have, shows as not delivered, or with a number of attempts that is
	// not what the receivers saw.
	LogMissing      int `json:"log_missing"`
	LogUndelivered  int `json:"log_undelivered"`
	LogInconsistent int `json:"log_inconsistent"`

	// UsageWrong are hours of a webhook, and webhooks and accounts as a whole, whose
	// usage is not what the log's rows say.
	UsageWrong int `json:"usage_wrong"`

	// Outage is what a server's being away did; nil unless that was the run.
	Outage *OutageResult `json:"outage,omitempty"`

	// Faults are services that ended by themselves, or did not stop in order, or
	// wrote of a panic or a data race.
	Faults []string `json:"faults"`
	// Logs is the folder with the services' logs and findings.txt; empty if
	// nothing was wrong and nobody asked for it.
	Logs string `json:"logs,omitempty"`
}

// Fault says all that is not as it should be; nil if nothing.
func (r Result) Fault() error {
	var faults []error
	for _, f := range []struct {
		count int
		what  string
	}{
		{r.Lost, "deliveries were lost"},
		{r.RepeatedUnexplained, "answered requests were repeated without a kill that explains it"},
		{r.Strange, "deliveries came that nobody published"},
		{r.LogMissing, "deliveries are not in the log"},
		{r.LogUndelivered, "deliveries are not delivered in the log"},
		{r.LogInconsistent, "deliveries have a wrong number of attempts in the log"},
		{r.UsageWrong, "figures of usage are not what the log says"},
		{r.Outage.late(), "deliveries waited for the server that was away"},
	} {
		if f.count > 0 {
			faults = append(faults, fmt.Errorf("%d %s", f.count, f.what))
		}
	}
	for _, f := range r.Faults {
		faults = append(faults, errors.New(f))
	}
	if faults == nil {
		return nil
	}
	return fmt.Errorf("seed %d: %w", r.Seed, errors.Join(faults...))
}

// timed sets what follows from how long deliveries took and the whole lasted.
func (r *Result) timed(took []time.Duration, whole time.Duration) {
	slices.Sort(took)
	r.P50, r.P99 = percentile(took, 50), percentile(took, 99)
	if r.Seconds = whole.Seconds(); r.Seconds > 0 {
		r.DeliveriesPerSecond = float64(r.Deliveries) / r.Seconds
	}
	// Of the services, which have all ended, and of this process.
	perMiB := 1024.0 // Linux and the BSDs count KiB
	if runtime.GOOS == "darwin" {
		perMiB *= 1024 // and this one bytes
	}
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var used syscall.Rusage
		if err := syscall.Getrusage(who, &used); err != nil {
			continue // a figure on the side
		}
		r.CPUSeconds += time.Duration(used.Utime.Nano() + used.Stime.Nano()).Seconds()
		r.PeakRSS = max(r.PeakRSS, float64(used.Maxrss)/perMiB)
	}
}

// percentile is one of sorted times, in milliseconds; 0 if there are none.
func percentile(took []time.Duration, p float64) float64 {
	if len(took) == 0 {
		return 0
	}
	rank := int(math.Ceil(p / 100 * float64(len(took))))
	return float64(took[max(rank, 1)-1]) / float64(time.Millisecond)
}

// WriteJSON writes one line.
func (r Result) WriteJSON(w io.Writer) error {
	figures := []*float64{
		&r.Seconds, &r.DeliveriesPerSecond, &r.P50, &r.P99, &r.CPUSeconds, &r.PeakRSS, &r.SlowestRecovery, &r.Drain,
	}
	if r.Outage != nil {
		o := *r.Outage // the caller's stays as it is
		r.Outage = &o
		figures = append(figures, &o.Seconds, &o.CaughtUp, &o.Before.PerSecond, &o.Before.P50, &o.Before.P99,
			&o.Away.PerSecond, &o.Away.P50, &o.Away.P99)
	}
	for _, f := range figures {
		*f = math.Round(*f*1000) / 1000
	}
	return json.NewEncoder(w).Encode(r)
}

// WriteText writes a table for people.
func (r Result) WriteText(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, values ...any) {
		fmt.Fprintf(table, "%s\t"+format+"\n", append([]any{name}, values...)...)
	}
	row("scenario", "%s on %s servers, seed %d", r.Scenario, r.Servers, r.Seed)
	row("rounds", "%d: %s", r.Rounds, counts(r.Blows))
	row("recovery", "%.1f s at most; %d rounds were not healthy after %s; %.1f s after the last event",
		r.SlowestRecovery, r.Unhealthy, recovery, r.Drain)
	row("deliveries", "%d in %.0f s: %.0f/s", r.Deliveries, r.Seconds, r.DeliveriesPerSecond)
	row("lost", "%d", r.Lost)
	row("repeated", "%d explained, %d not; %s", r.RepeatedExplained, r.RepeatedUnexplained, counts(r.Repeated))
	row("log", "%d missing, %d not delivered, %d inconsistent", r.LogMissing, r.LogUndelivered, r.LogInconsistent)
	row("usage", "%d figures that differ from the log", r.UsageWrong)
	if o := r.Outage; o != nil {
		row("away", "%s for %.1f s; %d deliveries waited for it; the log caught up %.1f s after its return", o.Server, o.Seconds, o.Late, o.CaughtUp)
		for _, s := range []struct {
			name string
			span Span
		}{{"before", o.Before}, {"meanwhile", o.Away}} {
			row(s.name, "%d deliveries, %.0f/s, p50 %.1f ms, p99 %.1f ms", s.span.Deliveries, s.span.PerSecond, s.span.P50, s.span.P99)
		}
	}
	row("publish to arrival", "p50 %.1f ms, p99 %.1f ms", r.P50, r.P99)
	row("CPU", "%.1f s", r.CPUSeconds)
	if r.Logs != "" {
		row("logs", "%s", r.Logs)
	}
	return table.Flush()
}

func counts[K ~string](of map[K]int) string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(of)) {
		words = append(words, fmt.Sprintf("%d %s", of[name], string(name)))
	}
	return strings.Join(words, ", ")
}
