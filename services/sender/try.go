package sender

import (
	"time"

	"github.com/staffetta/staffetta/pkg/hook"
)

// start posts a task that its lane let go, in a goroutine that goes on with the
// tasks behind it.
func (o *owner) start(t *task) {
	go func() {
		for t != nil {
			t = o.try(t)
		}
	}()
}

// try makes one attempt and returns the next task of the lane to try, if any;
// further ones get goroutines of their own.
func (o *owner) try(t *task) *task {
	w, ok := o.target(t)
	switch {
	case o.ctx.Err() != nil:
		next := o.finishLane(t, untried, 0)
		o.drop(t)
		return next
	case !ok: // revoked or paused while it was queued
		next := o.finishLane(t, untried, 0)
		o.decide(t)
		return next
	}
	if t.event == nil && !o.fetch(t, w) {
		return o.finishLane(t, untried, 0)
	}
	out := o.post(t, w)
	// The others first: an acknowledgement takes longer than a start.
	next := o.finishLane(t, out.verdict(), out.retryAfter)
	fate := hook.FateDelivered
	if out.reason != hook.ReasonNone {
		fate = hook.FateRetrying
	}
	o.settle(t, w, fate, out)
	return next
}

// finishLane tells the task's lane how it went, and sees to those behind it: all
// that are to be started are, but the first, which is returned.
func (o *owner) finishLane(t *task, went verdict, retryAfter time.Duration) *task {
	next, park := o.lane(t.webhook).finish(t, went, retryAfter, time.Now())
	for _, p := range park {
		o.deferUntil(p.task, p.due)
	}
	return o.startAll(next)
}

// startAll starts all but the first, which it returns.
func (o *owner) startAll(tasks []*task) *task {
	if len(tasks) == 0 {
		return nil
	}
	for _, t := range tasks[1:] {
		o.start(t)
	}
	return tasks[0]
}

// target returns the task's webhook if it may be posted to now.
func (o *owner) target(t *task) (*target, bool) {
	account, ok := o.service.Snapshot.Account(t.account)
	if !ok {
		return nil, false
	}
	w, ok := account.targets[t.webhook]
	if !ok {
		return nil, false
	}
	fate, _ := w.instead(t)
	return w, fate == ""
}
