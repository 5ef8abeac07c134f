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

// home is the webhook of an entry; nil if the entry was forgotten.
func (g *Gate[T]) home(e *Entry[T]) *webhook[T] {
	if h := g.hooks[e.Webhook]; h != nil && h.entries[e.Delivery] == e {
		return h
	}
	return nil
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
