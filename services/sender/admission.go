package sender

import (
	"time"
)

// verdict is what a finished task says about its receiver.
type verdict int

const (
	// untried: there was no request.
	untried verdict = iota
	succeeded
	// failed: it is there, but did not take the delivery.
	failed
	// away or overloaded, so that fewer requests at a time may help.
	away
)

// trust is what a lane may hold.
type trust int

const (
	// unknown: never tried. One request, and a short queue behind it.
	unknown trust = iota
	// suspect: no recent success. One request, no queue.
	suspect
	// proven: the last requests went well.
	proven
)

// String is the trust's name, as metrics have it.
func (t trust) String() string { return [...]string{"unknown", "suspect", "proven"}[t] }

// admission is what a lane does with a task.
type admission int

const (
	// started: to be tried now.
	started admission = iota
	// queued: it is tried in its turn.
	queued
	// full: to be parked until the place that was booked.
	full
	// crowded: full, but it makes room faster than the task could be parked; see
	// crowd.
	crowded
	// retired: the lane is no more, the webhook has another.
	retired
	// closed: the sender stops; its next owner reads the task again.
	closed
)

// cause is why a task is parked untried; a label of a metric.
type cause string

const (
	causeFull    cause = "full"        // the lane's queue is as long as it may be
	causeProbing cause = "probing"     // no recent success, and one request under way
	causeRate    cause = "rate"        // the webhook's rate limit
	causeOpen    cause = "open"        // the breaker is open
	causeAsked   cause = "retry_after" // the receiver asked for it
	causeQuota   cause = "quota"       // the account's quota
	causeUnseen  cause = "unseen"      // the webhook is not in the snapshot yet
	causeUnread  cause = "unread"      // the payload cannot be read just now
	causeSecret  cause = "secret"      // no key opens the webhook's secrets
	causeOrder   cause = "order"       // an earlier change of the same item goes first
	causeLocal   cause = "local"       // this machine lacks a descriptor, a port or memory
)

// early is how much before its place a task may come back: its lane lets it wait
// that long, and a walk down the tiers needs no hop for the rest.
const early = fullWait * 3 / 2

// parked is a task with the place that was booked for it.
type parked struct {
	*task
	due   time.Time
	cause cause
	// kept says that the task had the place before, and only came too early.
	kept bool
}

// notBefore is when a task may come back that is parked until a time. Places are
// estimates, so a walk of minutes may end a tenth early, to keep a lane busy that
// drains faster; the other causes name a time at which things change.
func notBefore(due time.Time, why cause, now time.Time) time.Time {
	switch why {
	case causeFull, causeProbing, causeRate, causeOrder:
		return due.Add(-max(early, due.Sub(now)/10))
	case causeOpen, causeAsked, causeQuota, causeUnseen, causeUnread, causeSecret, causeLocal:
	}
	return due
}

// bounds are what a webhook's settings say about its lane.
type bounds struct {
	concurrency int // 0: the lane's choice
	rate        int // a second; 0: none
}

// offer takes a task in, unless it would have to wait too long; it is then to
// be parked until the place that is returned, or if whoever offers it is patient
// and the lane is quick, to be offered again when there is room.
func (l *lane) offer(t *task, b bounds, patient bool, now time.Time) (what admission, p parked) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.dead:
		return retired, p
	case l.closing:
		return closed, p
	}
	l.lastUsed, l.bounds = now, b
	if until, why := l.shut(now); why != "" {
		return full, l.book(t, until, why, now)
	}
	if l.queued() == 0 && l.may(now) && l.start(t, nil, now) {
		return started, p
	}
	wait, why := l.room(t, now)
	if why == causeFull && patient && t.step == 0 && l.crowd.worth(l.drain.rate, now) {
		return crowded, p
	}
	if why != "" {
		return full, l.book(t, now.Add(max(wait, fullWait)), why, now)
	}
	t.queued = now
	if t.step > 0 {
		l.due = append(l.due, t)
	} else {
		l.fresh = append(l.fresh, t)
	}
	l.goOn(now)
	return queued, p
}

// room says why a task cannot be queued, "" if it can, and how long it would
// have to wait.
func (l *lane) room(t *task, now time.Time) (wait time.Duration, why cause) {
	switch {
	case l.trust == suspect || l.hangs(now):
		return 0, causeProbing
	case l.trust == unknown:
		if l.queued() >= maxUnknown || l.running.Len() == 0 || !l.turns.probe(weight(t)) {
			return 0, causeProbing
		}
		t.probing = true
		return 0, ""
	}
	wait, why = l.wait(l.queued()+1, now)
	limit := fullWait
	if t.step > 0 {
		// It has waited for its place, and places are not exact.
		limit = 2 * fullWait
	}
	if wait > limit {
		return wait, why
	}
	return wait, ""
}

// shut says why nothing may be started, "" if it may, and until when.
func (l *lane) shut(now time.Time) (until time.Time, why cause) {
	if state, until := l.breaker.state(); state == circuitOpen {
		return latest(until, l.heldUntil), causeOpen
	}
	if l.heldUntil.After(now) {
		return l.heldUntil, causeAsked
	}
	return time.Time{}, ""
}

// book reserves a place for a task from a time on. One that came before its place
// and finds no room keeps that: all that comes early at a time would else lose it,
// to a place behind all others, and the lane would have nothing to do meanwhile.
func (l *lane) book(t *task, from time.Time, why cause, now time.Time) parked {
	ahead := why == causeFull || why == causeRate || !t.since.Before(from)
	if t.booked && ahead && t.since.After(now.Add(early)) {
		return parked{task: t, due: t.since, cause: why, kept: true}
	}
	return parked{task: t, due: l.booking.place(from, now, l.rate(now)), cause: why}
}

// well reports whether the receiver takes what it gets, as far as is known.
func (l *lane) well(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, why := l.shut(now)
	return why == "" && l.trust != suspect && !l.hangs(now)
}

// reserve books a place from a time on for a task that is parked untried.
func (l *lane) reserve(from, now time.Time) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.booking.place(from, now, l.rate(now))
}
