package sender

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
)

const (
	// localDelay is how long a task waits for which this machine lacked a
	// descriptor, a port or memory.
	localDelay = 5 * time.Second
	// maxLocal is how many steps of a task may end so before it counts as an
	// attempt: what never passes, such as an IPv6 address without a route, is the
	// receiver's after all.
	maxLocal = 100
)

// try makes one attempt. It returns a task of the same lane that is started, if
// there is one that needs no turn.
func (o *owner) try(t *task) (next *task) {
	o.guard(t, func() { o.attempt(t, &next) })
	return next
}

// attempt sets next before it does anything that may fail.
func (o *owner) attempt(t *task, next **task) {
	if errors.Join(o.lags[bus.Attempts].wait(o.ctx), o.service.lease.wait(o.ctx)) != nil {
		*next = o.finishLane(t, untried, 0)
		o.drop(t)
		return
	}
	w, ok := o.target(t)
	if !ok { // revoked or paused while it was queued
		*next = o.finishLane(t, untried, 0)
		o.decide(t)
		return
	}
	if t.event == nil && !o.fetch(t, w) {
		*next = o.finishLane(t, untried, 0)
		return
	}
	if !o.allowed(t, w) {
		*next = o.finishLane(t, untried, 0)
		if o.ctx.Err() != nil {
			o.drop(t) // nobody knows
			return
		}
		o.overQuota(t, w)
		return
	}
	o.service.passes(Posting, t)
	out := o.post(t, w)
	if out.verdict() == untried || out.local {
		o.untake(t)
	}
	if out.local && t.step < maxLocal {
		// Nobody's fault but ours: no attempt, and nothing said about the receiver.
		*next = o.finishLane(t, untried, 0)
		o.service.Log.Error("request not made: this machine is short of something",
			zap.String("delivery", t.delivery), zap.String("detail", out.detail), t.traceField())
		o.deferUntil(t, time.Now().Add(localDelay), causeLocal)
		return
	}
	o.service.passes(Answered, t)
	// The others first: an acknowledgement takes longer than a start.
	*next = o.finishLane(t, out.verdict(), out.retryAfter)
	fate := hook.FateDelivered
	if out.reason != hook.ReasonNone {
		fate = hook.FateRetrying
	}
	o.settle(t, w, fate, out)
}

// finishLane tells the task's lane how it went, and parks those behind it that
// it lets go.
func (o *owner) finishLane(t *task, went verdict, retryAfter time.Duration) *task {
	next, park := t.lane.finish(t, went, retryAfter, time.Now())
	for _, p := range park {
		o.postpone(p)
	}
	if went == untried {
		o.service.startWaiting()
	}
	return next
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

// Quotas are the calls that accounts may make; see quota.Ledger.
type Quotas interface {
	// Take takes a call of the period that now lies in. Of one that is used up,
	// again is its end.
	Take(ctx context.Context, account string, q hook.Quota) (ok bool, again time.Time)
	// Used reports from memory whether the period is known to be used up.
	Used(account string, q hook.Quota) (until time.Time, used bool)
	// Reserve takes a call of the first later period that has one and begins
	// within the horizon.
	Reserve(ctx context.Context, account string, q hook.Quota, horizon time.Duration) (period time.Time, ok bool)
	// Return gives back a call that was not made; the period tells which.
	Return(account string, q hook.Quota, period time.Time)
}
