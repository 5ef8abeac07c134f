package gate

import (
	"time"

	"github.com/staffetta/staffetta/pkg/hook"
)

// Verdict is what to do with a delivery now.
type Verdict int

// The verdicts.
const (
	// Go: it may be posted. Tell what became of it.
	Go Verdict = iota
	// Wait: the gate keeps its waiter, and gives it back when it is to ask again.
	Wait
	// Later: it is to be parked.
	Later
	// Hold: it is to be held, as one before it is.
	Hold
	// Superseded: a later one takes its place.
	Superseded
	// Late: a newer run of it has come meanwhile.
	Late
	// Closed: the gate is; the next owner of the partition sees to it.
	Closed
)

// Answer is a verdict with what it needs.
type Answer struct {
	Verdict Verdict
	// Due is when the one before it is tried again, for Later; it may be over.
	Due time.Time
	// Ahead is how many are before it, for Later.
	Ahead int
	// Waited is for how long it has been told to wait.
	Waited time.Duration
	// By is the delivery that takes its place, for Superseded.
	By string
	// Type is what the receiver is to be told.
	Type hook.EventType
}

// Pass says what to do with a run of a delivery that is handed out; waiter is given
// back if it has to wait. The rules are those of now.
func (g *Gate[T]) Pass(e *Entry[T], run int64, r Rules, waiter T, now time.Time) Answer {
	g.mu.Lock()
	defer g.mu.Unlock()
	h := g.home(e)
	switch {
	case g.closed:
		return Answer{Verdict: Closed}
	case h == nil: // it was forgotten
		return Answer{Verdict: Go, Type: e.Type}
	case run < e.Run:
		return Answer{Verdict: Late}
	}
	h.rules = r
	switch {
	case e.by != "":
		return Answer{Verdict: Superseded, By: e.by, Type: e.Type}
	case h.rules.Order && (e.after || h.afterMark(&e.Change)):
		return Answer{Verdict: Hold, Type: e.Type}
	}
	blocker := (*Entry[T])(nil)
	if h.rules.Order {
		blocker = h.blocker(e)
	}
	if blocker == nil || h.stuck(e) {
		e.state, e.waited = underway, false
		h.occupy(e)
		return Answer{Verdict: Go, Type: e.Type}
	}
	if e.asked.IsZero() {
		e.asked = now
	}
	ahead := h.ahead(e)
	switch {
	case blocker.inMemory() && !e.waited && ahead <= maxAhead && g.room.waiting.Load() < g.room.MaxWaiting:
		e.state, e.waiter, e.since = waiting, waiter, now
		g.waiting[e] = struct{}{}
		g.room.waiting.Add(1)
		return Answer{Verdict: Wait}
	default:
		return Answer{Verdict: Later, Due: blocker.due, Ahead: ahead, Waited: now.Sub(e.asked)}
	}
}
