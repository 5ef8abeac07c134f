package sender

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/quarantine"
	"github.com/staffetta/staffetta/pkg/retry"
)

const (
	// laneIdle is how long an unused lane is kept: what it learned about its
	// receiver is stale by then.
	laneIdle = 10 * time.Minute
	// sweepInterval is how soon a lane whose receiver hangs is noticed.
	sweepInterval = 500 * time.Millisecond
)

var (
	errMoved    = errors.New("the partition has moved to another sender")
	errStopping = errors.New("the sender is stopping")
	errHung     = errors.New("the partition hung and begins anew")
)

// owner works on partition p of deliveries and of every tier. It lives from the
// assignment that brings the partition to the one that takes it away.
type owner struct {
	service   *Service
	partition int
	trackers  map[string]*bus.Tracker
	// committed belongs to whoever commits: what was committed last.
	committed map[string]bus.Committed
	memory    *memory
	// past is what owners before did; nil once it no longer matters. ends are
	// where this owner's own writes end; nil until the past is known.
	past   atomic.Pointer[past]
	ends   *ends
	places map[string]time.Time
	// lags follow what is written and not acknowledged, by topic.
	lags   map[string]*lag
	handed handed
	// reading is held while the owner's partitions are added or removed.
	reading sync.Mutex
	// excused is when the owner last waited for Kafka for long, Unix nanoseconds.
	excused atomic.Int64
	// hangs is set once the owner is to be replaced.
	hangs atomic.Bool
	// known is closed when the past is known.
	known chan struct{}

	ctx     context.Context // ends when the partition is given up
	giveUp  context.CancelCauseFunc
	intake  context.Context // ends when nothing more may be taken
	stop    context.CancelFunc
	stopped chan struct{}

	inbox *inbox
	tiers []*queue // of run alone

	mu    sync.Mutex
	lanes map[string]*lane
}

func newOwner(s *Service, partition int, committed map[string]bus.Committed) *owner {
	o := &owner{
		service:   s,
		partition: partition,
		trackers:  map[string]*bus.Tracker{},
		committed: committed,
		memory:    newMemory(),
		known:     make(chan struct{}),
		stopped:   make(chan struct{}),
		inbox:     newInbox(s.fetcher, partition),
		lanes:     map[string]*lane{},
		lags:      map[string]*lag{},
	}
	o.ctx, o.giveUp = context.WithCancelCause(context.Background())
	o.intake, o.stop = context.WithCancel(o.ctx)
	for topic, at := range committed {
		o.trackers[topic] = bus.NewTracker(at.Offset)
	}
	for _, topic := range append([]string{bus.Quarantine, bus.Deliveries}, written...) {
		o.lags[topic] = &lag{}
	}
	for _, tier := range retry.Tiers {
		o.tiers = append(o.tiers, &queue{tier: tier})
	}
	return o
}

// committedIs reports whether the group's offsets are still those that this
// owner committed: then nobody else had the partition meanwhile.
func (o *owner) committedIs(a *bus.Assignment) bool {
	for topic, own := range o.committed {
		// The note changes also where no offset moves.
		if now := a.Committed(topic, o.partition); now.Offset != own.Offset || now.Metadata != own.Metadata {
			return false
		}
	}
	return true
}

// begin starts the owner's work, once the one before it in this process, if any,
// takes nothing in any more: it might pause what this one reads. at are the ends
// of the topics.
func (o *owner) begin(at *logEnds, before *owner) {
	go o.sweep()
	go func() {
		if before != nil {
			waiting, cancel := context.WithTimeout(o.intake, oldPatience)
			defer cancel()
			select {
			case <-before.stopped:
			case <-waiting.Done():
			}
		}
		o.reading.Lock()
		if o.intake.Err() == nil {
			for topic, tracker := range o.trackers {
				o.service.fetcher.AddSince(topic, o.partition, tracker.Watermark(), o.committed[topic].At)
			}
		}
		o.reading.Unlock()
		o.run(at)
	}()
}

// abandon gives the partition up: what is queued is dropped, since the next
// owner reads it again; requests under way end by themselves, and their answers
// still go to attempts. It does not wait.
func (o *owner) abandon(why error) {
	o.giveUp(why)
	go func() {
		<-o.stopped
		o.closeLanes()
	}()
}

// closeLanes drops what is queued.
func (o *owner) closeLanes() {
	for _, l := range o.allLanes() {
		for _, t := range l.close() {
			o.drop(t)
		}
	}
}

func (o *owner) allLanes() map[string]*lane {
	o.mu.Lock()
	defer o.mu.Unlock()
	return maps.Clone(o.lanes)
}

// drop lets go of a task whose partition has moved.
func (o *owner) drop(t *task) {
	if !t.over.CompareAndSwap(false, true) {
		return
	}
	o.memory.forget(t.identity)
	o.release(t)
}

