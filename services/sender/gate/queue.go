package gate

import (
	"slices"

	"github.com/staffetta/staffetta/pkg/hook"
)

// item names an item of an account.
type item struct{ kind, id string }

// queue is what is not finished of one item, the earliest change first, without
// what is superseded.
type queue[T any] struct {
	entries []*Entry[T]
	// occupant is the entry that is under way, if there is one.
	occupant *Entry[T]
}

// before reports whether one change comes before another. Those of different
// partitions of the source have no promised order; it is that of their times.
func (c *Change) before(other *Change) bool {
	if c.alongside(other) {
		return c.Source.Offset < other.Source.Offset
	}
	return c.Published.Before(other.Published)
}

// afterMark reports whether a change comes after what is held.
func (h *webhook[T]) afterMark(c *Change) bool {
	return h.mark != nil && h.mark.Delivery != c.Delivery && h.mark.before(c) ||
		h.low != nil && h.low.Delivery != c.Delivery && h.low.before(c)
}

// alongside reports whether two changes have the same partition of the source.
func (c *Change) alongside(other *Change) bool {
	return c.Source.Topic == other.Source.Topic && c.Source.Partition == other.Source.Partition
}

// link puts an entry into the queues of its items: behind all but those that come
// after it in its partition of the source.
func (h *webhook[T]) link(e *Entry[T]) {
	for _, id := range e.Items {
		key := item{e.ItemType, id}
		q := h.items[key]
		if q == nil {
			q = &queue[T]{}
			h.items[key] = q
		}
		if slices.Contains(q.entries, e) {
			continue // an event may name an item twice
		}
		at := len(q.entries)
		for i := at - 1; i >= 0; i-- {
			other := &q.entries[i].Change
			if other.alongside(&e.Change) {
				if other.Source.Offset <= e.Source.Offset {
					break
				}
				at = i
			}
		}
		q.entries = slices.Insert(q.entries, at, e)
	}
}

// unlink is link's reverse.
func (h *webhook[T]) unlink(e *Entry[T]) {
	for q, key := range h.queues(e) {
		if i := slices.Index(q.entries, e); i >= 0 {
			q.entries = slices.Delete(q.entries, i, i+1)
		}
		if len(q.entries) == 0 && q.occupant == nil {
			delete(h.items, key)
		}
	}
}

// queues are those of an entry's items, as far as there are any.
func (h *webhook[T]) queues(e *Entry[T]) func(yield func(*queue[T], item) bool) {
	return func(yield func(*queue[T], item) bool) {
		for _, id := range e.Items {
			key := item{e.ItemType, id}
			if q := h.items[key]; q != nil && !yield(q, key) {
				return
			}
		}
	}
}

// blocker is whom an entry has to wait for; nil if it may go. Of several it is
// one that is not in memory, and of these the last to be due.
func (h *webhook[T]) blocker(e *Entry[T]) (worst *Entry[T]) {
	for q := range h.queues(e) {
		by := q.entries[0]
		if q.occupant != nil {
			by = q.occupant
		}
		if by == e {
			continue
		}
		if worst == nil || worst.inMemory() && !by.inMemory() || !by.inMemory() && by.due.After(worst.due) {
			worst = by
		}
	}
	return worst
}

// stuck reports whether an entry waits for others that wait for it, each behind the
// other in the queue of another item: so it may come to be when events of several
// items come through several partitions and one comes late. It may go then if all
// before it come through other partitions, among which no order is promised; of
// those that wait in a circle one at least may.
func (h *webhook[T]) stuck(e *Entry[T]) bool {
	if len(e.Items) < 2 || !h.passable(e) {
		return false
	}
	met := map[*Entry[T]]bool{e: true}
	next := []*Entry[T]{e}
	for len(next) > 0 {
		one := next[len(next)-1]
		next = next[:len(next)-1]
		for q := range h.queues(one) {
			first := q.entries[0]
			if first == e && one != e {
				return true
			}
			if !met[first] && first.state != underway {
				met[first] = true
				next = append(next, first)
			}
		}
	}
	return false
}

// passable reports whether nothing is under way of an entry's items, and all that
// is before it came through other partitions.
func (h *webhook[T]) passable(e *Entry[T]) bool {
	for q := range h.queues(e) {
		if q.occupant != nil {
			return false
		}
		for _, other := range q.entries {
			if other == e {
				break
			}
			if other.alongside(&e.Change) {
				return false
			}
		}
	}
	return true
}

// ahead is how many are before an entry, in the longest of its queues.
func (h *webhook[T]) ahead(e *Entry[T]) (most int) {
	for q := range h.queues(e) {
		most = max(most, slices.Index(q.entries, e))
	}
	return most
}

func (h *webhook[T]) occupy(e *Entry[T]) {
	for q := range h.queues(e) {
		q.occupant = e
	}
}

func (h *webhook[T]) vacate(e *Entry[T]) {
	for q := range h.queues(e) {
		if q.occupant == e {
			q.occupant = nil
		}
	}
}

// followed reports whether somebody is behind an entry.
func (h *webhook[T]) followed(e *Entry[T]) bool {
	for q := range h.queues(e) {
		if n := len(q.entries); n > 0 && q.entries[n-1] != e {
			return true
		}
	}
	return false
}

// supersede lets a new entry take the place of those before it that wait, and
// those behind it that of the new one.
func (h *webhook[T]) supersede(e *Entry[T]) {
	var earlier []*Entry[T]
	for q := range h.queues(e) {
		for _, other := range q.entries {
			if other == e {
				break
			}
			if other.state == parked || other.state == held {
				earlier = append(earlier, other)
			}
		}
	}
	for _, other := range earlier {
		if other.by == "" {
			h.cover(other)
		}
	}
	h.cover(e)
}

// cover lets later changes take the place of an entry that waits, if there is one
// of each of its items. Each of these is durable: it came out of Kafka, and is
// not finished.
func (h *webhook[T]) cover(e *Entry[T]) {
	var by *Entry[T]
	for _, id := range e.Items {
		later := h.later(e, id)
		if later == nil {
			return
		}
		if by == nil || by.before(&later.Change) {
			by = later
		}
	}
	if by == nil {
		return // it names no item
	}
	if e.Type == hook.Create {
		for _, id := range e.Items {
			if later := h.later(e, id); later.Type == hook.Update {
				later.Type = hook.Create
			}
		}
	}
	e.by = by.Delivery
	h.unlink(e)
}

// later is the last entry behind another in the queue of an item that can take
// its place; nil if there is none. What was never created at the receiver has to
// be created by whatever takes its place, unless that deletes it.
func (h *webhook[T]) later(e *Entry[T], id string) *Entry[T] {
	q := h.items[item{e.ItemType, id}]
	for i := len(q.entries) - 1; i >= 0; i-- {
		other := q.entries[i]
		switch {
		case other == e:
			return nil
		case e.Type != hook.Create, other.Type != hook.Update:
			return other
		case other.state != underway && subset(other.Items, e.Items):
			return other
		}
	}
	return nil
}

func subset(some, all []string) bool {
	for _, id := range some {
		if !slices.Contains(all, id) {
			return false
		}
	}
	return true
}
