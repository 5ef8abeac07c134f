package chaos

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/staffetta/staffetta/pkg/hook"
)

// Outage is a run in which, instead of rounds, a server is away once.
type Outage struct {
	// Server is postgres or redis: without Kafka nothing moves.
	Server string
	// For is how long, at least a second. Before that the load runs for as long, so
	// that the two can be compared.
	For time.Duration
}

// OutageResult is what it did.
type OutageResult struct {
	Server  string  `json:"server"`
	Seconds float64 `json:"seconds"`
	// Before is the time before, as long as the outage, and Away the outage.
	Before Span `json:"before"`
	Away   Span `json:"away"`
	// Late are deliveries that were published more than 10 s before the return, and
	// arrived after it.
	Late int `json:"late"`
	// CaughtUp is how long after the return usage told, and so the log had, as many
	// requests as had been answered by then.
	CaughtUp float64 `json:"caught_up_s"`
}

// Span is what was published in some time.
type Span struct {
	Deliveries int     `json:"deliveries"`
	PerSecond  float64 `json:"deliveries_per_s"`
	// P50 and P99 are from publish to the first request's arrival.
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
}

// lateAfter is when a delivery is late: a queue of some seconds is nobody's fault.
const lateAfter = 10 * time.Second

func (o *OutageResult) late() int {
	if o == nil {
		return 0
	}
	return o.Late
}

// checkOutage refuses servers that cannot be away.
func checkOutage(base servers, o *Outage) error {
	if o == nil {
		return nil
	}
	var names []string
	for _, s := range base.strokes() {
		if s.how == killed && s.part != kafka {
			names = append(names, s.part)
		}
	}
	var faults hook.Invalid
	if !slices.Contains(names, o.Server) {
		rule := "must be one that can be stopped, " + strings.Join(names, " or ")
		if len(names) == 0 {
			rule = "cannot be stopped without the program that does it"
		}
		faults.Add("server", o.Server, rule)
	}
	return faults.Err()
}

// outage lets the load run, takes the server away, and brings it back.
func (r *run) outage(ctx context.Context, tenants []tenant) error {
	if err := r.healthy(ctx); err != nil {
		return err
	}
	o := r.cfg.Outage
	begun := time.Now()
	r.tell("%s runs", o.Server)
	if !pause(ctx, o.For) {
		return context.Cause(ctx)
	}
	b := blow{stroke: stroke{o.Server, killed}, name: o.Server, from: time.Now()}
	if err := r.in.servers.stop(ctx, o.Server, killed); err != nil {
		return err
	}
	b.to = time.Now()
	r.tell("%s is away", o.Server)
	waited := pause(ctx, o.For)
	end, answered := time.Now(), r.ledger.answered()
	// Also when the run is broken off: others may need it.
	if err := r.in.servers.start(context.WithoutCancel(ctx), o.Server); err != nil {
		return err
	}
	b.back = time.Now()
	if !waited {
		return context.Cause(ctx)
	}
	r.tell("%s is back", o.Server)
	result := &OutageResult{
		Server: o.Server, Seconds: end.Sub(b.to).Seconds(), Before: r.ledger.span(begun, b.from), Away: r.ledger.span(b.to, end),
		Late: r.ledger.lateAt(b.to, end),
	}
	r.result.Outage = result
	left, err := r.recover(ctx, b.back, recovery)
	if err != nil {
		return err
	}
	b.healthy = time.Now()
	if _, err := await(ctx, r.cfg.Patience, func(ctx context.Context) (int, bool, error) {
		sums, err := r.in.charged(ctx, tenants, "account")
		if err != nil {
			return 0, false, nil //nolint:nilerr // the api may not have its database yet
		}
		told := 0
		for _, n := range sums {
			told += int(n)
		}
		return told, told >= answered, nil
	}); err != nil {
		return err
	}
	result.CaughtUp = time.Since(b.back).Seconds()
	r.blows = append(r.blows, b)
	r.note(1, b, left)
	return nil
}

// answered counts the requests that were.
func (l *ledger) answered() (count int) {
	l.each(func(_ string, d *delivery) {
		for _, r := range d.requests {
			if r.status != 0 {
				count++
			}
		}
	})
	return count
}

// span is what was published in a time and has arrived.
func (l *ledger) span(from, to time.Time) (s Span) {
	var took []time.Duration
	l.each(func(_ string, d *delivery) {
		if len(d.requests) > 0 && !d.published.Before(from) && d.published.Before(to) {
			took = append(took, d.requests[0].arrived.Sub(d.published))
		}
	})
	slices.Sort(took)
	s.Deliveries, s.P50, s.P99 = len(took), percentile(took, 50), percentile(took, 99)
	if seconds := to.Sub(from).Seconds(); seconds > 0 {
		s.PerSecond = float64(s.Deliveries) / seconds
	}
	return s
}

// lateAt counts what was published from a moment on, long before another, and has
// not arrived by now.
func (l *ledger) lateAt(from, to time.Time) (count int) {
	l.each(func(_ string, d *delivery) {
		if len(d.requests) == 0 && !d.published.Before(from) && d.published.Before(to.Add(-lateAfter)) {
			count++
		}
	})
	return count
}
