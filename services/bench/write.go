package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"text/tabwriter"
)

// WriteJSON writes one line.
func (r Result) WriteJSON(w io.Writer) error {
	round(&r.Seconds, &r.DeliveriesPerSecond, &r.BarePerSecond, &r.Ratio, &r.P50, &r.P99, &r.CPUSeconds, &r.PeakRSS)
	r.Parts, r.Ratios, r.Figures = slices.Clone(r.Parts), rounded(r.Ratios), rounded(r.Figures)
	for i := range r.Parts {
		p := &r.Parts[i]
		round(&p.Seconds, &p.DeliveriesPerSecond, &p.P50, &p.P99)
	}
	r.Series = maps.Clone(r.Series)
	for name, values := range r.Series {
		values = slices.Clone(values)
		for i := range values {
			round(&values[i])
		}
		r.Series[name] = values
	}
	return json.NewEncoder(w).Encode(r)
}

// rounded is a copy of figures in thousandths.
func rounded(figures map[string]float64) map[string]float64 {
	copied := maps.Clone(figures)
	for name, value := range copied {
		round(&value)
		copied[name] = value
	}
	return copied
}

// round cuts figures to thousandths.
func round(figures ...*float64) {
	for _, f := range figures {
		*f = math.Round(*f*1000) / 1000
	}
}

// WriteText writes a table for people.
func (r Result) WriteText(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, values ...any) {
		fmt.Fprintf(table, "%s\t"+format+"\n", append([]any{name}, values...)...)
	}
	row("scenario", "%s on %s servers", r.Scenario, r.Servers)
	row("load", "%d events, %d webhooks of %d accounts, payload %s", r.Events, r.Webhooks, r.Accounts, r.Payload)
	row("deliveries", "%d in %.2f s: %.0f/s", r.Deliveries, r.Seconds, r.DeliveriesPerSecond)
	if r.BarePerSecond > 0 {
		row("bare HTTP loop", "%.0f/s with %d connections; ratio %.2f", r.BarePerSecond, r.BareConnections, r.Ratio)
	}
	row("lost", "%d", r.Lost)
	row("duplicated", "%d", r.Duplicated)
	row("publish to arrival", "p50 %.1f ms, p99 %.1f ms", r.P50, r.P99)
	for _, p := range r.Parts {
		row(p.Name, "%d in %.2f s: %.0f/s; p50 %.1f ms, p99 %.1f ms; lost %d, duplicated %d, pending %d",
			p.Deliveries, p.Seconds, p.DeliveriesPerSecond, p.P50, p.P99, p.Lost, p.Duplicated, p.Pending)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Ratios)) {
		row("ratio "+name, "%.3f", r.Ratios[name])
	}
	for _, name := range slices.Sorted(maps.Keys(r.Figures)) {
		row(name, "%.3f", r.Figures[name])
	}
	row("parked", "%d untried; %d hops, %d twins", r.Deferred, r.Hops, r.Twins)
	row("CPU", "%.2f s", r.CPUSeconds)
	row("peak memory", "%.0f MiB", r.PeakRSS)
	return table.Flush()
}
