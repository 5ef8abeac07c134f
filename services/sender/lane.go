package sender

import (
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
	// smoothing is the weight of the newest duration in the average.
	smoothing = 0.2
)

// verdict is what a finished task says about its receiver.
type verdict int

const (
	untried verdict = iota
	succeeded
	failed
	// overloaded: away or overloaded, so that fewer requests at a time may help.
	overloaded
)

// lane is the queue and the concurrency of one webhook, so that a slow receiver
// keeps nobody waiting but itself.
type lane struct {
	mu       sync.Mutex
	due      []*task // from the tiers: these go first
	fresh    []*task
	started  map[*task]time.Time
	limit    float64
	measured bool
	average  time.Duration // of a request, once measured
	lastUsed time.Time
}

func newLane() *lane {
	return &lane{started: map[*task]time.Time{}, limit: startLimit}
}

// offer takes a task in, to be started at once (start) or when its turn comes.
// It refuses one that would have to wait too long: ok is false, and wait is how
// long the tasks before it will take. room is the number of tasks that the
// whole sender could still hold.
func (l *lane) offer(t *task, ceiling, room int, now time.Time) (start, ok bool, wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lastUsed = now
	limit := l.effective(ceiling)
	if len(l.started) < limit {
		l.started[t] = now
		return true, true, 0
	}
	queued := len(l.due) + len(l.fresh)
	wait = l.wait(queued+1, limit, now)
	if wait > fullWait || !l.measured && queued >= room/8 {
		return false, false, max(wait, fullWait)
	}
	if t.step > 0 {
		l.due = append(l.due, t)
	} else {
		l.fresh = append(l.fresh, t)
	}
	return false, true, wait
}

// overdue empties the queue of a lane whose receiver began to hang after it was
// filled, so that it does not hold what others could use. wait is how long the
// receiver would have taken.
func (l *lane) overdue(ceiling int, now time.Time) (tasks []*task, wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	queued := len(l.due) + len(l.fresh)
	if queued == 0 {
		return nil, 0
	}
	wait = l.wait(queued, l.effective(ceiling), now)
	if wait <= 2*fullWait {
		return nil, 0
	}
	return l.empty(), wait
}

// wait is how long the last of so many takes to be started.
func (l *lane) wait(queued, limit int, now time.Time) time.Duration {
	return time.Duration(float64(queued) / float64(limit) * float64(l.service(now)))
}

// service is the expected duration of a request: the average, or the age of the
// oldest one under way if that is more, so that a receiver which hangs is
// noticed before its first timeout.
func (l *lane) service(now time.Time) time.Duration {
	expected := l.average
	for _, at := range l.started {
		expected = max(expected, now.Sub(at))
	}
	return expected
}

func (l *lane) effective(ceiling int) int {
	if ceiling <= 0 {
		ceiling = maxLimit
	}
	return max(1, min(int(l.limit), ceiling))
}

// finish notes how a started task went and returns those to be started next.
func (l *lane) finish(t *task, went verdict, ceiling int, now time.Time) []*task {
	l.mu.Lock()
	defer l.mu.Unlock()
	if at, ok := l.started[t]; ok && went != untried {
		took := now.Sub(at)
		if !l.measured {
			l.average, l.measured = took, true
		}
		l.average += time.Duration(smoothing * float64(took-l.average))
	}
	delete(l.started, t)
	switch went {
	case succeeded:
		l.limit = min(l.limit+1, maxLimit)
	case overloaded:
		l.limit = max(l.limit/2, 1)
	}
	l.lastUsed = now
	var next []*task
	for len(l.started) < l.effective(ceiling) {
		n := l.pop()
		if n == nil {
			break
		}
		l.started[n] = now
		next = append(next, n)
	}
	return next
}

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
	queued := append(l.due, l.fresh...)
	l.due, l.fresh = nil, nil
	return queued
}

// idle reports whether nothing has happened since the given time.
func (l *lane) idle(since time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.started) == 0 && len(l.due)+len(l.fresh) == 0 && l.lastUsed.Before(since)
}
