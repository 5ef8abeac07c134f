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
	// maxUnknown is what may queue in a lane while its first request is under way,
	// so that a small burst for a new webhook need not go through a tier.
	maxUnknown = 16
	// distrust is how many failures in a row undo what successes said.
	distrust = 8
)

// lane is the queue, the concurrency, the rate and the breaker of one webhook,
// so that a slow receiver keeps nobody waiting but itself.
type lane struct {
	account string
	breaker *breaker
	turns   *turns
	// waiting for its turn; belongs to turns.
	waiting bool

	mu      sync.Mutex
	due     []*task // from the tiers: these go first
	fresh   []*task
	running *list.List // of running, the oldest first
	bounds  bounds
	limit   float64
	trust   trust
	// failures in a row, and when the last success and the last failure came.
	failures int
	success  time.Time
	failure  time.Time
	// good is what the lane could take a second at the last success: what it does not
	// take while its receiver is away says nothing about what it takes afterwards.
	good     float64
	measured bool
	average  time.Duration // of a request, once measured
	// heldUntil is what the receiver asked for by Retry-After.
	heldUntil time.Time
	pace      pace
	drain     drain
	booking   booking
	crowd     crowd
	volleys   volleys
	wakeUp    *time.Timer // for when the rate allows the next
	lastUsed  time.Time
	dead      bool
	closing   bool
}

// running is a task that was started.
type running struct {
	task *task
	at   time.Time
	// tell is to be called with how it went; see breaker.allow.
	tell func(verdict) int
	// slot is nil for a probe.
	slot *slot
}

func newLane(account string, b *breaker, t *turns) *lane {
	return &lane{account: account, breaker: b, turns: t, running: list.New(), limit: startLimit, volleys: newVolleys(time.Now())}
}

// finish notes how a started task went. It returns the task to be started next,
// if that needs no turn, and those to be parked because the receiver turned out
// to be away.
func (l *lane) finish(t *task, went verdict, retryAfter time.Duration, now time.Time) (next *task, park []parked) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lastUsed = now
	r := l.end(t)
	l.volleys.ends(t, went, r.tell(went))
	l.judge(r, went, now)
	if until := now.Add(retryAfter); retryAfter > 0 && until.After(l.heldUntil) {
		l.heldUntil = until
	}
	if l.queued() == 0 {
		return nil, nil
	}
	if until, why := l.shut(now); why != "" {
		return nil, l.empty(until, why, now)
	}
	switch {
	case l.trust == proven:
		l.goOn(now)
	case l.trust == unknown && l.running.Len() == 0:
		// The first one was not tried after all.
		if next = l.pop(); !l.start(next, nil, now) {
			return nil, append(l.empty(now.Add(fullWait), causeProbing, now), l.book(next, now.Add(fullWait), causeProbing, now))
		}
	case l.trust == suspect:
		return nil, l.empty(now.Add(fullWait), causeProbing, now)
	}
	return next, nil
}

// judge learns from an answer.
func (l *lane) judge(r *running, went verdict, now time.Time) {
	if went == untried {
		return
	}
	took := now.Sub(r.at)
	if !l.measured {
		l.average, l.measured = took, true
	}
	l.average += time.Duration(smoothing * float64(took-l.average))
	if went == succeeded {
		l.limit = min(l.limit+1, maxLimit)
		l.trust, l.failures, l.success = proven, 0, now
		l.good = min(maxGuess, float64(l.effective())/max(l.average, time.Millisecond).Seconds())
		l.drain.finished(l.queued() > 0, now)
		return
	}
	l.failures, l.failure = l.failures+1, now
	if went == away {
		l.limit = max(l.limit/2, 1)
	}
	if l.trust == unknown || l.failures >= distrust {
		l.trust = suspect
	}
}

// next starts the next task with a slot, nil if there is none to start; more
// says whether another could be started at once.
func (l *lane) next(s *slot, now time.Time) (t *task, more bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, why := l.shut(now); why != "" || l.trust != proven || l.queued() == 0 || !l.may(now) {
		return nil, false
	}
	t = l.pop()
	if !l.start(t, s, now) {
		l.due = append([]*task{t}, l.due...) // the breaker's probe is under way
		return nil, false
	}
	if l.queued() > 0 && !l.may(now) {
		l.goOn(now)
		return t, false
	}
	return t, l.queued() > 0
}

// goOn makes sure that what is queued is started as soon as it may be: now in
// its turn, when the rate allows, or when a request ends.
func (l *lane) goOn(now time.Time) {
	switch {
	case l.trust != proven || l.running.Len() >= l.effective() || l.hangs(now):
	case l.may(now):
		l.turns.enter(l)
	default:
		wait := l.pace.wait(1, l.bounds.rate, now)
		if l.wakeUp == nil {
			l.wakeUp = time.AfterFunc(wait, l.wake)
			return
		}
		l.wakeUp.Reset(wait)
	}
}

// wake goes on after the rate held it up.
func (l *lane) wake() {
	l.mu.Lock()
	if now := time.Now(); l.queued() > 0 && !l.dead {
		l.goOn(now)
	}
	l.mu.Unlock()
	l.turns.wake()
}

