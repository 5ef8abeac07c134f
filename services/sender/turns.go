package sender

import (
	"container/list"
	"runtime"
	"sync"
	"time"
)

const (
	// slotsOfACore is how many requests may be young at a time, for each core. It bounds
	// what the process works on at once, so that an account with many webhooks is not
	// 1,000 times as present as one with one; with far more of them each costs a tenth
	// more here and at its receiver (`bench throughput` with 100 accounts).
	slotsOfACore = 32
	// slotSpan is the age at which a request is no longer young: it waits for its
	// receiver and costs nothing. So slots never limit a sender to less than 6,400
	// requests a second and core, however slow its receivers are.
	slotSpan = 5 * time.Millisecond
	// quantum is what an account may start in a round, in weights of tasks.
	quantum = 4
	// maxProbing is what lanes without a recent success may hold together, as
	// weights: a quarter of the budget (DESIGN.md, rule 2).
	maxProbing = maxInFlight / 4
)

// turns hands out the slots for requests. While there are enough each lane takes
// what it wants; else accounts take turns (deficit round robin), and the lanes
// of an account among themselves. It is safe for concurrent use; a lane's lock
// may be held when it is called, and never is when it calls.
type turns struct {
	// wake is called when slots are free again although no request ended.
	wake func()
	now  func() time.Time

	mu       sync.Mutex
	free     int
	held     *list.List // of slots, the oldest first
	accounts map[string]*turn
	round    *list.List // of turns, the next first
	ready    int        // lanes that wait
	timer    *time.Timer
	probing  int64
}

// turn is an account whose lanes wait.
type turn struct {
	account string
	place   *list.Element
	deficit int64
	lanes   []*lane
	// picked is how many of its lanes were picked and not charged yet.
	picked int
}

// slot is the right to one young request. A slot that is no longer in the list
// was handed on.
type slot struct {
	at    time.Time
	place *list.Element
}

func newTurns(wake func(), now func() time.Time) *turns {
	return &turns{wake: wake, now: now, free: slotsOfACore * runtime.GOMAXPROCS(0), held: list.New(), accounts: map[string]*turn{}, round: list.New()}
}

// take gives a slot at once, unless others wait for one.
func (t *turns) take(now time.Time) (*slot, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ready > 0 || !t.room(now) {
		return nil, false
	}
	return t.hold(now), true
}

// give returns a slot.
func (t *turns) give(s *slot) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s.place != nil {
		t.held.Remove(s.place)
		s.place = nil
		t.free++
	}
}

// room reports whether a slot is free, having taken one from a request that is
// no longer young if need be.
func (t *turns) room(now time.Time) bool {
	if t.free > 0 {
		return true
	}
	front := t.held.Front()
	oldest, _ := front.Value.(*slot) // nothing else is in the list
	if age := now.Sub(oldest.at); age < slotSpan {
		t.wakeIn(slotSpan - age)
		return false
	}
	t.held.Remove(front)
	oldest.place = nil
	t.free++
	return true
}

func (t *turns) wakeIn(d time.Duration) {
	if t.timer == nil {
		t.timer = time.AfterFunc(d, t.wake)
		return
	}
	t.timer.Reset(d)
}

func (t *turns) hold(now time.Time) *slot {
	s := &slot{at: now}
	s.place = t.held.PushBack(s)
	t.free--
	return s
}

// enter lets a lane wait for a slot; one that waits already goes on waiting.
func (t *turns) enter(l *lane) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l.waiting {
		return
	}
	l.waiting = true
	a := t.accounts[l.account]
	if a == nil {
		a = &turn{account: l.account}
		a.place = t.round.PushBack(a)
		t.accounts[l.account] = a
	}
	a.lanes = append(a.lanes, l)
	t.ready++
}

// pick gives a slot to the lane whose turn it is; nil if there is no slot or no
// lane. Tell charge what came of it.
func (t *turns) pick(now time.Time) (*lane, *slot) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ready == 0 || !t.room(now) {
		return nil, nil
	}
	for e := t.round.Front(); ; e = t.round.Front() {
		a, _ := e.Value.(*turn) // nothing else is in the list
		if len(a.lanes) == 0 || a.deficit <= 0 {
			if len(a.lanes) > 0 {
				a.deficit += quantum
			}
			t.round.MoveToBack(e)
			continue
		}
		l := a.lanes[0]
		a.lanes[0] = nil
		a.lanes = a.lanes[1:]
		a.picked++
		a.deficit--
		l.waiting = false
		t.ready--
		return l, t.hold(now)
	}
}

// charge notes the weight of what a picked lane started, 0 for nothing; its
// account keeps its place while it has more.
func (t *turns) charge(l *lane, weight int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	a := t.accounts[l.account]
	a.picked--
	a.deficit -= weight - 1 // one was taken when it was picked
	if a.picked == 0 && len(a.lanes) == 0 {
		t.round.Remove(a.place)
		delete(t.accounts, l.account)
	}
}

// probe takes from what lanes without a recent success may hold.
func (t *turns) probe(weight int64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.probing+weight > maxProbing && t.probing > 0 {
		return false
	}
	t.probing += weight
	return true
}

func (t *turns) probed(weight int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.probing -= weight
}

// next returns the task whose turn it is, if there is a slot for it.
func (t *turns) next() *task {
	for {
		now := t.now()
		l, s := t.pick(now)
		if l == nil {
			return nil
		}
		next, more := l.next(s, now)
		if next == nil {
			t.give(s)
			t.charge(l, 0)
			continue
		}
		if more {
			t.enter(l)
		}
		t.charge(l, weight(next))
		return next
	}
}
