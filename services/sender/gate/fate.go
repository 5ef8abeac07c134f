package gate

import "time"

// Park notes that a run of a delivery is on its way to a tier until it is due. Who
// waits behind it is to ask again.
func (g *Gate[T]) Park(e *Entry[T], run int64, due time.Time) (again []T) {
	g.mu.Lock()
	defer g.mu.Unlock()
	h := g.home(e)
	if h == nil {
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
	h := g.home(e)
	if h == nil {
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
	h := g.home(e)
	if h == nil {
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