// may reports whether one more request may be started.
func (l *lane) may(now time.Time) bool {
	limit := l.effective()
	if l.trust != proven || l.hangs(now) {
		limit = 1
	}
	return l.running.Len() < limit && l.pace.wait(1, l.bounds.rate, now) == 0
}

// start asks for what a request needs, and counts the task as running. A lane
// that is proven needs a slot, any other a part of what probes may hold.
func (l *lane) start(t *task, s *slot, now time.Time) bool {
	given := s != nil
	switch {
	case l.trust != proven:
		if !t.probing && !l.turns.probe(weight(t)) {
			return false
		}
		t.probing = true
	case !given:
		var ok bool
		if s, ok = l.turns.take(now); !ok {
			return false
		}
	}
	tell, ok := l.breaker.allow()
	if !ok {
		l.letGo(t)
		if s != nil && !given {
			l.turns.give(s)
		}
		return false
	}
	if s != nil {
		l.letGo(t)
	}
	l.pace.take(l.bounds.rate, now)
	l.volleys.begins(t)
	t.lane = l
	t.running = l.running.PushBack(&running{task: t, at: now, tell: tell, slot: s})
	return true
}

// letGo gives back what a task took of the probes' part.
func (l *lane) letGo(t *task) {
	if t.probing {
		t.probing = false
		l.turns.probed(weight(t))
	}
}

// end takes a task out of those that are running.
func (l *lane) end(t *task) *running {
	r := runningOf(t.running)
	l.running.Remove(t.running)
	t.running = nil
	l.letGo(t)
	if r.slot != nil {
		l.turns.give(r.slot)
	}
	return r
}

// runningOf is what an element of the list is.
func runningOf(e *list.Element) *running {
	r, _ := e.Value.(*running) // nothing else is in the list
	return r
}

// rate is what the lane is expected to drain at, a second.
func (l *lane) rate(now time.Time) float64 {
	rate := l.drain.rate
	switch {
	case rate > 0 && now.Sub(l.failure) > blameless:
		// A busy sender drains a lane slowly, whatever its receiver takes.
		rate = max(optimism*rate, l.good)
	case rate > 0:
		rate *= optimism
	case l.trust == unknown:
		rate = unknownRate
	case l.success.IsZero():
		rate = failingRate
	default:
		rate = l.good
	}
	if l.bounds.rate > 0 {
		rate = min(rate, float64(l.bounds.rate))
	}
	return max(rate, 1)
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
	if l.hangs(now) {
		return l.empty(now.Add(fullWait), causeProbing, now)
	}
	wait, why := l.wait(waiting, now)
	if wait > 3*fullWait {
		return l.empty(now.Add(wait), why, now)
	}
	// Those that come back at their places may leave fresh ones no turn.
	for len(l.fresh) > 0 && now.Sub(l.fresh[0].queued) > 2*fullWait {
		t := l.fresh[0]
		l.fresh[0] = nil
		l.fresh = l.fresh[1:]
		l.letGo(t)
		park = append(park, l.book(t, now.Add(fullWait), why, now))
	}
	l.crowd.shrinks(l.queued())
	return park
}

// hangs reports whether the receiver seems to hang: its oldest request is far
// older than usual, and nothing has gone well since that one began.
func (l *lane) hangs(now time.Time) bool {
	front := l.running.Front()
	if front == nil {
		return false
	}
	oldest := runningOf(front).at
	return now.Sub(oldest) > 4*l.average+hangAge && l.success.Before(oldest)
}

// wait is how long the last of so many takes to be started, and why.
func (l *lane) wait(waiting int, now time.Time) (time.Duration, cause) {
	byRate := l.pace.wait(waiting, l.bounds.rate, now)
	wait := time.Duration(float64(waiting) / float64(l.effective()) * float64(l.service(now)))
	if byRate > wait {
		return byRate, causeRate
	}
	return wait, causeFull
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
	ceiling := l.bounds.concurrency
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
			l.crowd.shrinks(l.queued())
			return t
		}
	}
	return nil
}

// close ends the queue and returns what was in it; requests under way go on.
func (l *lane) close() []*task {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closing = true
	return l.unqueue()
}

// empty parks the whole queue from a time on.
func (l *lane) empty(from time.Time, why cause, now time.Time) (park []parked) {
	for _, t := range l.unqueue() {
		park = append(park, l.book(t, from, why, now))
	}
	return park
}

func (l *lane) unqueue() []*task {
	waiting := append(l.due, l.fresh...)
	l.due, l.fresh = nil, nil
	l.crowd.shrinks(0)
	for _, t := range waiting {
		l.letGo(t)
	}
	return waiting
}

// retire ends a lane in which nothing has happened since the given time.
func (l *lane) retire(since time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dead = l.running.Len() == 0 && l.queued() == 0 && l.lastUsed.Before(since) && l.booking.until.Before(since) && l.heldUntil.Before(since)
	return l.dead
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
