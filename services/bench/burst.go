package bench

import (
	"context"
	"errors"
	"time"

	"github.com/staffetta/staffetta/services/bench/receiver"
)

// The receiver's groups of the scenario burst.
const (
	groupBurst  = "burst"
	groupOthers = "others"
)

// burst publishes cfg.Backlog events of one account at once, whose receiver takes
// cfg.Drain a second, while cfg.Accounts others go on at cfg.Rate in all. It
// measures how fast the burst leaves the topic deliveries, for the lane or the
// tiers, and what the others feel before, during and after that. All is waited
// for, so it lasts Backlog / Drain seconds at least.
func burst(ctx context.Context, cfg Config, r *receiver.Process) (Result, error) {
	result := Result{
		Events: cfg.Backlog, Accounts: cfg.Accounts + 1, Webhooks: cfg.Webhooks + 1, Payload: string(cfg.Payload),
	}
	err := cfg.inLab(ctx, r, func(ctx context.Context, l *lab) (err error) {
		one := cfg
		one.Accounts, one.Webhooks = 1, 1
		busy, others := &trial{lab: l}, &trial{lab: l}
		defer func() {
			err = errors.Join(err, l.in.remove(ctx, busy.load.tenants), l.in.remove(ctx, others.load.tenants))
		}()
		slow := target{url: r.URLOf(receiver.Rate(groupBurst, cfg.Drain), groupBurst), group: groupBurst}
		if busy.load.tenants, err = l.in.populate(ctx, one, always(slow), nil); err != nil {
			return err
		}
		quick := target{url: r.URLOf(receiver.OK, groupOthers), group: groupOthers}
		if others.load.tenants, err = l.in.populate(ctx, cfg, always(quick), nil); err != nil {
			return err
		}
		if err := errors.Join(others.warm(ctx), busy.warm(ctx), l.settled(ctx)); err != nil {
			return err
		}
		return l.measured(&result, func() error { return burstBeside(ctx, busy, others, &result) })
	})
	if err != nil {
		return Result{}, err
	}
	result.Figures["deferrals_per_task"] = float64(result.Deferred) / float64(cfg.Backlog)
	return result, nil
}

// always leads every webhook to the same place.
func always(t target) func(int) target { return func(int) target { return t } }

// burstBeside publishes the burst beside the others' flow.
func burstBeside(ctx context.Context, busy, others *trial, result *Result) error {
	cfg, r := busy.cfg, busy.r
	span := time.Duration(cfg.Seconds) * time.Second
	begun := time.Now()
	if err := r.Reset(ctx, begun); err != nil {
		return err
	}
	flow := others.flow(ctx, cfg.Rate)
	// Where it is stopped below its error counts; this is for the ways out before.
	defer func() { _, _ = flow.stop() }()
	if err := pause(ctx, span); err != nil {
		return err
	}

	at := time.Now()
	pour := busy.flooding
	if cfg.Direct {
		pour = busy.bundling
	}
	read, err := busy.pour(ctx, groupBurst, cfg.Drain, cfg.Backlog, pour)
	if err != nil {
		return err
	}
	if err := busy.awaitCommitted(ctx); err != nil {
		return err
	}
	committed := time.Since(at)
	// The others' time after is that of what they published from here on.
	after := at.Add(read.took)
	if err := pause(ctx, time.Until(after.Add(span))); err != nil {
		return err
	}
	published, err := flow.stop()
	if err != nil {
		return err
	}
	want := others.load.deliveriesTo(groupOthers, flow.from, published)
	if _, err := await(ctx, others.arrived(groupOthers), want, cfg.Patience); err != nil {
		return err
	}
	if _, err := await(ctx, busy.arrived(groupBurst), cfg.Backlog, cfg.Patience); err != nil {
		return err
	}
	whole, err := r.StatsOf(ctx, receiver.Of{Group: groupBurst})
	if err != nil {
		return err
	}
	all, err := r.StatsOf(ctx, receiver.Of{Group: groupOthers})
	if err != nil {
		return err
	}
	result.Parts = []Part{partOf("burst", at, cfg.Backlog, whole), partOf("others", begun, want, all)}
	result.of(result.Parts[0])
	result.Lost += result.Parts[1].Lost
	result.Duplicated += result.Parts[1].Duplicated

	windows := map[string]Part{}
	for _, w := range []window{{"others_before", begun, at}, {"others_during", at, after}, {"others_after", after, after.Add(span)}} {
		part, err := w.of(ctx, r, groupOthers)
		if err != nil {
			return err
		}
		windows[w.name] = part
		result.Parts = append(result.Parts, part)
	}
	read.tell(result)
	result.Figures["committed_s"] = committed.Seconds()
	result.Ratios = map[string]float64{
		"others_p99_during_per_reading": windows["others_during"].P99 / (read.took.Seconds() * 1000),
		"others_p99_after_per_before":   medianRatio([]Part{windows["others_after"]}, []Part{windows["others_before"]}, p99Of),
	}
	return nil
}

// window is a span of publishing.
type window struct {
	name     string
	from, to time.Time
}

// of is what became of a group's deliveries that were published in the window.
func (w window) of(ctx context.Context, r *receiver.Process, group string) (Part, error) {
	s, err := r.StatsOf(ctx, receiver.Of{Group: group, From: w.from, To: w.to})
	p := Part{Name: w.name, Runs: 1, Deliveries: s.Timed, P50: s.P50, P99: s.P99, Seconds: w.to.Sub(w.from).Seconds()}
	if p.Seconds > 0 {
		p.DeliveriesPerSecond = float64(p.Deliveries) / p.Seconds
	}
	return p, err
}

// arrived asks how much of a group has.
func (t *trial) arrived(group string) func(context.Context) (int, error) {
	return func(ctx context.Context) (int, error) {
		p, err := t.r.ProgressOf(ctx, group)
		return p.Deliveries, err
	}
}