// release gives back what a task took of the budget.
func (o *owner) release(t *task) {
	if t.charged {
		t.charged = false
		o.service.budget.give(t)
	}
}

// run takes in what is fetched and what becomes due, until the intake ends. It
// begins with what owners before have done.
func (o *owner) run(at *logEnds) {
	defer close(o.stopped)
	if err := o.recall(o.intake, at); err != nil {
		return // the intake has ended
	}
	close(o.known)
	due := time.NewTimer(time.Hour)
	defer due.Stop()
	for {
		now := time.Now()
		o.pastIsOver()
		due.Reset(o.untilDue(now))
		select {
		case <-o.intake.Done():
			return
		case <-o.inbox.ready:
			if b, ok := o.inbox.get(); ok {
				o.receive(b)
			}
		case <-due.C:
			o.handOutDue(time.Now())
		}
	}
}

// sweep looks after the lanes until the partition is given up. It is no part of
// run, which may be waiting for the room that this makes.
func (o *owner) sweep() {
	tick := time.NewTicker(sweepInterval)
	defer tick.Stop()
	for {
		select {
		case <-o.ctx.Done():
			return
		case now := <-tick.C:
			o.sweepLanes(now)
		}
	}
}

// receive takes a batch in: bundles are handed out, tiers' records wait.
func (o *owner) receive(b bus.Batch) {
	if b.Reset {
		o.service.metrics.resets.Inc()
		o.service.Log.Error("reading goes on at the earliest record: those before it expired unread, or the topic was made anew",
			zap.String("topic", b.Topic), zap.Int("partition", b.Partition), zap.Int64("next", b.Next))
	}
	tracker := o.trackers[b.Topic]
	if b.Reset {
		tracker.Reset(b.Start())
	}
	if b.Topic != bus.Deliveries {
		q := o.tier(b.Topic)
		for _, r := range b.Records {
			q.records = append(q.records, entry{Record: r, mark: tracker.Start(r.Offset)})
		}
		tracker.Advance(b.Next)
		if len(q.records) > 0 {
			q.paused = true
			o.service.fetcher.Pause(b.Topic, o.partition)
		}
		return
	}
	past := o.past.Load()
	if b.Reset && past != nil {
		past.done = nil // other records have these offsets now
	}
	for i := range b.Records {
		r := &b.Records[i]
		mark := tracker.Start(r.Offset)
		if past.isDone(r.Offset) {
			tracker.Done(mark)
			continue
		}
		o.handOut(*r, o.handed.open(o.ends.share(), func() { tracker.Done(mark) }))
		if o.intake.Err() != nil {
			return
		}
		// A long batch must not keep what is due waiting, nor those that post: what is
		// read faster than it is posted has to be parked.
		o.handOutDue(time.Now())
		runtime.Gosched()
	}
	tracker.Advance(b.Next)
}

func (o *owner) tier(topic string) *queue {
	i := slices.IndexFunc(o.tiers, func(q *queue) bool { return q.tier.Topic == topic })
	return o.tiers[i]
}

// handOut takes on every task of a bundle.
func (o *owner) handOut(r bus.Record, finished func()) {
	tasks := o.tasksOf(r, finished)
	for _, t := range tasks {
		o.guard(t, func() { o.accept(t) })
	}
}

// tasksOf takes a bundle apart, or puts it into quarantine.
func (o *owner) tasksOf(r bus.Record, finished func()) []*task {
	defer o.guardRecord(r, finished)
	tasks, err := ofBundle(r, finished)
	if err != nil {
		o.quarantine(r, err, finished)
	}
	return tasks
}

// untilDue is the time until the first task in a tier is due, at most as long as
// the past may matter without a look.
func (o *owner) untilDue(now time.Time) time.Duration {
	next := now.Add(time.Minute)
	for _, q := range o.tiers {
		if due, ok := q.head(); ok && due.Before(next) {
			next = due
		}
	}
	return max(0, next.Sub(now))
}

// handOutDue takes on what is due, and sends on what has further to walk.
func (o *owner) handOutDue(now time.Time) {
	for _, q := range o.tiers {
		for due, ok := q.head(); ok && !due.After(now) && o.intake.Err() == nil; due, ok = q.head() {
			o.handOutHead(q, now)
			runtime.Gosched()
		}
		if len(q.records) == 0 && q.paused {
			q.paused = false
			o.service.fetcher.Resume(q.tier.Topic, o.partition)
		}
	}
}

