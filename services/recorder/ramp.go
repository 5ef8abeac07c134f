package recorder

import "time"

const (
	// startRate and fullRate bound the releases per second of one webhook: the
	// receiver was away, and gets its backlog at a pace that rises over 5 s.
	startRate = 20.0
	fullRate  = 100.0
	rampTime  = 5 * time.Second
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
	rate := min(fullRate, startRate+(fullRate-startRate)*now.Sub(p.since).Seconds()/rampTime.Seconds())
	p.tokens = min(rate, p.tokens+rate*now.Sub(p.last).Seconds())
	p.last = now
	got := min(want, int(p.tokens))
	p.tokens -= float64(got)
	return got
}

// forget drops webhooks that had nothing held for a while.
func (r *ramp) forget(now time.Time) {
	for id, p := range r.webhooks {
		if now.Sub(p.last) > rampTime {
			delete(r.webhooks, id)
		}
	}
}
