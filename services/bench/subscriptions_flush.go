package bench

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/staffetta/staffetta/pkg/bus"
)

const (
	// lateShare of the accounts, one in so many, are not in Redis before it is
	// filled for the second time: what is published for them by then must wait,
	// neither lost nor put into quarantine.
	lateShare = 100
	// picked is how many accounts are drawn to publish. Each publishes about
	// every item type in its turn.
	picked = 997
)

// early is the number of accounts that are in Redis from the beginning; the
// others are late. At least one is.
func (p population) early() int { return len(p.counts) - max(1, len(p.counts)/lateShare) }

// flushed publishes events at an even rate while Redis loses everything and gets
// it back, and counts what arrives.
func (p population) flushed(ctx context.Context, l *lab, result *Result) (err error) {
	l.producer = l.in.parts.Bus.NewProducer(bus.ProducerConfig{Log: l.cfg.Log})
	defer func() { err = errors.Join(err, l.producer.Close(context.WithoutCancel(ctx))) }()
	if err := l.in.awaitKnown(ctx, p.early(), l.cfg.Patience); err != nil {
		return err
	}
	return l.measured(result, func() error { return p.flushBeside(ctx, l, result) })
}

func (p population) flushBeside(ctx context.Context, l *lab, result *Result) error {
	span := time.Duration(l.cfg.Seconds) * time.Second / 4
	before, err := l.in.figures()
	if err != nil {
		return err
	}
	some := p.group(min(picked, p.early()), func() int { return rand.IntN(p.early()) })
	next := p.early()
	late := p.group(len(p.counts)-next, func() int { next++; return next - 1 })
	random, absent := &trial{lab: l, load: some.load}, &trial{lab: l, load: late.load}

	begun := time.Now()
	if err := l.r.Reset(ctx, begun); err != nil {
		return err
	}
	flow := random.flow(ctx, l.cfg.Rate)
	// Where it is stopped below its error counts; this is for the ways out before.
	defer func() { _, _ = flow.stop() }()
	if err := pause(ctx, span); err != nil {
		return err
	}
	if err := l.in.parts.Redis.Flush(ctx); err != nil {
		return err
	}
	if err := pause(ctx, span); err != nil {
		return err
	}
	again := time.Now()
	err = p.fill(ctx, l.in.parts, 0, len(p.counts), func() error {
		// Half of it is there, and no word of these.
		publishing := publisher{load: absent.load, producer: l.producer}
		if err := publishing.flood(ctx, 0, len(late.accounts), 1); err != nil {
			return err
		}
		return pause(ctx, span)
	})
	if err != nil {
		return err
	}
	result.Figures["refill_s"] = time.Since(again).Seconds()
	if err := pause(ctx, span); err != nil {
		return err
	}
	published, err := flow.stop()
	if err != nil {
		return err
	}

	result.Events = published + len(late.accounts)
	want := p.wanted(some, flow.from, published) + p.wanted(late, 0, len(late.accounts))
	arrived := func(ctx context.Context) (int, error) {
		progress, err := l.r.Progress(ctx)
		return progress.Deliveries, err
	}
	if _, err := await(ctx, arrived, want, l.cfg.Patience); err != nil {
		return err
	}
	stats, err := l.r.Stats(ctx)
	if err != nil {
		return err
	}
	result.of(partOf("flushed", begun, want, stats))
	after, err := l.in.figures()
	if err != nil {
		return err
	}
	result.Figures["quarantined"] = after.since(before)["staffetta_router_quarantined_total"]
	return nil
}

// publishers are accounts of a population that publish in turn.
type publishers struct {
	accounts []int
	load     load
}

func (p population) group(count int, draw func() int) (g publishers) {
	for range count {
		account := draw()
		g.accounts = append(g.accounts, account)
		g.load.tenants = append(g.load.tenants, tenant{account: p.id(account)})
	}
	return g
}

// wanted is how many deliveries events lead to.
func (p population) wanted(g publishers, from, count int) (sum int) {
	for number := from; number < from+count; number++ {
		_, e := g.load.event(number, time.Time{})
		sum += p.wanting(g.accounts[number%len(g.accounts)], &e)
	}
	return sum
}
