package sender

import (
	"maps"
	"time"
)

// closeLanes drops what is queued, and what waits for its order.
func (o *owner) closeLanes() {
	for _, t := range o.gate.Close() {
		o.drop(t)
	}
	for _, l := range o.allLanes() {
		for _, t := range l.close() {
			o.drop(t)
		}
	}
}

func (o *owner) allLanes() map[string]*lane {
	o.mu.Lock()
	defer o.mu.Unlock()
	return maps.Clone(o.lanes)
}

// sweep looks after the lanes until the partition is given up. It is no part of
// run, which may be waiting for the room that this makes.
func (o *owner) sweep() {
	tick := time.NewTicker(sweepInterval)
	defer tick.Stop()
	for {
		select {
		case <-o.ctx.Done():
			return
		case now := <-tick.C:
			o.sweepLanes(now)
			o.sweepGate(now)
		}
	}
}

// enqueue gives a task to the lane of its webhook, or parks it until the lane
// has room.
func (o *owner) enqueue(t *task, w *target) {
	b := bounds{concurrency: w.Concurrency, rate: w.RateLimit}
	patient := true
	for {
		l := o.lane(t)
		switch what, p := l.offer(t, b, patient, time.Now()); what {
		case retired:
			continue
		case crowded:
			patient = false
			if begun := time.Now(); o.patience.left(begun) {
				l.makeRoom(o.intake)
				o.patience.spend(time.Since(begun))
			}
			continue
		case started:
			o.service.start(t)
		case queued:
			o.service.startWaiting()
		case full:
			o.postpone(p)
		case closed:
			o.drop(t)
		}
		return
	}
}

func (o *owner) lane(t *task) *lane {
	o.mu.Lock()
	defer o.mu.Unlock()
	l, ok := o.lanes[t.webhook]
	if !ok {
		webhook := t.webhook
		l = newLane(t.account, newBreaker(o.service.MaxOpen, func(state circuit, lasts time.Duration) {
			if state == circuitOpen {
				o.service.metrics.openings.Inc()
			}
			o.service.circuits.note(webhook, state, lasts)
		}), o.service.turns)
		if booked, ok := o.places[webhook]; ok {
			l.booking.until = booked
			delete(o.places, webhook)
		}
		o.lanes[webhook] = l
	}
	return l
}

// sweepLanes parks what waits for receivers that hang, and forgets lanes that
// are not used.
func (o *owner) sweepLanes(now time.Time) {
	for webhook, l := range o.allLanes() {
		for _, p := range l.overdue(now) {
			o.postpone(p)
		}
		o.mu.Lock()
		if l.retire(now.Add(-laneIdle)) {
			delete(o.lanes, webhook)
		}
		o.mu.Unlock()
	}
}
