package quota

import (
	"context"
	"errors"
	"time"
)

const (
	// requestTimeout bounds one request to the counters. Redis answers within
	// 1 ms; who waits longer is a delivery.
	requestTimeout = 250 * time.Millisecond
	// awayFor is how long the counters are left alone after an error.
	awayFor = time.Second
	// keptFor is how long a counter outlives its period: members' clocks differ
	// by a second or so.
	keptFor = time.Minute
	// rounds bounds the requests for one purpose. The second is needed if the
	// counter was lost, the third if it was lost in between.
	rounds = 3
)

// errUnsteady says that the counter was lower than what this member added to it,
// again and again. They are not away: the period counts as used up for a moment.
var errUnsteady = errors.New("the counter of a quota is lost again and again")

// start begins a request for h in the background, unless one is under way. ahead:
// fetch a lease although nobody waits for one. The mutex is held.
func (l *Ledger) start(h *holding, ahead bool) {
	if h.flight != nil {
		return
	}
	h.flight = make(chan struct{})
	l.open[h] = struct{}{}
	go l.request(h, ahead)
}

// request fetches a lease, if one is wanted, and makes the counter even. The caller
// has set h.flight.
func (l *Ledger) request(h *holding, ahead bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer func() {
		close(h.flight)
		h.flight = nil
	}()
	if l.away() && l.add(h, 0) != nil {
		return
	}
	// If all seems to be taken, look before asking for more of it.
	if h.left() <= 0 && l.post(h, 0) != nil {
		return
	}
	n := h.wanted(l.now(), ahead)
	if l.stopped {
		n = min(n, int64(h.waiting))
	}
	switch {
	case n > 0:
		if l.post(h, n) != nil {
			return
		}
		h.grant(l.now())
	case h.left() <= 0:
		h.emptied = l.now()
	}
	for range rounds {
		if h.even() || l.post(h, 0) != nil {
			return
		}
	}
}

// post makes the counter hold what this member has taken, and n more.
func (l *Ledger) post(h *holding, n int64) error {
	goal := h.taken + n
	for range rounds {
		if err := l.add(h, goal-h.posted); err != nil {
			return err
		}
		if h.posted == goal {
			return nil
		}
	}
	h.emptied = l.now()
	return errUnsteady
}

// add adds n to the counter, unlocked meanwhile. Afterwards posted and elsewhere
// say what the counter holds.
func (l *Ledger) add(h *holding, n int64) error {
	expires := h.end.Add(keptFor)
	l.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), l.timeout)
	sum, err := l.counters.Add(ctx, h.account, h.start, n, expires)
	cancel()
	l.mu.Lock()
	l.answered(err)
	if err != nil {
		// It may have been done or not.
		h.posted += min(0, n)
		return err
	}
	h.posted += n
	if sum < h.posted {
		// The counter was lost, and holds nothing of ours but this.
		h.posted = n
	}
	h.elsewhere = max(0, sum-h.posted)
	return nil
}

// away reports whether the counters did not answer last.
func (l *Ledger) away() bool { return !l.awayUntil.IsZero() }

// answered takes note of whether the counters answer.
func (l *Ledger) answered(err error) {
	was := l.away()
	l.awayUntil = time.Time{}
	if err != nil {
		l.awayUntil = l.now().Add(awayFor)
	}
	if was != l.away() {
		l.mu.Unlock()
		l.report(err)
		l.mu.Lock()
	}
}

// probe asks, while the counters are away, once in awayFor whether they still are.
// Nobody waits for the answer.
func (l *Ledger) probe(h *holding, now time.Time) {
	if now.Before(l.awayUntil) || h.flight != nil {
		return
	}
	l.awayUntil = now.Add(awayFor)
	l.start(h, false)
}
