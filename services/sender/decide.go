package sender

import (
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
)

// unseenDelay is how long a task waits whose account the snapshot does not know
// yet. A deleted account is known as deleted; absence means nothing.
const unseenDelay = 5 * time.Second

// decide sees to the fate of a task: by the state that its webhook has now, not
// the one at the time of the event.
func (o *owner) decide(t *task) {
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
	// The router may have seen a webhook that this snapshot lacks.
	go o.decideAfresh(t)
}

// decideAfresh decides on a snapshot that is newer than the task.
func (o *owner) decideAfresh(t *task) {
	if err := o.service.Snapshot.Sync(o.ctx); err != nil {
		o.drop(t)
		return
	}
	account, ok := o.service.Snapshot.Account(t.account)
	if !ok {
		o.deferFor(t, unseenDelay)
		return
	}
	w, ok := account.targets[t.webhook]
	if !ok {
		o.settle(t, nil, hook.FateCancelled, outcome{reason: hook.ReasonRevoked})
		return
	}
	o.proceed(t, w)
}

// proceed posts a task, now or in its turn, or gives it the fate that its
// webhook's status demands.
func (o *owner) proceed(t *task, w *target) {
	switch {
	case w.Status == hook.Paused && w.OnPause == hook.Drop:
		o.settle(t, w, hook.FateDropped, outcome{reason: hook.ReasonPaused})
		return
	case w.Status == hook.Paused:
		o.settle(t, w, hook.FateHeld, outcome{reason: hook.ReasonPaused})
		return
	case w.Status == hook.Disabled:
		o.settle(t, w, hook.FateHeld, outcome{reason: hook.ReasonDisabled})
		return
	case w.Status == hook.Resuming && t.run == 0:
		// What was held before goes first; the recorder sends this after it.
		o.settle(t, w, hook.FateHeld, outcome{reason: hook.ReasonResuming})
		return
	case t.event == nil:
		go o.fetchPayload(t, w)
		return
	}
	o.enqueue(t, w)
}

// fetchPayload reads the event of a task that is too large to travel.
func (o *owner) fetchPayload(t *task, w *target) {
	record, err := o.service.Bus.ReadAt(o.ctx, t.bundle)
	switch {
	case errors.Is(err, bus.ErrGone):
		o.settle(t, w, hook.FateExhausted, outcome{reason: hook.ReasonPayloadGone})
		return
	case err != nil && o.ctx.Err() != nil:
		o.drop(t)
		return
	case err != nil:
		o.service.Log.Warn("payload cannot be read; trying again", zap.String("delivery", t.delivery), zap.Error(err))
		o.deferFor(t, unseenDelay)
		return
	}
	change, event, err := payload(record)
	if err != nil {
		o.settle(t, w, hook.FateExhausted, outcome{reason: hook.ReasonPayloadGone, detail: err.Error()})
		return
	}
	t.change, t.event = change, event
	o.enqueue(t, w)
}

// enqueue gives a task to its lane, or defers it if the lane is full.
func (o *owner) enqueue(t *task, w *target) {
	start, ok, wait := o.lane(t.webhook).offer(t, w.Concurrency, o.service.budget.room(), time.Now())
	switch {
	case !ok:
		o.deferFor(t, wait)
	case start:
		o.start(t)
	}
}

// deferFor parks a task untried until its lane will have room: no attempt, and
// none used up.
func (o *owner) deferFor(t *task, wait time.Duration) {
	o.service.metrics.deferred.Inc()
	due := time.Now().Add(min(wait, maxDeferral))
	o.park(t, due, due)
}

// maxDeferral bounds a reservation, so that a receiver that came back is noticed
// (DESIGN.md, rule 4).
const maxDeferral = 15 * time.Minute
