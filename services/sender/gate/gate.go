// Package gate keeps the deliveries of one item in the order of its changes, and
// lets a later one take the place of earlier ones that wait (DESIGN.md, rule 8).
//
// A Gate belongs to one partition and knows, of the webhooks that ask for it, each
// delivery that was handed out and is not finished. Those of one item form a
// queue in the order of their source. Whoever works on a delivery asks Pass what
// to do now, and tells the gate what became of it: Park, Hold or Leave. Each of
// these gives back who waited and is to ask again.
package gate

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/staffetta/staffetta/pkg/hook"
)

const (
	// maxWait is how long one waits in memory for those before it, until it is
	// parked after all: so whoever hangs holds nobody's place in flight for long.
	maxWait = 2 * time.Second
	// maxAhead is how many may be before one that waits in memory: those that are next
	// are to have the room.
	maxAhead = 8
	// lost is how long after its time a delivery comes back at the latest. One that
	// does not is forgotten, so that a defect elsewhere stops no item for good.
	lost = time.Hour
	// bigShare of the room is what one webhook has when half of it is taken.
	bigShare = 16
)

// Rules are what a webhook asks for.
type Rules struct {
	// Order: the changes of an item are delivered one after the other.
	Order bool
	// Coalesce: a later change of an item supersedes earlier ones that wait.
	Coalesce bool
}

// Any reports whether the webhook's deliveries pass the gate at all.
func (r Rules) Any() bool { return r.Order || r.Coalesce }

// Change is what the gate knows of a delivery.
type Change struct {
	Account, Webhook, Delivery string
	// Run is the newest that was met.
	Run      int64
	ItemType string
	Items    []string
	// Type is what the receiver is told: of an update that took the place of a
	// create that was never delivered, create.
	Type      hook.EventType
	Source    hook.Coordinates
	Published time.Time
}

// Room is what all gates of a sender may hold together. It is safe for concurrent
// use.
type Room struct {
	// MaxEntries bounds the deliveries that are not finished, MaxWaiting those of
	// them that wait in memory.
	MaxEntries, MaxWaiting int64

	entries, waiting atomic.Int64
}

// Entries is the number of deliveries in all gates.
func (r *Room) Entries() int64 { return r.entries.Load() }

// full reports whether a part of the room for entries, as a divisor, is used up.
func (r *Room) full(part int64) bool { return r.entries.Load() >= r.MaxEntries/part }

// state is where a delivery is.
type state int

const (
	// arrived: it was handed out, nothing is decided.
	arrived state = iota
	// waiting in memory behind another.
	waiting
	// underway: it may be posted.
	underway
	// parked in a tier.
	parked
	// held until the recorder releases it.
	held
	// finished: what is left is a task of an older run in a tier.
	finished
)

// Entry is a delivery in the gate. It belongs to the gate.
type Entry[T any] struct {
	Change
	state state
	// by is the delivery that took its place; it is in no queue then.
	by string
	// due is when it is tried again, while it is parked; since when it waits, while
	// it does.
	due, since time.Time
	// asked is when it was first told to wait.
	asked  time.Time
	waiter T
	// older says that a task of an older run is in a tier, or may get there: it is
	// outrun whenever it comes, and known until then. olderDue is when that is, as far
	// as it is known.
	older    bool
	olderDue time.Time
	// waited says that it was in memory for long enough.
	waited bool
	// after says that something was held before it when it entered, which may have
	// no place here: this run is to be held too.
	after bool
	// covered are items that later changes were delivered of, after a restore.
	covered map[string]bool
}

// Gate is safe for concurrent use. T is whoever may wait in it.
type Gate[T any] struct {
	room *Room

	mu      sync.Mutex
	version int64
	hooks   map[string]*webhook[T]
	waiting map[*Entry[T]]struct{}
	// displaced are those whose place in memory a newer run took.
	displaced []T
	// created are deliveries that took the place of a create that was never
	// delivered, as an owner before wrote down.
	created map[string]bool
	closed  bool
	// swept is the last sweep, steady since when they have come one after the other.
	swept, steady time.Time
}

