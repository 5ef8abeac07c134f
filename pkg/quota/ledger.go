// Package quota keeps accounts within their quota of calls, over all members
// (senders) together, without asking for each call.
//
// The calls taken of an account's period are counted in one place that all
// members share (Counters; in production Redis). A member takes them in leases
// of about 2 % of what is left and spends a lease from memory. What of it was
// not spent for some seconds goes back.
//
// # What is promised
//
//   - While the counters live, no more than the quota is taken in a period.
//   - While there is demand, no less than 95 % of it is: what others hold
//     unspent comes back within seconds, and who found the period used up looks
//     again soon.
//   - While the counters are away, each member takes its share of the quota, less
//     what it took already. What it took is added to the counters afterwards.
//   - If the counters are lost (a flushed Redis), at most one quota more is taken
//     in the period: each member that sees a counter lower than what it put there
//     itself puts that back.
//
// # How
//
// A member knows what it has taken of a period (taken) and what the counter holds
// of that for certain (posted). Every request brings posted to what it should be,
// taken plus the lease that is asked for, by adding the difference; so a debt of
// the time without counters, a lease that goes back and a lost counter need no
// rule of their own. A request whose outcome is unknown counts as whichever leaves
// posted lower: the counter may hold more than is known, never less, so an error
// can waste calls but not make more of them.
//
// A lease that exceeds the quota is granted as far as it fits and the rest given
// back. The counter is never below the sum of all grants, so the grants never
// exceed the quota; and of members that exceed it together the first one gets all
// that was left.
package quota

import (
	"context"
	"sync"
	"time"

	"github.com/staffetta/staffetta/pkg/hook"
)

// Counters are the calls taken from each account's periods, shared by all
// members. A counter may vanish at any time (a flushed Redis).
type Counters interface {
	// Add adds n to the calls taken of the period that begins then (negative:
	// gives back) and returns the sum after it; with 0 it reads. The counter is
	// not needed after expires. Add returns soon after ctx ends and must not
	// repeat what may have been done already. Any error means that the counters
	// are away; n may have been added all the same.
	Add(ctx context.Context, account string, period time.Time, n int64, expires time.Time) (taken int64, err error)
}

// Ledger is one member's view of all quotas. It is safe for concurrent use.
type Ledger struct {
	counters Counters
	share    func() float64
	now      func() time.Time
	report   func(error)
	// timeout of one request: requestTimeout.
	timeout time.Duration

	mu       sync.Mutex
	accounts map[string]*account
	// holdings is the number of all periods of all accounts; beyond most they are
	// forgotten sooner (maxHoldings).
	holdings, most int
	// open are the holdings that the next sweep has to look at: those with a
	// lease, or whose counter is not what it should be.
	open map[*holding]struct{}
	// awayUntil is when to ask the counters again; zero while they answer.
	awayUntil time.Time
	// forgetAt is when to look for what can be forgotten.
	forgetAt time.Time
	stopped  bool
}

// New makes a ledger on the counters.
//
// share is what part of the whole this member serves, 0 < share ≤ 1, and is asked
// while the counters are away; over all members it should sum up to 1. now is the
// clock; members' clocks may be a second apart. Both must be quick and must not
// call the ledger. report, which may be nil, is told the error when the counters
// stop answering, and nil when they answer again.
func New(c Counters, share func() float64, now func() time.Time, report func(error)) *Ledger {
	if report == nil {
		report = func(error) {}
	}
	return &Ledger{
		counters: c, share: share, now: now, report: report, timeout: requestTimeout,
		accounts: map[string]*account{}, most: maxHoldings, open: map[*holding]struct{}{},
	}
}

// Take takes one call of the period that now lies in. If ok, at is the start of
// that period, which Return wants to know. If not, at is when to ask again: the
// start of the next period, or now if ctx ended before the answer was known.
//
// Nearly always it answers from memory; else it waits for a lease, for at most
// requestTimeout.
func (l *Ledger) Take(ctx context.Context, account string, q hook.Quota) (ok bool, at time.Time) {
	from, to := q.At(l.now())
	switch l.take(ctx, account, q, from, to, again(q)) {
	case taken:
		return true, from
	case interrupted:
		return false, l.now()
	default:
		return false, to
	}
}

// Used reports, from memory and at once, whether the period that now lies in is
// known to be used up, and if so when the next one begins. It stops reporting that
// soon after it was found out, so that somebody asks by Take again: others give
// back what they do not need.
func (l *Ledger) Used(account string, q hook.Quota) (until time.Time, used bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	from, to := q.At(now)
	h := l.known(account, from)
	if h == nil || q.Calls > h.calls || !h.usedUp(now, again(q)) {
		return time.Time{}, false
	}
	return to, true
}

// Return gives back one call that Take or Reserve gave and that was not made. The
// period is the start that they named. A call of a period that is over, or of one
// that this member took nothing of, is ignored.
func (l *Ledger) Return(account string, _ hook.Quota, period time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.known(account, period)
	if h == nil || h.unused >= h.taken {
		return
	}
	h.lend(1, l.now())
	l.accounts[account].cursor.lower(period)
	l.open[h] = struct{}{}
	if l.stopped {
		h.release(h.unused)
		l.start(h, false)
	}
}

// answer is what became of the wish for a call.
type answer int

const (
	taken answer = iota
	usedUp
	interrupted
)

// take takes one call of a period. That it is used up is believed for that long.
func (l *Ledger) take(ctx context.Context, account string, q hook.Quota, from, to time.Time, believed time.Duration) answer {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		h := l.holding(account, from, to)
		h.limit(q.Calls)
		now := l.now()
		switch {
		case h.spend(now):
			if h.low() && !l.away() && !l.stopped && !h.usedUpSince(now, believed) {
				l.start(h, true)
			}
			return taken
		case h.usedUp(now, believed):
			return usedUp
		case l.away():
			l.probe(h, now)
			if !h.borrow(l.share(), now) {
				return usedUp
			}
			l.open[h] = struct{}{}
			return taken
		}
		l.start(h, false)
		if !l.wait(ctx, h) {
			return interrupted
		}
	}
}

// wait waits, unlocked, for the request that is under way for h. It is false if
// ctx ended before.
func (l *Ledger) wait(ctx context.Context, h *holding) bool {
	done := h.flight
	h.waiting++
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		h.waiting--
	}()
	select {
	case <-done:
		return true
	case <-ctx.Done():
		return false
	}
}

// again is how long the current period is believed to be used up: a second, or a
// twentieth of a period that is shorter than 20 s.
func again(q hook.Quota) time.Duration { return min(time.Second, q.Period/20) }
