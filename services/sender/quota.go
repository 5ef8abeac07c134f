package sender

import (
	"time"

	"github.com/staffetta/staffetta/pkg/hook"
)

// exceeded reports whether the account's quota is known to be used up for a
// task that has not taken its call.
func (o *owner) exceeded(t *task, a *Account) bool {
	if a.quota == nil || t.holds(*a.quota) {
		return false
	}
	_, used := o.service.Quotas.Used(t.account, *a.quota)
	return used
}

// allowed takes a call of the account's quota for a request, or uses the one
// that the task holds.
func (o *owner) allowed(t *task, a *Account) bool {
	if a.quota == nil {
		return true
	}
	if t.holds(*a.quota) {
		t.reserved = time.Time{}
		return true
	}
	t.reserved = time.Time{} // of a period that has passed
	ok, _ := o.service.Quotas.Take(o.ctx, t.account, *a.quota)
	return ok
}

// holds reports whether the task has taken a call of the period that now lies in.
func (t *task) holds(q hook.Quota) bool {
	from, _ := q.At(time.Now())
	return !t.reserved.IsZero() && t.reserved.Equal(from)
}

// overQuota parks a task for a later period, or drops it, as its webhook says.
// The log is told once, since usage counts what was deferred.
func (o *owner) overQuota(t *task, w *target, a *Account) {
	if w.OnQuota == hook.DropOverQuota {
		o.settle(t, w, hook.FateDropped, outcome{reason: hook.ReasonQuota})
		return
	}
	now := time.Now()
	due := now.Add(maxBooking)
	if period, ok := o.service.Quotas.Reserve(o.ctx, t.account, *a.quota, maxBooking); ok {
		t.reserved = period
		due = o.lane(t).reserve(period, now)
	} else {
		// It has no call yet, and asks again.
		due = o.lane(t).reserve(due, now)
	}
	if t.overQuota {
		o.deferUntil(t, due, causeQuota)
		return
	}
	t.overQuota = true
	o.service.metrics.deferred.WithLabelValues(string(causeQuota)).Inc()
	o.settle(t, w, hook.FatePending, outcome{reason: hook.ReasonQuota, due: due})
}