// webhook is what the gate has of one.
type webhook[T any] struct {
	account string
	rules   Rules
	entries map[string]*Entry[T] // by delivery
	items   map[item]*queue[T]
	// mark is the last delivery that is held and not in entries: whatever comes
	// after it is held too, until it is released. The recorder releases in order, so
	// all before it have come by then.
	mark *Change
	// low is the first one before the mark that found no room when it was released:
	// what was released with it, and comes after it, is held again too.
	low *Change
	// absent counts the sweeps that did not find it.
	absent int
}

// New makes an empty gate.
func New[T any](room *Room) *Gate[T] {
	return &Gate[T]{room: room, hooks: map[string]*webhook[T]{}, waiting: map[*Entry[T]]struct{}{}}
}

// Entered is what Enter found.
type Entered int

// What Enter finds.
const (
	// In: it has its place.
	In Entered = iota
	// Full: there is no room for it. What is ordered is to be held then, and all that
	// come after it.
	Full
	// Outrun: a newer run of the delivery is in the gate.
	Outrun
	// Shut: the gate is closed.
	Shut
)

// Enter gives a delivery its place, or finds the one that it has. Those of one
// webhook enter in the order of their records; what was written twice or released
// goes where its source belongs.
func (g *Gate[T]) Enter(c Change, r Rules) (*Entry[T], Entered) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, Shut
	}
	h := g.webhook(&c)
	if r.Any() { // else nobody knows yet
		h.rules = r
	}
	g.unmark(h, c.Delivery, c.Run)
	e := h.entries[c.Delivery]
	switch {
	case e == nil && g.full(h):
		switch {
		case !r.Order:
		case h.mark == nil || h.mark.before(&c):
			h.mark = &c
			g.version++
		case h.low == nil || c.before(h.low):
			h.low = &c
			g.version++
		}
		g.tidy(c.Webhook)
		return nil, Full
	case e == nil:
		return g.add(h, c), In
	case c.Run < e.Run:
		g.outrun(h, e)
		return nil, Outrun
	case c.Run > e.Run:
		g.version++
		if e.state == parked {
			e.olderDue = latest(e.olderDue, e.due)
		}
		// One that is under way may yet be parked.
		e.Run, e.older, e.after = c.Run, e.older || e.state == parked || e.state == underway, false
		if e.by != "" && e.state != held || e.state == finished { // somebody wants this one
			e.by = ""
			h.link(e)
		}
		if e.state == waiting { // the older run is to ask again, and is outrun
			g.displaced = g.wake(e, g.displaced)
		}
		if e.state != underway {
			e.state = arrived
		}
	case e.state == parked || e.state == held:
		e.state = arrived
	}
	return e, In
}

// full reports whether there is no room for another entry of a webhook. The upper
// half is for those that have few: one whose receiver is away must not leave the
// others without.
func (g *Gate[T]) full(h *webhook[T]) bool {
	return g.room.full(1) || g.room.full(2) && int64(len(h.entries)) > g.room.MaxEntries/bigShare
}

// unmark forgets that a delivery is what others are held for: a newer run of it has
// come.
func (g *Gate[T]) unmark(h *webhook[T], delivery string, run int64) {
	if h.mark != nil && h.mark.Delivery == delivery && run > h.mark.Run {
		h.mark = nil
		g.version++
	}
	if h.low != nil && h.low.Delivery == delivery && run > h.low.Run {
		h.low = nil
		g.version++
	}
}

// outrun forgets that a task of an older run is in a tier: it has come.
func (g *Gate[T]) outrun(h *webhook[T], e *Entry[T]) {
	g.version++
	e.older, e.olderDue = false, time.Time{}
	if e.state == finished {
		g.remove(h, e)
		g.tidy(e.Webhook)
	}
}

