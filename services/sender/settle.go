package sender

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/journal"
	"github.com/staffetta/staffetta/pkg/retry"
)

// settle makes a fate durable: its record in attempts is acknowledged, then,
// for one that is tried again, the task in its tier; only then is the task done.
// w is nil if the webhook is no more.
func (o *owner) settle(t *task, w *target, fate hook.Fate, out outcome) {
	now := time.Now()
	a := hook.Attempt{
		Delivery:   t.delivery,
		Run:        t.run,
		Step:       t.step,
		Fate:       fate,
		Reason:     out.reason,
		Detail:     out.detail,
		Account:    t.account,
		Webhook:    t.webhook,
		Bundle:     t.bundle,
		At:         now,
		StatusCode: out.status,
		Response:   out.response,
		Due:        out.due,
		Duration:   out.duration,
		Timing:     out.timing,
		Request:    out.request,
		URL:        out.url,
		TraceID:    out.traceID,

		ResponseHeaders: out.headers,
		SupersededBy:    out.by,
		Test:            t.test,
	}
	if e := t.event; e != nil {
		a.Store, a.Event, a.EventType, a.ItemType = e.Store, e.ID, t.told().Type, e.ItemType
		a.Source, a.Published = e.Source, e.Published
		if a.TraceID == "" {
			a.TraceID = traceID(e.Trace.Parent)
		}
		a.Items = make([]string, 0, len(e.Items))
		for i := range e.Items {
			a.Items = append(a.Items, e.Items[i].ID)
		}
	}
	if !out.at.IsZero() {
		t.attempts++
		a.At, a.Number = out.at, t.attempts
		if out.verdict() == away {
			a.Volley = t.volley
		}
		a.Opening = t.opening
	}
	notBefore := out.due
	t.booked = fate == hook.FatePending
	if fate == hook.FateRetrying {
		if t.attempts > len(w.RetrySchedule) {
			a.Fate = hook.FateExhausted
		} else {
			a.Due, notBefore = nextTry(now, w.RetrySchedule[t.attempts-1], out.retryAfter, t)
		}
	}
	// An answer is written down for as long as the sender lives; what was not
	// even tried is for the partition's owner to decide.
	writing := o.ctx
	if a.Number > 0 {
		writing = o.service.lifetime
	}
	t.final, t.kept = a.Fate.Final(), a.Fate == hook.FateHeld
	if fate != hook.FatePending {
		o.unreserve(t)
	}
	o.service.logAttempt(&a, out.sampled)
	t.decided(&a)
	record := bus.Record{
		Topic: bus.Attempts, Partition: o.partition, Key: []byte(t.webhook), Value: journal.Encode(a),
	}
	acknowledged := func() {
		o.service.passes(Written, t)
		o.finish(t)
	}
	if a.Fate == hook.FateRetrying || a.Fate == hook.FatePending {
		// Not in the producer's goroutine: parking may wait for it.
		acknowledged = func() {
			o.service.passes(Written, t)
			go o.guard(t, func() { o.park(t, a.Due, notBefore) })
		}
	}
	o.produce(writing, record, acknowledged, func() { o.drop(t) })
}

// traceID is the second field of a traceparent: version, trace, span, flags.
func traceID(parent string) string {
	if fields := strings.Split(parent, "-"); len(fields) >= 4 {
		return fields[1]
	}
	return ""
}

// nextTry is when to try again: on the schedule, or later if the receiver asked
// for it; that is never undershot.
func nextTry(now time.Time, delay, asked time.Duration, t *task) (due, notBefore time.Time) {
	seed := retry.Seed{Delivery: t.delivery, Run: t.run, Attempt: t.attempts}
	if asked > delay {
		return retry.Next(now, asked, true, seed)
	}
	return retry.Next(now, delay, false, seed)
}

// park writes a task to the tier of its next hop; then it is done here.
func (o *owner) park(t *task, due, notBefore time.Time) {
	if o.ctx.Err() != nil {
		// The partition has moved; its new owner decides.
		o.drop(t)
		return
	}
	if t.passage != nil {
		o.closeGate(t, due)
	}
	if !o.service.lease.holds() {
		// It is somebody else's by now, perhaps, who would meet it a second time.
		go o.guard(t, func() {
			_ = o.service.lease.wait(o.ctx) // parking sees how it ended
			o.park(t, due, notBefore)
		})
		return
	}
	tier, _ := retry.Hop(time.Now(), due, notBefore)
	header, sent := o.sendsTo(tier.Topic, t)
	o.produce(o.ctx, bus.Record{
		Topic: tier.Topic, Partition: o.partition, Key: []byte(t.webhook), Value: t.forTier(due, notBefore), Headers: header,
	}, func() {
		sent()
		o.service.passes(Parked, t)
		o.finish(t)
	}, func() { o.drop(t) })
}

// outrun ends a task whose delivery has a newer run: that one decides.
func (o *owner) outrun(t *task) {
	if t.event == nil {
		_ = t.unfold() // the log does without what cannot be read
	}
	o.settle(t, nil, hook.FateSuperseded, outcome{reason: hook.ReasonNewerRun})
}

// finish notes that a task's fate is durable.
func (o *owner) finish(t *task) {
	if !t.over.CompareAndSwap(false, true) {
		return
	}
	t.worked()
	o.service.forgive(t)
	o.memory.finish(t.identity, t.final)
	if t.passage != nil {
		o.leaveGate(t) // before the record is done: see saveGate
	}
	t.finished()
	o.release(t)
	o.service.passes(Finished, t)
}

// produce writes a record, waiting for room until ctx ends, and calls one of the
// two. If Kafka refuses it for good the sender ends; what it led to stays
// uncommitted.
func (o *owner) produce(ctx context.Context, r bus.Record, acknowledged, failed func()) {
	refused := func(err error) {
		if !errors.Is(err, bus.ErrClosed) && ctx.Err() == nil {
			o.service.fail(fmt.Errorf("%w: topic %s: %w", errRefused, r.Topic, err))
		}
		failed()
	}
	age := o.service.writing.begin()
	producer, lag := o.service.producer, o.lags[r.Topic]
	if r.Topic == bus.Attempts {
		producer = o.service.journal
	}
	lag.begin(time.Now())
	err := producer.Produce(ctx, r, func(at hook.Coordinates, err error) {
		defer o.service.writing.end(age)
		lag.end()
		if err != nil {
			refused(err)
			return
		}
		if at.Partition == o.partition {
			o.ends.acknowledge(at.Topic, at.Offset)
		}
		acknowledged()
	})
	if err != nil {
		o.service.writing.end(age)
		lag.end()
		refused(err)
	}
}
