package gate

import "time"

// behind takes those out of memory that wait for an entry.
func (g *Gate[T]) behind(h *webhook[T], e *Entry[T]) (again []T) {
	if len(g.waiting) == 0 {
		return nil
	}
	for q := range h.queues(e) {
		for _, other := range q.entries {
			again = g.wake(other, again)
		}
	}
	return again
}

// next takes those out of memory that are first now.
func (g *Gate[T]) next(h *webhook[T], e *Entry[T]) (again []T) {
	if len(g.waiting) == 0 {
		return nil
	}
	for q := range h.queues(e) {
		if len(q.entries) > 0 {
			again = g.wake(q.entries[0], again)
		}
	}
	return again
}

// wake takes an entry out of memory, if it waits there.
func (g *Gate[T]) wake(e *Entry[T], again []T) []T {
	if e.state != waiting {
		return again
	}
	again = append(again, e.waiter)
	e.state = arrived
	g.release(e)
	return again
}

// release lets go of an entry's waiter.
func (g *Gate[T]) release(e *Entry[T]) {
	if _, ok := g.waiting[e]; ok {
		var none T
		e.waiter = none
		delete(g.waiting, e)
		g.room.waiting.Add(-1)
	}
}

// Overdue takes those out of memory that have waited for too long: they are to ask
// again, and are parked then.
func (g *Gate[T]) Overdue(now time.Time) (again []T) {
	g.mu.Lock()
	defer g.mu.Unlock()
	again, g.displaced = g.displaced, nil
	for e := range g.waiting {
		if now.Sub(e.since) > maxWait {
			e.waited = true
			again = g.wake(e, again)
		}
	}
	return again
}

// Close ends the waiting: it returns all who wait, and nobody passes any more.
func (g *Gate[T]) Close() (all []T) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	all, g.displaced = g.displaced, nil
	for e := range g.waiting {
		all = g.wake(e, all)
	}
	return all
}

// Empty gives back the room that the gate took; nobody may use it afterwards.
func (g *Gate[T]) Empty() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for id, h := range g.hooks {
		g.room.entries.Add(-int64(len(h.entries)))
		delete(g.hooks, id)
	}
}

// Standing says what became of a webhook.
type Standing int

// What may have become of a webhook.
const (
	// Gated: it asks for the gate; what is held of it is released.
	Gated Standing = iota
	// Suspended: it asks for the gate, and what is held of it stays held.
	Suspended
	// Gone: it asks for the gate no more.
	Gone
	// Absent: its account does not have it. It is gone, unless it is too new.
	Absent
	// Unseen: nobody knows.
	Unseen
)

// maxAbsent is how many sweeps in a row find a webhook absent until it is gone.
const maxAbsent = 3

// maxGap is how far apart sweeps are that come one after the other.
const maxGap = 5 * time.Minute

// Sweep forgets webhooks that are gone, and deliveries that did not come back. It
// returns how many those were, and who is to ask again. It is not to be called while
// nothing can come back; after a gap all have their time anew.
func (g *Gate[T]) Sweep(now time.Time, standing func(account, webhook string) Standing) (forgotten int, again []T) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now.Sub(g.swept) > maxGap {
		g.steady = now
	}
	g.swept = now
	overdue := func(due time.Time) bool { return !due.IsZero() && now.Sub(latest(due, g.steady)) > lost }
	for id, h := range g.hooks {
		what := standing(h.account, id)
		if h.absent++; what != Absent {
			h.absent = 0
		}
		if h.absent >= maxAbsent {
			what = Gone
		}
		if what == Gone {
			h.mark, h.low = nil, nil
		}
		for _, e := range h.entries {
			switch {
			case what == Gone:
				again = g.wake(e, again)
			case e.state == parked && overdue(e.due), e.state == finished && overdue(e.olderDue):
				forgotten++
			case e.state == held && what != Gated:
				e.due = now // nobody releases it
				continue
			case e.state == held && h.mark == nil && h.low == nil && overdue(e.due):
				// All that were held after it have been released, but for this one.
				forgotten++
			default:
				continue
			}
			g.version++
			g.remove(h, e)
			again = append(again, g.next(h, e)...)
		}
		g.tidy(id)
	}
	return forgotten, again
}
