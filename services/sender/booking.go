package sender

import (
	"math/rand/v2"
	"time"
)

const (
	// maxBooking is how far ahead a place is booked at most, so that a receiver
	// that came back, or a limit that was raised, is noticed (DESIGN.md, rule 4).
	maxBooking = 15 * time.Minute
	// bookingSpread is the part of maxBooking, as a divisor, over which those are
	// spread that found no place so near.
	bookingSpread = 10
	// unknownRate is what a lane that was never tried is booked at, a second: if
	// its receiver takes nothing that shows within one request.
	unknownRate = 1000.0
	// failingRate is that of one that was tried and never had a success.
	failingRate = 10.0
	// maxGuess bounds the rate of a lane that never had enough to do to measure it.
	maxGuess = 5000.0
	// optimism is by how much more is booked than a lane drained lately: one that
	// could do more would never show it otherwise, and what comes too early is
	// booked once more.
	optimism = 2
	// blameless is how long after its last failure a receiver is taken to take what
	// its answers' durations say. One that refuses what is too much for it answers
	// fast, and takes what it drained.
	blameless = 10 * time.Second
	// drainWindow is how long a lane's pace is counted before it is believed.
	drainWindow = 250 * time.Millisecond
	// rateBurst is how far requests may run ahead of a webhook's rate limit, to
	// make up for timers that fire late.
	rateBurst = 20 * time.Millisecond
)

// booking reserves places in a lane, one after the other as the lane drains, so
// that a backlog comes back at the pace at which it can be served.
type booking struct {
	// until is when the last place is; zero: none was booked.
	until time.Time
}

// place reserves the first place from a time on that nobody has, at so many
// places a second. One that lies too far ahead is none: its task comes back
// within 15 minutes to ask again.
func (b *booking) place(from, now time.Time, rate float64) time.Time {
	furthest := now.Add(maxBooking)
	at := latest(b.until, from)
	if at.After(furthest) {
		spread := time.Duration(rand.Float64() * float64(maxBooking/bookingSpread))
		return latest(furthest.Add(-spread), from)
	}
	b.until = at.Add(time.Duration(float64(time.Second) / rate))
	return at
}

// pace holds requests to a rate limit.
type pace struct {
	// next is when the next request may start if none runs ahead.
	next time.Time
}

// wait is how long it takes until the n-th request from now may start; 0 also
// without a limit.
func (p *pace) wait(n, rate int, now time.Time) time.Duration {
	if rate <= 0 {
		return 0
	}
	at := latest(p.next, now).Add(time.Duration(n-1) * time.Second / time.Duration(rate))
	return max(0, at.Sub(now)-rateBurst)
}

// take counts a request that starts now.
func (p *pace) take(rate int, now time.Time) {
	if rate > 0 {
		p.next = latest(p.next, now).Add(time.Second / time.Duration(rate))
	}
}

// drain measures how fast a lane empties while more waits in it.
type drain struct {
	since time.Time
	count int
	// rate per second; 0: not measured yet.
	rate float64
}

// finished counts a delivery; busy says whether more waits.
func (d *drain) finished(busy bool, now time.Time) {
	switch span := now.Sub(d.since); {
	case !busy:
		d.since = time.Time{}
	case d.since.IsZero():
		d.since, d.count = now, 0
	case span < drainWindow:
		d.count++
	default:
		rate := float64(d.count+1) / span.Seconds()
		if d.rate > 0 {
			rate = (d.rate + rate) / 2
		}
		d.rate, d.since, d.count = rate, now, 0
	}
}
