package recorder

import (
	"math"
	"time"
)

const (
	// startRate and fullRate bound the releases per second of one webhook: the
	// receiver was away, and gets its backlog at a pace that rises over 5 s.
	startRate = 20.0
	fullRate  = 100.0
	rampTime  = 5 * time.Second
	// growTime is how long a backlog takes to double the pace from then on, so
	// that a webhook with more than fullRate new events a second, which are held
	// while it is resuming, catches up with them.
	growTime = 30 * time.Second
	maxRate  = float64(roundLimit)
)

// ramp limits each webhook's releases. It is the releaser's alone.
type ramp struct {
	webhooks map[string]*pace
}

type pace struct {
	since time.Time // the first release of this backlog
	last  time.Time // when tokens was counted
	// tokens is how many may go now.
	tokens float64
}

func newRamp() *ramp { return &ramp{webhooks: make(map[string]*pace)} }

// take gives how many of want may go now, and counts them. A webhook's first
// ones are a second's worth.
func (r *ramp) take(webhook string, now time.Time, want int) int {
	p := r.webhooks[webhook]
	if p == nil || now.Sub(p.last) > rampTime {
		p = &pace{since: now, last: now.Add(-time.Second)}
		r.webhooks[webhook] = p
	}
	rate := rateAfter(now.Sub(p.since))
	p.tokens = min(rate, p.tokens+rate*now.Sub(p.last).Seconds())
	p.last = now
	got := min(want, int(p.tokens))
	p.tokens -= float64(got)
	return got
}

// rateAfter is the releases per second so long after a backlog's first one.
func rateAfter(d time.Duration) float64 {
	if d < rampTime {
		return startRate + (fullRate-startRate)*d.Seconds()/rampTime.Seconds()
	}
	return min(maxRate, fullRate*math.Exp2((d-rampTime).Seconds()/growTime.Seconds()))
}

// forget drops webhooks that had nothing held for a while.
func (r *ramp) forget(now time.Time) {
	for id, p := range r.webhooks {
		if now.Sub(p.last) > rampTime {
			delete(r.webhooks, id)
		}
	}
}
