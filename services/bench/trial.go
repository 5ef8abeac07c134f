package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/staffetta/staffetta/services/bench/receiver"
)

// trial is a load in a lab, whose events are numbered through all its runs.
type trial struct {
	*lab
	load load
	next int
}

// everyone is all groups of webhooks.
const everyone = "*"

// floodGoroutines encode events while the others wait for a lock; more would
// take processors from what is measured.
const floodGoroutines = 2

// runIn is how long a load is published at its steady rate before it is measured,
// so that what the warm-up left behind, such as the log's writing, has passed.
const runIn = 2 * time.Second

// warm publishes events that are not measured: they fill caches, open
// connections and let lanes grow.
func (t *trial) warm(ctx context.Context) error {
	cfg := t.cfg
	cfg.Accounts, cfg.Webhooks = len(t.load.tenants), 0
	for _, tenant := range t.load.tenants {
		cfg.Webhooks += len(tenant.webhooks)
	}
	return unmeasured(t.flood(ctx, "warm-up", everyone, warmUp(cfg)))
}

// warmSteady warms up at full rate and goes on at a steady one.
func (t *trial) warmSteady(ctx context.Context) error {
	if err := t.warm(ctx); err != nil {
		return err
	}
	span := min(runIn, time.Duration(t.cfg.Seconds)*time.Second)
	return unmeasured(t.steady(ctx, "run-in", everyone, max(1, int(t.cfg.Rate*span.Seconds())), t.cfg.Rate))
}

// unmeasured makes sure of what nobody looks at: without all of it the load is
// not what it is meant to be.
func unmeasured(p Part, err error) error {
	if err == nil && p.Lost > 0 {
		return fmt.Errorf("%d deliveries of the %s were lost, before the measurement began", p.Lost, p.Name)
	}
	return err
}

// flood publishes count events at full rate and measures how fast those for a
// group arrive.
func (t *trial) flood(ctx context.Context, name, group string, count int) (Part, error) {
	return t.run(ctx, name, group, count, func(p publisher, from int) error {
		return p.flood(ctx, from, count, floodGoroutines)
	})
}

// steady publishes count events at an even rate and measures how fast those for
// a group arrive.
func (t *trial) steady(ctx context.Context, name, group string, count int, perSecond float64) (Part, error) {
	return t.run(ctx, name, group, count, func(p publisher, from int) error {
		return p.steady(ctx, from, count, perSecond)
	})
}

func (t *trial) run(
	ctx context.Context, name, group string, count int, publish func(p publisher, from int) error,
) (Part, error) {
	from := t.next
	t.next += count
	want := t.load.deliveriesTo(group, from, count)
	begun := time.Now()
	if err := t.r.Reset(ctx, begun); err != nil {
		return Part{}, err
	}
	if err := publish(publisher{load: t.load, producer: t.producer}, from); err != nil {
		return Part{}, err
	}
	arrived := func(ctx context.Context) (int, error) {
		p, err := t.progress(ctx, group)
		return p.Deliveries, err
	}
	if _, err := await(ctx, arrived, want, t.cfg.Patience); err != nil {
		return Part{}, err
	}
	stats, err := t.stats(ctx, group)
	return partOf(name, begun, want, stats), err
}

func (t *trial) progress(ctx context.Context, group string) (receiver.Progress, error) {
	if group == everyone {
		return t.r.Progress(ctx)
	}
	return t.r.ProgressOf(ctx, group)
}

func (t *trial) stats(ctx context.Context, group string) (receiver.Stats, error) {
	if group == everyone {
		return t.r.Stats(ctx)
	}
	return t.r.StatsOf(ctx, receiver.Of{Group: group})
}

// warmUp is the number of events that are not counted: 500, less where they
// would be more than 5,000 deliveries, but one for each account.
func warmUp(cfg Config) int {
	const events, deliveries = 500, 5_000
	return max(cfg.Accounts, min(events, deliveries*cfg.Accounts/cfg.Webhooks))
}
