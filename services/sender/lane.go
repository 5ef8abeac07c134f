package sender

import (
	"container/list"
	"sync"
	"time"
)

const (
	// fullWait is the expected wait at which a lane is full (DESIGN.md, rule 2).
	fullWait = time.Second
	// startLimit and maxLimit bound the requests at a time of a lane whose
	// webhook sets no concurrency: it starts careful and doubles with each
	// round of successes.
	startLimit = 8
	maxLimit   = 128
	// hangAge is the age of a request, beyond four times the average, at which its
	// receiver seems to hang.
	hangAge = 200 * time.Millisecond
	// smoothing is the weight of the newest duration in the average.
	smoothing = 0.2
	// maxBooking is how far ahead a place is booked at most, so that a receiver
	// that came back is noticed (DESIGN.md, rule 4).
	maxBooking = 15 * time.Minute
	// unknownRate is what a lane that never had a success is booked at, a second.
	unknownRate = 10.0
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

// admission is what a lane does with a task.
type admission int

const (
	// started: to be tried now.
	started admission = iota
	// queued: finish will return it when its turn comes.
	queued
	// full: to be parked until the time that was booked.
	full
	// retired: the lane is no more, the webhook has another.
	retired
)

// parked is a task with the place that was booked for it.
type parked struct {
	*task
	due time.Time
}

// lane is the queue, the concurrency and the breaker of one webhook, so that a
// slow receiver keeps nobody waiting but itself.
type lane struct {
	breaker *breaker

	mu      sync.Mutex
	due     []*task // from the tiers: these go first
	fresh   []*task
	running *list.List // of running, the oldest first
	limit   float64
	// ceiling is the webhook's own concurrency; 0: none.
	ceiling  int
	measured bool
	average  time.Duration // of a request, once measured
	// heldUntil is what the receiver asked for by Retry-After.
	heldUntil time.Time
	// booked is when the last place that was booked is; good the rate, a second,
	// at which the lane drained while all was well.
	booked   time.Time
	good     float64
	lastUsed time.Time
	dead     bool
}

// running is a task that was started.
type running struct {
	task *task
	at   time.Time
	// tell is to be called with how it went.
	tell func(verdict)
}

func newLane(b *breaker) *lane {
	return &lane{breaker: b, running: list.New(), limit: startLimit}
}

// offer takes a task in, unless it would have to wait too long; it is then to
// be parked until due. ceiling is the webhook's own concurrency, room the number
// of tasks that the whole sender could still hold.
func (l *lane) offer(t *task, ceiling, room int, now time.Time) (what admission, due time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return retired, time.Time{}
	}
	l.lastUsed, l.ceiling = now, ceiling
	if until, shut := l.shut(now); shut {
		return full, l.book(until, now)
	}
	if l.running.Len() < l.effective() && l.queued() == 0 {
		if !l.start(t, now) {
			return full, l.book(now.Add(fullWait), now)
		}
		return started, time.Time{}
	}
	wait := l.wait(l.queued()+1, now)
	if wait > fullWait || !l.measured && l.queued() >= room/8 {
		return full, l.book(now.Add(max(wait, fullWait)), now)
	}
	if t.step > 0 {
		l.due = append(l.due, t)
	} else {
		l.fresh = append(l.fresh, t)
	}
	return queued, time.Time{}
}

// finish notes how a started task went. It returns the tasks to be started next,
// and those to be parked because the receiver turned out to be away.
func (l *lane) finish(t *task, went verdict, retryAfter time.Duration, now time.Time) (next []*task, park []parked) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lastUsed = now
	r := l.take(t)
	r.tell(went)
	if went != untried {
		took := now.Sub(r.at)
		if !l.measured {
			l.average, l.measured = took, true
		}
		l.average += time.Duration(smoothing * float64(took-l.average))
	}
	switch went {
	case succeeded:
		l.limit = min(l.limit+1, maxLimit)
		l.good = float64(l.effective()) / max(l.average, time.Microsecond).Seconds()
	case away:
		l.limit = max(l.limit/2, 1)
	}
	if until := now.Add(retryAfter); retryAfter > 0 && until.After(l.heldUntil) {
		l.heldUntil = until
	}
	if until, shut := l.shut(now); shut {
		for _, t := range l.empty() {
			park = append(park, parked{t, l.book(until, now)})
		}
		return nil, park
	}
	for l.running.Len() < l.effective() {
		n := l.pop()
		if n == nil {
			break
		}
		if !l.start(n, now) {
			park = append(park, parked{n, l.book(now.Add(fullWait), now)})
			continue
		}
		next = append(next, n)
	}
	return next, park
}

