package receiver

import (
	"slices"
	"sync"
)

// group counts what arrives for some URLs, and may give them all another
// behaviour than their own.
type group struct {
	mu       sync.Mutex
	requests int
	refused  int
	seen     map[string]struct{}
	arrivals []arrival
	last     int64
	since    int64
	// instead is the behaviour that replaces those of the URLs, if replaced.
	instead  behaviour
	replaced bool
	// changed is closed when the behaviour changes, so that what hangs ends.
	changed chan struct{}
}

// arrival is a delivery that was taken.
type arrival struct{ published, took int64 }

// behaviour is that of a URL of the group, and what tells of its end.
func (g *group) behaviour(own behaviour) (behave behaviour, changed <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.replaced {
		return g.instead, g.changed
	}
	return own, g.changed
}

func (g *group) become(b behaviour) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.instead, g.replaced = b, true
	close(g.changed)
	g.changed = make(chan struct{})
}

// take counts a request that is answered at once.
func (g *group) take(id string, published, now int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if published < g.since {
		return
	}
	g.requests++
	g.note(id, published, now)
}

// refuse counts a request that is not taken, or not yet.
func (g *group) refuse(published int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if published < g.since {
		return
	}
	g.requests++
	g.refused++
}

// accept counts one as taken that was refused before. A reset between the two
// has forgotten the request.
func (g *group) accept(id string, published, now int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if published < g.since || g.refused == 0 {
		return
	}
	g.refused--
	g.note(id, published, now)
}

func (g *group) note(id string, published, now int64) {
	if _, ok := g.seen[id]; ok {
		return
	}
	g.seen[id] = struct{}{}
	g.arrivals = append(g.arrivals, arrival{published: published, took: now - published})
	g.last = max(g.last, now)
}

func (g *group) reset(since int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.requests, g.refused, g.last, g.since = 0, 0, 0, since
	g.arrivals = g.arrivals[:0]
	clear(g.seen)
}

func (g *group) progress() Progress {
	g.mu.Lock()
	defer g.mu.Unlock()
	return Progress{Requests: g.requests, Deliveries: len(g.seen), Refused: g.refused}
}

// all returns what was counted; the arrivals are the caller's.
func (g *group) all() (p Progress, arrivals []arrival, last int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return Progress{Requests: g.requests, Deliveries: len(g.seen), Refused: g.refused}, slices.Clone(g.arrivals), g.last
}
