package recorder

import (
	"math"
	"time"
)

const (
	// rampTime is how long a pace takes to rise from startShare to the whole.
	rampTime   = 5 * time.Second
	startShare = 0.2
	// fullRate bounds the releases per second of one webhook: the receiver was
	// away, and gets its backlog at a pace that rises to it.
	fullRate = 100.0
	// growTime is how long a backlog takes to double the pace from then on, so
	// that a webhook with more than fullRate new events a second, which are held
	// while it is resuming, catches up with them.
	growTime = 30 * time.Second
	maxRate  = float64(roundLimit)
)

// pace limits how many go per second.
type pace struct {
	since time.Time // when it began
	last  time.Time // when tokens was counted
	// tokens is how many may go now.
	tokens float64
}

// take gives how many of want may go now at a rate per second, and counts them.
// What was not used is kept for the time of a burst.
func (p *pace) take(now time.Time, want int, rate float64, burst time.Duration) int {
	most := 1 + rate*burst.Seconds() // whole ones are given, and no part is lost
	p.tokens = min(most, p.tokens+rate*now.Sub(p.last).Seconds())
	p.last = now
	got := max(0, min(want, int(p.tokens)))
	p.tokens -= float64(got)
	return got
}

// rising is the rate so long after the beginning; it reaches full within rampTime.
func rising(full float64, d time.Duration) float64 {
	return full * min(1, startShare+(1-startShare)*d.Seconds()/rampTime.Seconds())
}

// ramp limits each webhook's releases. It is the releaser's alone.
type ramp struct {
	webhooks map[string]*pace
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
	return p.take(now, want, rateAfter(now.Sub(p.since)), time.Second)
}

// rateAfter is the releases per second so long after a backlog's first one.
func rateAfter(d time.Duration) float64 {
	if d < rampTime {
		return rising(fullRate, d)
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
