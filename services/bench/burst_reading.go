package bench

import (
	"context"
	"time"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/services/sender"
)

// flood is tasks that are published at once, for webhooks that take but few of
// them a second.
type flood struct {
	group string // of the receiver
	count int
	// hold is how many tasks their lanes may hold at most: a lane is full when
	// what waits there would wait for more than a second.
	hold  int
	begun time.Time
	// before is what the sender had counted when they began.
	before figures
}

// reading is how a flood left the topic deliveries.
type reading struct {
	count int
	// published is the time until Kafka had acknowledged the flood, and routed that
	// until the router had; 0 if that had nothing to do with it.
	published, routed time.Duration
	// took is the time from the first publish until every task was delivered,
	// parked, or in its lane.
	took time.Duration
	// best is the most tasks that were read in any second.
	best float64
	// parked is how many of them are in the tiers at the end.
	parked int
}

// follow watches a flood until all of it is read, or nothing moves any more.
func (t *trial) follow(ctx context.Context, f flood) (reading, error) {
	r := reading{count: f.count}
	var seen samples
	_, err := await(ctx, func(ctx context.Context) (int, error) {
		now, err := t.in.figures()
		if err != nil {
			return 0, err
		}
		p, err := t.r.ProgressOf(ctx, f.group)
		// What is in flight beyond what lanes may hold is on its way into a tier,
		// and counted as deferred already.
		waiting := min(int(now[inFlight]), f.hold)
		if r.routed == 0 && int(now.since(f.before)[routedTotal]) >= f.count {
			r.routed = time.Since(f.begun)
		}
		r.parked = max(0, f.count-p.Deliveries-waiting)
		read := min(f.count, int(now.since(f.before)[deferredTotal])+p.Deliveries+waiting)
		seen = append(seen, sample{at: time.Since(f.begun), value: float64(read)})
		return read, err
	}, f.count, t.cfg.Patience)
	if err != nil {
		return r, err
	}
	last := seen[len(seen)-1]
	r.took, r.best = last.at, seen.steepest(time.Second)
	return r, nil
}

// awaitCommitted waits until the sender has committed what deliveries holds now:
// the last that lanes hold of it holds that up.
func (t *trial) awaitCommitted(ctx context.Context) error {
	ends, err := t.in.parts.Bus.EndOffsets(ctx, bus.Deliveries)
	if err != nil {
		return err
	}
	_, err = await(ctx, func(ctx context.Context) (int, error) {
		at, err := t.in.parts.Bus.CommittedOffsets(ctx, sender.Group, []string{bus.Deliveries})
		reached := 0
		for p, end := range ends {
			if at[bus.Deliveries][p].Offset >= end || end == 0 {
				reached++
			}
		}
		return reached, err
	}, len(ends), t.cfg.Patience)
	return err
}

// routedTotal is the name of a figure.
const routedTotal = "staffetta_router_deliveries_total"

// tell adds the figures of a reading to a result.
func (r reading) tell(result *Result) {
	if result.Figures == nil {
		result.Figures = map[string]float64{}
	}
	result.Figures["published_s"] = r.published.Seconds()
	if r.routed > 0 {
		result.Figures["routed_s"] = r.routed.Seconds()
	}
	result.Figures["read_s"] = r.took.Seconds()
	result.Figures["read_per_s"] = float64(r.count) / r.took.Seconds()
	result.Figures["read_per_s_best"] = r.best
	result.Figures["parked"] = float64(r.parked)
}

// sample is a count that rises, at a time.
type sample struct {
	at    time.Duration
	value float64
}

type samples []sample

// steepest is the highest rate, per second, over any span of at least that
// length; over all if that is shorter.
func (s samples) steepest(span time.Duration) (best float64) {
	begin := 0
	for i := 1; i < len(s); i++ {
		// The latest begin that is far enough away: spans as short as allowed.
		for begin+1 < i && s[i].at-s[begin+1].at >= span {
			begin++
		}
		took := s[i].at - s[begin].at
		if took >= span || i == len(s)-1 && best == 0 {
			best = max(best, (s[i].value-s[begin].value)/took.Seconds())
		}
	}
	return best
}
