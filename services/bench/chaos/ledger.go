package chaos

import (
	"slices"
	"sync"
	"time"
)

// request is one that a receiver got.
type request struct {
	arrived time.Time
	// ended is when the answer was on its way, or the connection broke; zero
	// while it is open.
	ended time.Time
	// status of the answer; 0: none, it is open or was cut.
	status int
}

// delivered tells whether the answer was a success.
func (r request) delivered() bool { return r.status/100 == 2 }

// delivery is one that is due to a webhook, with what became of it.
type delivery struct {
	webhook   string
	published time.Time
	subject   int
	requests  []request // in order of arrival
}

// done tells whether a request was answered 2xx.
func (d *delivery) done() bool { return slices.ContainsFunc(d.requests, request.delivered) }

// ledger knows what must be delivered and every request that came. About 200
// bytes a delivery: a million of them are 200 MB.
type ledger struct {
	begun time.Time

	mu         sync.Mutex
	deliveries map[string]*delivery
	finished   int
	requests   int
	last       time.Time // of a delivery's first success
	// fresh is when the newest event that reached a webhook was published, for
	// each item type.
	fresh map[stream]time.Time
	// strange are ids that nobody published.
	strange map[string]int
}

// stream is what flows to one webhook from one topic.
type stream struct {
	webhook string
	subject int
}

func newLedger(begun time.Time) *ledger {
	return &ledger{
		begun: begun, deliveries: map[string]*delivery{}, fresh: map[stream]time.Time{}, strange: map[string]int{},
	}
}

// follow says that something will flow there.
func (l *ledger) follow(s stream) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fresh[s] = time.Time{}
}

// expect notes a delivery, before its event is published.
func (l *ledger) expect(id string, s stream, published time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.deliveries[id] = &delivery{webhook: s.webhook, subject: s.subject, published: published}
}

// begin notes that a request came and tells how many of its delivery came before.
func (l *ledger) begin(id string, now time.Time) (before int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests++
	d := l.deliveries[id]
	if d == nil {
		l.strange[id]++
		return 0
	}
	d.requests = append(d.requests, request{arrived: now})
	return len(d.requests) - 1
}

// end notes how a request ended: its delivery's n-th, from 0.
func (l *ledger) end(id string, n, status int, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	d := l.deliveries[id]
	if d == nil {
		return
	}
	first := !d.done()
	d.requests[n].ended, d.requests[n].status = now, status
	if !first || !d.done() {
		return
	}
	l.finished++
	l.last = now
	s := stream{d.webhook, d.subject}
	if d.published.After(l.fresh[s]) {
		l.fresh[s] = d.published
	}
}

// stale counts the streams in which nothing has arrived that was published
// after a moment.
func (l *ledger) stale(since time.Time) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	count := 0
	for _, newest := range l.fresh {
		if !newest.After(since) {
			count++
		}
	}
	return count
}

// progress is how many of how many deliveries are done.
func (l *ledger) progress() (finished, expected int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.finished, len(l.deliveries)
}

// seen counts the requests of a delivery.
func (l *ledger) seen(id string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if d := l.deliveries[id]; d != nil {
		return len(d.requests)
	}
	return 0
}

// newest is when a delivery was first done most recently.
func (l *ledger) newest() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

// each calls do for every delivery. Requests that come meanwhile wait, so it is
// for the end.
func (l *ledger) each(do func(id string, d *delivery)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, d := range l.deliveries {
		do(id, d)
	}
}
