package sender

import (
	"fmt"
	"runtime"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/quarantine"
	"github.com/staffetta/staffetta/pkg/retry"
)

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
		o.reread.Store(true) // there is nothing to be read again
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
	o.read.note(&b)
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
	if past == nil || b.Next >= past.upTo {
		o.reread.Store(true)
	}
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
	var w waiting
	err := readable(func() (err error) {
		w, err = ofTier(head.Record)
		return err
	})
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
	w.from, w.before, w.since = q.tier.Topic, parentOf(&head.Record), w.due
	if ready {
		if err := readable(w.unfold); err != nil {
			o.quarantine(head.Record, err, finished)
			return
		}
	}
	w.finished = o.handed.open(o.ends.share(), finished)
	o.guard(w.task, func() {
		if ready {
			o.accept(w.task)
		} else {
			o.walk(w.task, w.due, w.notBefore)
		}
	})
}

// readable reads what a stranger may have written; a panic is an error like any
// other.
func readable(read func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return read()
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
			o.guard(t, func() {
				if o.reserve(t) {
					o.park(t, last.due, last.due)
				}
			})
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
	if t.passage != nil && !o.gate.Knows(t.webhook, t.delivery, t.run) {
		t.passage = nil // outrun
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