func (o *owner) handOutHead(q *queue, now time.Time) {
	head := q.records[0]
	finished := func() { o.trackers[q.tier.Topic].Done(head.mark) }
	w, err := o.taskOf(head.Record)
	if err != nil {
		o.quarantine(q.pop().Record, err, finished)
		return
	}
	_, ready := retry.Hop(now, w.due, w.notBefore)
	if passed := w.written.Add(q.tier.Delay); !ready && passed.After(now) {
		// The broker's clock is behind ours: its own time would send the task
		// round and round until the difference has passed.
		q.records[0].hold = passed
		return
	}
	q.pop()
	w.finished = o.handed.open(o.ends.share(), finished)
	o.guard(w.task, func() {
		if ready {
			o.accept(w.task)
		} else {
			o.walk(w.task, w.due, w.notBefore)
		}
	})
}

// taskOf reads a tier's record; a panic is an error like any other.
func (o *owner) taskOf(r bus.Record) (w waiting, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return ofTier(r)
}

// accept takes a task on and sees to its fate, or to what is left to do about
// it.
func (o *owner) accept(t *task) {
	t.owner = o
	if o.astray(t) {
		o.forward(t, time.Now())
		return
	}
	switch left, last := o.past.Load().of(t); left {
	case nothing:
		o.settledBefore(t)
	case parking:
		if o.admit(t) {
			t.attempts = max(t.attempts, last.attempts)
			t.overQuota = t.overQuota || last.fate == hook.FatePending
			o.guard(t, func() { o.park(t, last.due, last.due) })
		}
	case everything:
		switch {
		case !o.admit(t):
		case o.service.hopeless(t):
			o.defect(t, "the partition hung at this task, again and again", nil)
		default:
			o.guard(t, func() { o.decide(t) })
		}
	}
}

// walk writes a task that is not due yet to its next tier.
func (o *owner) walk(t *task, due, notBefore time.Time) {
	t.owner = o
	if o.astray(t) {
		o.forward(t, due)
		return
	}
	if left, _ := o.past.Load().of(t); left == nothing {
		o.settledBefore(t)
		return
	}
	if o.admit(t) {
		o.service.metrics.hops.Inc()
		o.guard(t, func() { o.park(t, due, notBefore) })
	}
}

// settledBefore is done with a task that an owner before has seen to.
func (o *owner) settledBefore(t *task) {
	o.service.metrics.recalled.Inc()
	o.memory.recall(t.identity)
	t.finished()
}

// admit waits for room for a task, and turns twins away. A task that is turned
// away because the intake ends stays uncommitted: the next owner reads it.
func (o *owner) admit(t *task) bool {
	if err := o.service.budget.take(o.intake, t); err != nil {
		return false
	}
	t.charged = true
	switch o.memory.admit(t, time.Now()) {
	case twin:
		o.service.metrics.twins.Inc()
		o.release(t)
		return false
	case outrun:
		o.outrun(t)
		return false
	case fresh:
	}
	o.service.passes(HandedOut, t)
	return true
}

// quarantine puts a record away that is no task. Nothing but a defect or a
// stranger's hand writes one.
func (o *owner) quarantine(r bus.Record, why error, finished func()) {
	o.service.metrics.quarantined.Inc()
	o.service.Log.Error("record put into quarantine", zap.Stringer("record", r.At()), zap.Error(why))
	o.produce(o.ctx, quarantine.Record(r, "undecodable", why.Error()), finished, func() {})
}

// enqueue gives a task to the lane of its webhook, or parks it until the lane
// has room.
func (o *owner) enqueue(t *task, w *target) {
	b := bounds{concurrency: w.Concurrency, rate: w.RateLimit}
	for {
		switch what, p := o.lane(t).offer(t, b, time.Now()); what {
		case retired:
			continue
		case started:
			go o.service.work(t)
		case queued:
			o.service.startWaiting()
		case full:
			o.deferUntil(t, p.due, p.cause)
		case closed:
			o.drop(t)
		}
		return
	}
}

func (o *owner) lane(t *task) *lane {
	o.mu.Lock()
	defer o.mu.Unlock()
	l, ok := o.lanes[t.webhook]
	if !ok {
		webhook := t.webhook
		l = newLane(t.account, newBreaker(o.service.MaxOpen, func(state circuit, lasts time.Duration) {
			if state == circuitOpen {
				o.service.metrics.openings.Inc()
			}
			o.service.circuits.note(webhook, state, lasts)
		}), o.service.turns)
		if booked, ok := o.places[webhook]; ok {
			l.booking.until = booked
			delete(o.places, webhook)
		}
		o.lanes[webhook] = l
	}
	return l
}

// sweepLanes parks what waits for receivers that hang, and forgets lanes that
// are not used.
func (o *owner) sweepLanes(now time.Time) {
	for webhook, l := range o.allLanes() {
		for _, p := range l.overdue(now) {
			o.deferUntil(p.task, p.due, p.cause)
		}
		o.mu.Lock()
		if l.retire(now.Add(-laneIdle)) {
			delete(o.lanes, webhook)
		}
		o.mu.Unlock()
	}
}