// start asks the breaker and counts the task as running.
func (l *lane) start(t *task, now time.Time) bool {
	tell, ok := l.breaker.allow()
	if !ok {
		return false
	}
	t.running = l.running.PushBack(&running{task: t, at: now, tell: tell})
	return true
}

// take ends a running task.
func (l *lane) take(t *task) *running {
	e := t.running
	t.running = nil
	l.running.Remove(e)
	return runningOf(e)
}

// runningOf is what an element of the list is.
func runningOf(e *list.Element) *running {
	r, _ := e.Value.(*running) // nothing else is in the list
	return r
}

// shut reports whether nothing may be started, and until when.
func (l *lane) shut(now time.Time) (until time.Time, shut bool) {
	if state, until := l.breaker.state(); state == circuitOpen {
		return latest(until, l.heldUntil), true
	}
	return l.heldUntil, l.heldUntil.After(now)
}

// book reserves the first place from a time on that nobody has: places lie apart
// as the lane drained while all was well, so that a backlog comes back at the
// pace at which it can be served.
func (l *lane) book(from, now time.Time) time.Time {
	rate := l.good
	if rate == 0 {
		rate = unknownRate
	}
	at := latest(l.booked, from)
	l.booked = at.Add(time.Duration(float64(time.Second) / rate))
	if furthest := now.Add(maxBooking); at.After(furthest) {
		return furthest
	}
	return at
}

// overdue empties the queue of a lane whose receiver began to hang after it was
// filled, so that it does not hold what others could use.
func (l *lane) overdue(now time.Time) (park []parked) {
	l.mu.Lock()
	defer l.mu.Unlock()
	waiting := l.queued()
	if waiting == 0 {
		return nil
	}
	wait := l.wait(waiting, now)
	if wait <= 2*fullWait {
		return nil
	}
	for _, t := range l.empty() {
		park = append(park, parked{t, l.book(now.Add(wait), now)})
	}
	return park
}

// wait is how long the last of so many takes to be started.
func (l *lane) wait(waiting int, now time.Time) time.Duration {
	return time.Duration(float64(waiting) / float64(l.effective()) * float64(l.service(now)))
}

// service is the expected duration of a request: the average, or the age of the
// oldest one under way if that is far more, so that a receiver which hangs is
// noticed before its first timeout, and a pause of our own is not taken for one.
func (l *lane) service(now time.Time) time.Duration {
	oldest := time.Duration(0)
	if front := l.running.Front(); front != nil {
		oldest = now.Sub(runningOf(front).at)
	}
	if l.measured && oldest < 4*l.average+hangAge {
		return l.average
	}
	return max(oldest, l.average)
}

func (l *lane) effective() int {
	ceiling := l.ceiling
	if ceiling <= 0 {
		ceiling = maxLimit
	}
	return max(1, min(int(l.limit), ceiling))
}

func (l *lane) queued() int { return len(l.due) + len(l.fresh) }

func (l *lane) pop() *task {
	for _, queue := range []*[]*task{&l.due, &l.fresh} {
		if len(*queue) > 0 {
			t := (*queue)[0]
			(*queue)[0] = nil
			*queue = (*queue)[1:]
			return t
		}
	}
	return nil
}

// drain empties the queue and returns what was in it.
func (l *lane) drain() []*task {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.empty()
}

func (l *lane) empty() []*task {
	waiting := append(l.due, l.fresh...)
	l.due, l.fresh = nil, nil
	return waiting
}

// retire ends a lane in which nothing has happened since the given time.
func (l *lane) retire(since time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dead = l.running.Len() == 0 && l.queued() == 0 && l.lastUsed.Before(since) && l.booked.Before(since)
	return l.dead
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
