package quota

import (
	"context"
	"sync"
	"time"
)

const (
	// sweepEvery is a tenth of the shortest period: so long may what is unused of
	// it lie.
	sweepEvery = 100 * time.Millisecond
	// idleFor is how long a lease may lie unused, or a tenth of its period if
	// that is less.
	idleFor = 5 * time.Second
	// forgetEvery is how often what is over is forgotten.
	forgetEvery = 10 * time.Second
	// overFor keeps a period that is over for a member's clock that is behind.
	overFor = 5 * time.Second
	// maxHoldings bounds the memory: at about 350 bytes each 35 MB. Beyond it,
	// periods that are settled and were not touched for a while are forgotten,
	// though with that also what they took: only while the counters are away, or
	// after they were lost, would they take it again.
	maxHoldings = 100_000
	// settleAtOnce is the number of requests that a sweep makes at a time.
	settleAtOnce = 16
	// stopWithin bounds how long giving everything back may take.
	stopWithin = 2 * time.Second
)

// Run gives back leases that lie unused and posts what was taken while the counters
// were away, until ctx ends; then it gives back everything, in at most 2 s. End ctx
// after the last Take: a later one still works, but with a request for each call.
func (l *Ledger) Run(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			l.stop()
			return
		case <-tick.C:
			l.sweep(ctx)
		}
	}
}

// sweep settles what is open, and forgets what is over.
func (l *Ledger) sweep(ctx context.Context) {
	l.mu.Lock()
	now := l.now()
	if !now.Before(l.forgetAt) {
		l.forget(now)
		l.forgetAt = now.Add(forgetEvery)
	}
	var due []*holding
	for h := range l.open {
		if now.After(h.end) {
			delete(l.open, h)
			continue
		}
		if h.flight != nil {
			continue
		}
		if l.away() {
			// Keep what there is; one of them asks whether that has changed.
			l.probe(h, now)
			continue
		}
		if h.unused > 0 {
			h.release(h.idle(now))
		}
		switch {
		case !h.even():
			due = append(due, h)
		case h.unused == 0:
			delete(l.open, h)
		}
	}
	l.mu.Unlock()
	l.settle(ctx, due)
}

// stop gives back all leases.
func (l *Ledger) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	l.mu.Lock()
	l.stopped = true
	now := l.now()
	var due []*holding
	for h := range l.open {
		if !now.After(h.end) {
			due = append(due, h)
		}
	}
	l.mu.Unlock()
	l.settle(ctx, due)
}

// settle makes the counters of holdings even, a few at a time; while they are away
// it gives up, as when ctx ends. When the ledger has stopped their leases go back
// too.
func (l *Ledger) settle(ctx context.Context, due []*holding) {
	work := make(chan *holding)
	var workers sync.WaitGroup
	for range min(settleAtOnce, len(due)) {
		workers.Go(func() {
			for h := range work {
				l.settleOne(h)
			}
		})
	}
feed:
	for _, h := range due {
		select {
		case work <- h:
		case <-ctx.Done():
			break feed
		}
	}
	close(work)
	workers.Wait()
}

// settleOne waits for a request that is under way, and makes one if there is still
// something to settle.
func (l *Ledger) settleOne(h *holding) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		if h.flight != nil {
			l.await(h)
			continue
		}
		if l.stopped {
			h.release(h.unused)
		}
		if h.even() || l.away() {
			return
		}
		l.start(h, false)
		l.await(h)
		return
	}
}

// await waits, unlocked, until the request under way for h has ended.
func (l *Ledger) await(h *holding) {
	done := h.flight
	l.mu.Unlock()
	<-done
	l.mu.Lock()
}

// forget drops periods that are over, and what is of no use.
func (l *Ledger) forget(now time.Time) {
	for id, a := range l.accounts {
		for start, h := range a.periods {
			if h.flight != nil || h.waiting > 0 {
				continue
			}
			idle := now.Sub(h.touched) > forgetEvery && h.unused == 0 && h.even()
			if now.After(h.end.Add(overFor)) || idle && (h.taken == 0 || l.holdings > l.most) {
				delete(a.periods, start)
				delete(l.open, h)
				l.holdings--
			}
		}
		if len(a.periods) == 0 {
			delete(l.accounts, id)
		}
	}
}
