package sender

import (
	"time"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
	deliveryv1 "github.com/staffetta/staffetta/proto/staffetta/delivery/v1"
)

// past is what became of a partition's tasks at its owners before, as attempts
// and the ends of the tiers tell it (DESIGN.md, rule 6): a task that they saw
// to is not posted again.
type past struct {
	// since is where attempts and the tiers were read from, ends where to.
	since, ends positions
	// readAt is when, and upTo where deliveries ended then: what lies beyond was
	// never handed out.
	readAt time.Time
	upTo   int64
	// fates has the last record of each run of a delivery.
	fates map[run]lastWord
	// tiered has the tasks that are in a tier.
	tiered map[identity]struct{}
	// done are records of deliveries of which every task is done.
	done []bus.Span
	// gate is what is known of the gate.
	gate gated
	// places are the last ones that were booked in each webhook's lane.
	places map[string]time.Time
}

// run names one run of a delivery.
type run struct {
	delivery string
	run      int64
}

// lastWord is a record of attempts, as far as it matters here.
type lastWord struct {
	step, attempts int
	fate           hook.Fate
	due            time.Time
}

// leftover is what is left to do about a task that an owner before may have met.
type leftover int

const (
	// everything: nobody saw to it.
	everything leftover = iota
	// parking: its fate is in attempts, but it is in no tier.
	parking
	// nothing: its fate is durable.
	nothing
)

// of says what is left to do about a task.
func (p *past) of(t *task) (leftover, lastWord) {
	if p == nil {
		return everything, lastWord{}
	}
	if _, moved := p.tiered[identity{t.delivery, t.run, t.step + 1}]; moved {
		return nothing, lastWord{}
	}
	last, ok := p.fates[run{t.delivery, t.run}]
	switch {
	case ok && last.fate.Final():
		return nothing, last // the run is over, whoever wrote this task
	case !ok, last.step < t.step:
		return everything, lastWord{}
	case last.step > t.step:
		return nothing, last // it went on from here
	case last.fate == hook.FateRetrying, last.fate == hook.FatePending:
		return parking, last
	default:
		return nothing, last
	}
}

// isDone reports whether a record of deliveries needs no second look.
func (p *past) isDone(offset int64) bool {
	if p == nil {
		return false
	}
	for len(p.done) > 0 && p.done[0].To <= offset {
		p.done = p.done[1:] // offsets rise
	}
	return len(p.done) > 0 && p.done[0].From <= offset
}

// attempt takes in a record of attempts. Those of one task are in their order;
// a twin's answer changes nothing that is final.
func (p *past) attempt(a *hook.Attempt) {
	key := run{a.Delivery, a.Run}
	last, ok := p.fates[key]
	if ok && (last.step > a.Step || last.step == a.Step && last.fate.Final()) {
		return
	}
	p.fates[key] = lastWord{step: a.Step, attempts: a.Number, fate: a.Fate, due: a.Due}
}

// waits takes in a record of a tier.
func (p *past) waits(t *deliveryv1.Task) {
	p.tiered[identity{delivery: t.GetDelivery(), run: t.GetRun(), step: int(t.GetStep())}] = struct{}{}
	if due := time.UnixMilli(t.GetDueMs()); t.GetBooked() && due.After(p.readAt) {
		p.places[t.GetWebhook()] = latest(p.places[t.GetWebhook()], due)
	}
}
