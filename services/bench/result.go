package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"text/tabwriter"
	"time"
)

// Servers are what an installation stands on.
type Servers string

// The servers.
const (
	Embedded Servers = "embedded"
	Real     Servers = "real"
)

// Result is what a scenario measured. The names in JSON are those of
// CONTRACT.md.
type Result struct {
	Scenario string `json:"scenario"`
	// Deliveries that arrived, each counted once.
	Deliveries int `json:"deliveries"`
	// Seconds from the first publish to the last arrival.
	Seconds             float64 `json:"seconds"`
	DeliveriesPerSecond float64 `json:"deliveries_per_s"`
	// BarePerSecond is what a plain HTTP client reaches that posts requests
	// from memory to the same receiver, at its best number of connections.
	BarePerSecond float64 `json:"bare_per_s"`
	// Ratio is DeliveriesPerSecond / BarePerSecond.
	Ratio float64 `json:"ratio"`
	// Lost deliveries did not arrive although the receiver was waited for.
	Lost int `json:"lost"`
	// Duplicated requests had an id that had arrived before.
	Duplicated int `json:"duplicated"`
	// P50 and P99 are milliseconds from publish to arrival.
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
	// CPUSeconds is what this process used, user and system, while the clock
	// ran: all services, the publisher, and the servers if they are embedded,
	// but not the receiver and not real servers.
	CPUSeconds float64 `json:"cpu_s"`
	// PeakRSS is the most memory that this process had, in MiB, up to then.
	PeakRSS float64 `json:"peak_rss_mib"`
	Servers Servers `json:"servers"`

	// What was asked for.
	Events   int    `json:"events"`
	Accounts int    `json:"accounts"`
	Webhooks int    `json:"webhooks"`
	Payload  string `json:"payload"`
	// BareConnections is the number at which BarePerSecond was reached.
	BareConnections int `json:"bare_connections"`
}

// span sets what follows from the time that the deliveries took.
func (r *Result) span(took time.Duration) {
	r.Seconds, r.DeliveriesPerSecond = took.Seconds(), 0
	if took > 0 {
		r.DeliveriesPerSecond = float64(r.Deliveries) / took.Seconds()
	}
}

// compare sets what the bare loop reached.
func (r *Result) compare(b bare) {
	r.BarePerSecond, r.BareConnections, r.Ratio = b.perSecond, b.connections, 0
	if b.perSecond > 0 {
		r.Ratio = r.DeliveriesPerSecond / b.perSecond
	}
}

// WriteJSON writes one line.
func (r Result) WriteJSON(w io.Writer) error {
	for _, f := range []*float64{
		&r.Seconds, &r.DeliveriesPerSecond, &r.BarePerSecond, &r.Ratio, &r.P50, &r.P99, &r.CPUSeconds, &r.PeakRSS,
	} {
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
	row("scenario", "%s on %s servers", r.Scenario, r.Servers)
	row("load", "%d events, %d webhooks of %d accounts, payload %s", r.Events, r.Webhooks, r.Accounts, r.Payload)
	row("deliveries", "%d in %.2f s: %.0f/s", r.Deliveries, r.Seconds, r.DeliveriesPerSecond)
	row("bare HTTP loop", "%.0f/s with %d connections; ratio %.2f", r.BarePerSecond, r.BareConnections, r.Ratio)
	row("lost", "%d", r.Lost)
	row("duplicated", "%d", r.Duplicated)
	row("publish to arrival", "p50 %.1f ms, p99 %.1f ms", r.P50, r.P99)
	row("CPU", "%.2f s", r.CPUSeconds)
	row("peak memory", "%.0f MiB", r.PeakRSS)
	return table.Flush()
}
