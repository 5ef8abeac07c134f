package sender

import (
	"time"

	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/hook"
)

const (
	// unseenDelay is how long a task waits at first whose webhook cannot be seen.
	unseenDelay = 5 * time.Second
	// unusableDelay is how long a task waits whose webhook's secrets cannot be
	// opened with the encryption keys that there are.
	unusableDelay = time.Minute
	// unseenSteps of 15 minutes are three weeks.
	unseenSteps = 2000
)

// decide sees to the fate of a task: by the state that its webhook has now, not
// the one at the time of the event.
func (o *owner) decide(t *task) {
	if t.test {
		go o.guard(t, func() { o.tryOut(t) })
		return
	}
	account, ok := o.service.Snapshot.Account(t.account)
	if ok && account.deleted {
		o.settle(t, nil, hook.FateCancelled, outcome{reason: hook.ReasonRevoked})
		return
	}
	if ok {
		if w, ok := account.targets[t.webhook]; ok {
			o.proceed(t, w)
			return
		}
	}
	// The router may have seen a webhook that this snapshot lacks. Should it be an
	// ordered one, its tasks have their order by now.
	if !o.reserve(t) {
		return
	}
	go o.guard(t, func() { o.decideAfresh(t) })
}

// decideAfresh decides on a snapshot that is newer than the task. While there is
// none to be had the task waits in a tier, so that Redis being away keeps nobody
// waiting whose webhook is known.
func (o *owner) decideAfresh(t *task) {
	if !o.service.sight.sync(o.ctx, o.service.Snapshot) {
		o.deferUnseen(t)
		return
	}
	account, ok := o.service.Snapshot.Account(t.account)
	if !ok {
		o.deferUnseen(t)
		return
	}
	w, ok := account.targets[t.webhook]
	if !ok {
		o.settle(t, nil, hook.FateCancelled, outcome{reason: hook.ReasonRevoked})
		return
	}
	o.proceed(t, w)
}

// deferUnseen parks a task whose webhook cannot be seen: for longer each time,
// and in the end, after weeks, for good. That an account is absent means nothing
// while the cache may be filled in, but a database that was made anew never
// brings it back.
func (o *owner) deferUnseen(t *task) {
	if t.step > unseenSteps {
		o.settle(t, nil, hook.FateCancelled, outcome{reason: hook.ReasonRevoked, detail: "the account is unknown"})
		return
	}
	// A wait takes about four steps down the tiers.
	o.deferUntil(t, time.Now().Add(min(unseenDelay<<min(t.step/4, 10), maxBooking)), causeUnseen)
}

// proceed posts a task, now or in its turn, or gives it the fate that its
// webhook's status demands.
func (o *owner) proceed(t *task, w *target) {
	fate, reason := w.instead(t)
	if w.rules.Any() || t.passage != nil {
		var seen bool
		if fate, reason, seen = o.keepOrder(t, w, fate, reason); seen {
			return
		}
	}
	switch {
	case fate == "" && w.unusable != nil:
		// An operator's mistake, not the receiver's: it uses up no attempt.
		o.service.Log.Error("webhook cannot be signed for; its deliveries wait",
			zap.String("webhook", w.ID), zap.String("delivery", t.delivery), zap.Error(w.unusable), t.traceField())
		o.deferUntil(t, time.Now().Add(unusableDelay), causeSecret)
	case fate == "" && o.exceeded(t, w):
		// Redis may have to be asked for a later period.
		go o.guard(t, func() { o.informed(t, w, func() { o.overQuota(t, w) }) })
	case fate == "":
		o.enqueue(t, w)
	case t.event != nil:
		o.settle(t, w, fate, outcome{reason: reason})
	default:
		go o.guard(t, func() { o.informed(t, w, func() { o.settle(t, w, fate, outcome{reason: reason}) }) })
	}
}

// informed does something about a task once its event is there: the log wants
// to know what it was about.
func (o *owner) informed(t *task, w *target, do func()) {
	if t.event != nil || o.fetch(t, w) {
		do()
	}
}

// instead is the fate of a task that is not to be posted now, or "".
func (w *target) instead(t *task) (hook.Fate, hook.Reason) {
	switch {
	case w.Status == hook.Paused && w.OnPause == hook.Drop:
		return hook.FateDropped, hook.ReasonPaused
	case w.Status == hook.Paused:
		return hook.FateHeld, hook.ReasonPaused
	case w.Status == hook.Disabled:
		return hook.FateHeld, hook.ReasonDisabled
	case w.Status == hook.Resuming && t.run == 0:
		// What was held before goes first; the recorder sends this after it.
		return hook.FateHeld, hook.ReasonResuming
	default:
		return "", hook.ReasonNone
	}
}

// deferUntil parks a task untried: no attempt, and none used up.
func (o *owner) deferUntil(t *task, due time.Time, why cause) {
	o.service.metrics.deferred.WithLabelValues(string(why)).Inc()
	from := notBefore(due, why, time.Now())
	t.booked = why != causeOrder
	if why != causeQuota {
		o.unreserve(t) // its place is another now
	}
	o.guard(t, func() { o.park(t, due, from) })
}

// postpone parks a task until its place. Its own is where it walks on to.
func (o *owner) postpone(p parked) {
	if !p.kept {
		o.deferUntil(p.task, p.due, p.cause)
		return
	}
	o.service.metrics.hops.Inc()
	o.guard(p.task, func() { o.park(p.task, p.due, p.due.Add(-early)) })
}
