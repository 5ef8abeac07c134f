package sender

import (
	"time"

	"github.com/staffetta/staffetta/pkg/hook"
)

// exceeded reports whether the quota that counts for a webhook is known to be used up
// for a task that has not taken its call.
func (o *owner) exceeded(t *task, w *target) bool {
	if w.quota == nil || t.holds(*w.quota) {
		return false
	}
	_, used := o.service.Quotas.Used(t.account, *w.quota)
	if used {
		o.service.metrics.quota.WithLabelValues("refused").Inc()
	}
	return used
}

// allowed takes a call of the quota for a request, or uses the one that the task
// holds.
func (o *owner) allowed(t *task, w *target) bool {
	if w.quota == nil {
		o.unreserve(t)
		return true
	}
	if t.holds(*w.quota) {
		t.taken, t.reserved = t.reserved, time.Time{}
		return true
	}
	o.unreserve(t)
	ok, at := o.service.Quotas.Take(o.ctx, t.account, *w.quota)
	if !ok {
		o.service.metrics.quota.WithLabelValues("refused").Inc()
		return false
	}
	o.service.metrics.quota.WithLabelValues("taken").Inc()
	t.taken = at
	return true
}

// unreserve gives back the call that a task has reserved and does not need, or
// cannot use any more.
func (o *owner) unreserve(t *task) {
	if !t.reserved.IsZero() {
		o.service.Quotas.Return(t.account, hook.Quota{}, t.reserved)
		t.reserved = time.Time{}
	}
}

// untake gives back the call that was taken for a request that was not made.
func (o *owner) untake(t *task) {
	if !t.taken.IsZero() {
		o.service.Quotas.Return(t.account, hook.Quota{}, t.taken)
		t.taken = time.Time{}
	}
}

// holds reports whether the task has taken a call of the period that now lies in.
func (t *task) holds(q hook.Quota) bool {
	from, _ := q.At(time.Now())
	return !t.reserved.IsZero() && t.reserved.Equal(from)
}

// overQuota parks a task for a later period, or drops it, as its webhook says.
// The log is told once, since usage counts what was deferred.
func (o *owner) overQuota(t *task, w *target) {
	o.unreserve(t)
	if w.OnQuota == hook.DropOverQuota {
		o.settle(t, w, hook.FateDropped, outcome{reason: hook.ReasonQuota})
		return
	}
	due := o.laterPeriod(t, *w.quota, time.Now())
	if t.overQuota {
		o.deferUntil(t, due, causeQuota)
		return
	}
	t.overQuota = true
	o.service.metrics.deferred.WithLabelValues(string(causeQuota)).Inc()
	o.settle(t, w, hook.FatePending, outcome{reason: hook.ReasonQuota, due: due})
}

// laterPeriod books a place for a task, and a call of the period in which it
// lies. A lane whose receiver takes nothing, and one whose place lies beyond the
// period, takes no call: others of the account could use it.
func (o *owner) laterPeriod(t *task, q hook.Quota, now time.Time) time.Time {
	l := o.lane(t)
	_, next := q.At(now)
	if !l.well(now) {
		return l.reserve(next, now)
	}
	period, ok := o.service.Quotas.Reserve(o.ctx, t.account, q, maxBooking)
	if !ok {
		// There is none so near: it comes back and asks again.
		return l.reserve(now.Add(maxBooking), now)
	}
	due := l.reserve(period, now)
	t.reserved = period
	if _, end := q.At(period); !due.Before(end) {
		o.unreserve(t)
	}
	return due
}
