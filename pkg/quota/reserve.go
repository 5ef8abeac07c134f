package quota

import (
	"context"
	"time"

	"github.com/staffetta/staffetta/pkg/hook"
)

// againLater is how long a later period is believed to be used up. Longer than for
// the current one: with periods of a second there are 900 within the 15 minutes
// that the sender looks ahead, and looking at each costs a request.
const againLater = 10 * time.Second

// Reserve takes a call of the first later period that has one and begins within
// horizon from now; period is its start. ok is false if none begins so soon, all
// are used up, or ctx ended before the answer was known; the caller then asks again
// after the horizon.
//
// It uses leases as Take does, so that a burst of deferrals is not a burst of
// requests.
func (l *Ledger) Reserve(ctx context.Context, account string, q hook.Quota, horizon time.Duration) (period time.Time, ok bool) {
	now := l.now()
	current, next := q.At(now)
	if !next.After(current) {
		// No quota: hook.MinQuotaPeriod.
		return time.Time{}, false
	}
	last := now.Add(horizon)
	from, anew := l.resume(account, q, next, now)
	for !from.After(last) {
		_, to := q.At(from)
		switch l.take(ctx, account, q, from, to, againLater) {
		case taken:
			if anew {
				l.found(account, from)
			}
			return from, true
		case interrupted:
			return time.Time{}, false
		}
		from = l.pass(account, q, from, to)
	}
	return time.Time{}, false
}

// cursor remembers which later periods are used up, so that not everyone looks at
// each of them.
type cursor struct {
	quota hook.Quota
	// from is the first later period that may have a call left; since is when the
	// ones before it were looked at.
	from, since time.Time
}

// lower makes the cursor see a period again.
func (c *cursor) lower(to time.Time) {
	if to.Before(c.from) {
		c.from = to
	}
}

// resume is the period to begin with. From time to time one caller looks at all of
// them anew; the others go on where they were.
func (l *Ledger) resume(id string, q hook.Quota, next, now time.Time) (from time.Time, anew bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := &l.account(id).cursor
	if c.quota != q {
		*c = cursor{quota: q, from: next, since: now}
	}
	if now.Sub(c.since) >= againLater {
		c.since = now
		return next, true
	}
	if c.from.Before(next) {
		c.from = next
	}
	return c.from, false
}

// found makes everyone see a period that has calls again.
func (l *Ledger) found(id string, from time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.account(id).cursor.lower(from)
}

// pass notes that a period is used up and returns the one to try next.
func (l *Ledger) pass(id string, q hook.Quota, from, to time.Time) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := &l.account(id).cursor
	if c.quota != q {
		return to
	}
	if !c.from.After(from) {
		c.from = to
	}
	return to
}
