package quota

import (
	"math"
	"time"
)

// holding is what this member knows of one period of one account. Its methods
// neither lock nor wait; the ledger's mutex guards it.
type holding struct {
	account    string
	start, end time.Time
	// calls is the quota, as it was told last.
	calls int64

	// taken are this member's calls of the period: those made or promised, and
	// the unused ones of the lease.
	taken, unused int64
	// posted is what the counter holds of this member for certain.
	posted int64
	// elsewhere is what the others had taken when the counter was seen last.
	elsewhere int64

	// lease is what there was to spend after the last grant.
	lease int64
	// fewest is the least that unused was since the time since: so many calls
	// have lain idle that long. spent are the calls spent in that time.
	fewest, spent int64
	since         time.Time
	// bound is the most that a lease may be after one lay idle; it doubles with
	// each. 0: what wanted says.
	bound int64
	// touched is when it was last of use.
	touched time.Time
	// emptied is when nothing was found to be left; zero: something was.
	emptied time.Time

	// waiting is the number of those who wait for a lease.
	waiting int
	// flight is closed when the request under way has ended; nil without one.
	// Only that request's goroutine changes posted and elsewhere.
	flight chan struct{}
}

// limit takes note of the quota. What was leased under a higher one is void, and
// that a lower one was used up is forgotten.
func (h *holding) limit(calls int64) {
	switch {
	case calls < h.calls:
		h.release(h.unused)
		h.emptied = time.Time{}
	case calls > h.calls:
		h.emptied = time.Time{}
	}
	h.calls = calls
}

// spend takes a call from the lease; false if there is none.
func (h *holding) spend(now time.Time) bool {
	if h.unused == 0 {
		return false
	}
	h.unused--
	h.spent++
	h.fewest = min(h.fewest, h.unused)
	h.touched = now
	return true
}

// lend adds calls, already counted as taken, to the lease.
func (h *holding) lend(n int64, now time.Time) {
	if h.unused == 0 {
		h.since, h.fewest, h.spent = now, n, 0
	}
	h.unused += n
	h.touched, h.emptied = now, time.Time{}
}

// release takes calls out of the lease; the next request gives them back.
func (h *holding) release(n int64) {
	h.unused -= n
	h.taken -= n
	h.fewest = min(h.fewest, h.unused)
}

// idle is how many calls of the lease lay unused for too long: all of it if nobody
// touched it, else what was never needed in that time, which is then counted anew.
// The next lease is no more than twice what was spent meanwhile, so that a trickle
// of calls does not keep 2 % from the others.
func (h *holding) idle(now time.Time) int64 {
	n := h.unused
	if now.Sub(h.touched) < h.patience() {
		if now.Sub(h.since) < h.patience() {
			return 0
		}
		n = h.fewest
	}
	if n > 0 {
		h.bound = max(1, 2*h.spent)
	}
	h.since, h.fewest, h.spent = now, h.unused-n, 0
	return n
}

// low reports whether half of the lease is spent, so that the next one should be
// fetched. A lease of 1 is fetched for one who waits for it: held in advance, it
// would be one of the last calls, kept from the others.
func (h *holding) low() bool { return h.lease > 1 && 2*h.unused <= h.lease && h.flight == nil }

// usedUp reports whether nothing was left when it was seen last, and that is not
// longer ago than it is believed.
func (h *holding) usedUp(now time.Time, believed time.Duration) bool {
	return h.calls < 1 || h.unused == 0 && h.usedUpSince(now, believed)
}

func (h *holding) usedUpSince(now time.Time, believed time.Duration) bool {
	return !h.emptied.IsZero() && now.Sub(h.emptied) < believed
}

// borrow takes a call without the counter: up to the member's share of the quota,
// and not what others were seen to have taken. Every member may make one call: with
// a share less than one call an account would wait for the counters.
func (h *holding) borrow(share float64, now time.Time) bool {
	// 0.29 × 100 is 28.999999999999996.
	limit := max(1, int64(math.Floor(share*float64(h.calls)+1e-6)))
	h.touched = now
	if h.taken >= limit || h.left() <= 0 {
		h.emptied = now
		return false
	}
	h.taken++
	return true
}

// left is what is left of the quota, as far as is known.
func (h *holding) left() int64 { return h.calls - h.taken - h.elsewhere }

// wanted is the size of the next lease: 2 % of what is left, and more if more are
// waiting, but not over 10 %: all of it is lost if the answer is, and what one has
// in hand the others have not. Of a period that begins so late that what is unused
// goes back before, it is 10 %, and at least 2 % of the whole: 26 requests reserve
// it all. ahead asks for a lease although nobody waits.
func (h *holding) wanted(now time.Time, ahead bool) int64 {
	left := h.left()
	if left <= 0 || h.waiting == 0 && !ahead {
		return 0
	}
	if h.start.Sub(now) > 2*h.patience() {
		return min(left, max(1, h.calls/50, left/10))
	}
	lease := max(1, left/50)
	if h.bound > 0 {
		lease = min(lease, h.bound)
	}
	return min(left, max(lease, min(int64(h.waiting), left/10)))
}

// patience is how long calls of a lease may lie unused.
func (h *holding) patience() time.Duration { return min(idleFor, h.end.Sub(h.start)/10) }

// grant moves into the lease what was posted for it and fits into the quota.
func (h *holding) grant(now time.Time) {
	n := min(h.posted-h.taken, h.left())
	if n <= 0 {
		h.emptied = now
		return
	}
	h.taken += n
	h.lend(n, now)
	h.lease = h.unused
	if h.bound *= 2; h.bound > h.left()/50 {
		h.bound = 0
	}
}

// even reports whether the counter holds what it should.
func (h *holding) even() bool { return h.posted == h.taken }
