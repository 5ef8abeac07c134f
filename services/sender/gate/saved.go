package gate

import (
	"time"

	"github.com/staffetta/staffetta/pkg/hook"
)

// Saved is an entry as a checkpoint has it, or a webhook's mark.
type Saved struct {
	Change
	// By is the delivery that takes its place, if there is one.
	By string
	// Due is when it is tried again; zero: not known.
	Due time.Time
	// Held says that the recorder has it.
	Held bool
	// Finished and Older say that it is, and that a task of an older run is in a tier,
	// until OlderDue if that is known.
	Finished, Older bool
	OlderDue        time.Time
	// After says that it is to be held as something before it is.
	After bool
	// Mark says that it is the last that is held, and has no place of its own; Low that
	// it is the first before that one that found no room.
	Mark, Low bool
}

// Version rises with every change that a checkpoint would show.
func (g *Gate[T]) Version() int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.version
}

// Save returns all that the gate knows, with its version.
func (g *Gate[T]) Save() (all []Saved, version int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, h := range g.hooks {
		if h.mark != nil {
			all = append(all, Saved{Change: *h.mark, Held: true, Mark: true})
		}
		if h.low != nil {
			all = append(all, Saved{Change: *h.low, Held: true, Low: true})
		}
		for _, e := range h.entries {
			all = append(all, Saved{
				Change: e.Change, By: e.by, Due: e.due, Held: e.state == held, Finished: e.state == finished,
				Older: e.older, OlderDue: e.olderDue, After: e.after,
			})
		}
	}
	return all, g.version
}

// Restore takes in what an owner before has saved or left behind, in any order.
// Of what is there already the newer run counts.
func (g *Gate[T]) Restore(s Saved, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	h := g.webhook(&s.Change)
	if s.Low {
		low := s.Change
		h.low = &low
		g.version++
		return
	}
	if s.Mark || s.Held && h.entries[s.Delivery] == nil {
		if h.mark == nil || h.mark.before(&s.Change) {
			mark := s.Change
			h.mark = &mark
			g.version++
		}
		if s.Mark {
			return
		}
	}
	e := h.entries[s.Delivery]
	if e == nil {
		e = &Entry[T]{Change: s.Change, by: s.By, older: s.Older, olderDue: s.OlderDue, after: s.After}
		h.entries[s.Delivery] = e
		g.room.entries.Add(1)
		if e.by == "" && !s.Finished {
			h.link(e)
		}
	} else {
		if s.Run < e.Run {
			return
		}
		if s.Run > e.Run && e.state == parked {
			e.older, e.olderDue = true, latest(e.olderDue, e.due)
		}
		if e.state == finished && !s.Finished && s.Run > e.Run {
			h.link(e)
		}
	}
	g.version++
	e.Run = s.Run
	if s.Type == hook.Create {
		e.Type = s.Type
	}
	e.state, e.due = parked, s.Due
	switch {
	case s.Held:
		e.state = held
	case s.Finished:
		e.state = finished
	}
	if e.due.Before(now) {
		e.due = now // it has not had the time to come back
	}
}

// Create notes while restoring that a delivery took the place of a create that
// was never delivered.
func (g *Gate[T]) Create(webhook, delivery string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.created == nil {
		g.created = map[string]bool{}
	}
	g.created[delivery] = true
	if h := g.hooks[webhook]; h != nil && h.entries[delivery] != nil && h.entries[delivery].Type == hook.Update {
		h.entries[delivery].Type = hook.Create
	}
}

// Settle notes while restoring that a delivery was delivered, so that what a later
// change took the place of is not posted after it.
func (g *Gate[T]) Settle(c Change, r Rules) {
	g.mu.Lock()
	defer g.mu.Unlock()
	h := g.hooks[c.Webhook]
	if h == nil || !r.Coalesce {
		return
	}
	for _, id := range c.Items {
		q := h.items[item{c.ItemType, id}]
		if q == nil {
			continue
		}
		var done []*Entry[T]
		for _, e := range q.entries {
			if e.Delivery == c.Delivery || !e.before(&c) || e.Type == hook.Create && c.Type == hook.Update {
				continue
			}
			if e.covered == nil {
				e.covered = map[string]bool{}
			}
			e.covered[id] = true
			if subsetOf(e.Items, e.covered) {
				done = append(done, e)
			}
		}
		for _, e := range done {
			e.by = c.Delivery
			g.version++
			h.unlink(e)
		}
	}
}

func subsetOf(some []string, all map[string]bool) bool {
	for _, id := range some {
		if !all[id] {
			return false
		}
	}
	return true
}

// Clear notes while restoring that a delivery was released or has ended, in the
// newest of its runs.
func (g *Gate[T]) Clear(webhook, delivery string, run int64, ended bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	h := g.hooks[webhook]
	if h == nil {
		return
	}
	g.unmark(h, delivery, run)
	if e := h.entries[delivery]; e != nil && ended && run >= e.Run {
		g.version++
		if run > e.Run && e.state == parked {
			e.older, e.olderDue = true, latest(e.olderDue, e.due)
		}
		if e.older {
			e.Run, e.state = run, finished
			h.unlink(e)
		} else {
			g.remove(h, e)
		}
	}
	g.tidy(webhook)
}

// Restored ends the restoring: later changes take the places of earlier ones, by
// the rules of each webhook.
func (g *Gate[T]) Restored(rules func(account, webhook string) Rules) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for id, h := range g.hooks {
		h.rules = rules(h.account, id)
		if !h.rules.Coalesce {
			continue
		}
		for _, q := range h.items {
			for _, e := range append([]*Entry[T](nil), q.entries...) {
				if e.by == "" {
					h.cover(e)
				}
			}
		}
	}
}