// add makes an entry.
func (g *Gate[T]) add(h *webhook[T], c Change) *Entry[T] {
	e := &Entry[T]{Change: c, after: h.afterMark(&c)}
	if g.created[c.Delivery] && c.Type == hook.Update {
		e.Type = hook.Create
	}
	h.entries[c.Delivery] = e
	g.room.entries.Add(1)
	g.version++
	h.link(e)
	if h.rules.Coalesce {
		h.supersede(e)
	}
	return e
}

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
	h := g.hooks[e.Webhook]
	switch {
	case g.closed:
		return Answer{Verdict: Closed}
	case h == nil || h.entries[e.Delivery] != e: // it was forgotten
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
	if blocker == nil {
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

// Park notes that a run of a delivery is on its way to a tier until it is due. Who
// waits behind it is to ask again.
func (g *Gate[T]) Park(e *Entry[T], run int64, due time.Time) (again []T) {
	g.mu.Lock()
	defer g.mu.Unlock()
	h := g.hooks[e.Webhook]
	if h == nil || h.entries[e.Delivery] != e {
		return nil
	}
	g.version++ // a takeover has to know until when
	if run < e.Run {
		e.older, e.olderDue = true, latest(e.olderDue, due)
		return nil
	}
	e.state, e.due, e.waited = parked, due, false
	h.vacate(e)
	again = g.behind(h, e)
	if h.rules.Coalesce && e.by == "" {
		h.cover(e)
	}
	return again
}

// Hold notes that a run of a delivery is held: in its place if others wait for that, else
// as what all that come later are held for.
func (g *Gate[T]) Hold(e *Entry[T], run int64, now time.Time) (again []T) {
	g.mu.Lock()
	defer g.mu.Unlock()
	h := g.hooks[e.Webhook]
	if h == nil || h.entries[e.Delivery] != e {
		return nil
	}
	if run < e.Run {
		g.outrun(h, e)
		return nil
	}
	g.version++
	h.vacate(e)
	again = g.behind(h, e)
	last := h.rules.Order && (h.mark == nil || h.mark.before(&e.Change))
	stays := h.rules.Coalesce && !g.room.full(2) || h.rules.Order && (!last || h.followed(e))
	if last {
		mark := e.Change
		h.mark = &mark
	}
	if !stays {
		g.remove(h, e)
		return again
	}
	e.state, e.due = held, now
	if h.rules.Coalesce && e.by == "" {
		h.cover(e)
	}
	return again
}

// Leave notes that a run of a delivery is finished. Who may be next is to ask
// again.
func (g *Gate[T]) Leave(e *Entry[T], run int64) (again []T) {
	g.mu.Lock()
	defer g.mu.Unlock()
	h := g.hooks[e.Webhook]
	if h == nil || h.entries[e.Delivery] != e {
		return nil
	}
	if run < e.Run {
		g.outrun(h, e)
		return nil
	}
	g.version++
	if e.older {
		h.vacate(e)
		h.unlink(e)
		g.release(e)
		e.state = finished
	} else {
		g.remove(h, e)
	}
	again = g.next(h, e)
	g.tidy(e.Webhook)
	return again
}

// Find returns the entry of a delivery, nil if there is none.
func (g *Gate[T]) Find(webhook, delivery string) *Entry[T] {
	g.mu.Lock()
	defer g.mu.Unlock()
	if h := g.hooks[webhook]; h != nil {
		return h.entries[delivery]
	}
	return nil
}

// Change is what the gate knows of a delivery by now.
func (g *Gate[T]) Change(e *Entry[T]) Change {
	g.mu.Lock()
	defer g.mu.Unlock()
	return e.Change
}

// Knows reports whether a run of a delivery has a place.
func (g *Gate[T]) Knows(webhook, delivery string, run int64) bool {
	e := g.Find(webhook, delivery)
	g.mu.Lock()
	defer g.mu.Unlock()
	return e != nil && e.Run <= run
}

func (g *Gate[T]) webhook(c *Change) *webhook[T] {
	h := g.hooks[c.Webhook]
	if h == nil {
		h = &webhook[T]{account: c.Account, entries: map[string]*Entry[T]{}, items: map[item]*queue[T]{}}
		g.hooks[c.Webhook] = h
	}
	return h
}

// remove takes an entry out.
func (g *Gate[T]) remove(h *webhook[T], e *Entry[T]) {
	h.vacate(e)
	h.unlink(e)
	delete(h.entries, e.Delivery)
	g.room.entries.Add(-1)
	g.release(e)
}

// tidy forgets a webhook that has nothing in the gate.
func (g *Gate[T]) tidy(id string) {
	if h := g.hooks[id]; h != nil && len(h.entries) == 0 && h.mark == nil && h.low == nil {
		delete(g.hooks, id)
	}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (e *Entry[T]) inMemory() bool { return e.state <= underway }
