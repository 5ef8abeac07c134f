package gate

import (
	"time"

	"github.com/staffetta/staffetta/pkg/hook"
)

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
