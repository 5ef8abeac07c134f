package sender

import (
	"strings"
	"time"

	"go.uber.org/zap"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/sender/gate"
)

const (
	// maxGated bounds the deliveries in the gates of a sender: at about 400 bytes
	// each 100 MB.
	maxGated = 250_000
	// minTurn is how long a task is parked at least that waits for others, aheadPace
	// how long for each of them. It comes back when the first of them is due, but a
	// turn is no longer than a turnShare-th of the time that it has been waiting, since
	// a newer run may end the first before: so turns are few and it goes on soon.
	minTurn   = time.Second
	aheadPace = time.Second / 4
	turnShare = 4
)

// passage is what a task of a webhook with rules carries.
type passage struct {
	// entry is its place in the gate; nil: not known yet, or none.
	entry *gate.Entry[*task]
	// place is how its record in a tier tells of that.
	place []byte
	// tells is what the receiver is told happened; empty: what the event says.
	tells hook.EventType
}

// atGate is the task's passage, from now on.
func (t *task) atGate() *passage {
	if t.passage == nil {
		t.passage = &passage{}
	}
	return t.passage
}

// rulesOf is what a webhook asks of the gate.
func rulesOf(w *hook.Webhook) gate.Rules {
	return gate.Rules{Order: w.Ordering == hook.OrderedByItem, Coalesce: w.Coalesce == hook.CoalesceByItem}
}

// rulesOf are those of a webhook as far as it can be seen.
func (o *owner) rulesOf(account, webhook string) gate.Rules {
	if a, ok := o.service.Snapshot.Account(account); ok && !a.deleted {
		if w, ok := a.targets[webhook]; ok {
			return w.rules
		}
	}
	return gate.Rules{}
}

// standing is what became of a webhook.
func (o *owner) standing(account, webhook string) gate.Standing {
	a, ok := o.service.Snapshot.Account(account)
	if !ok {
		return gate.Unseen
	}
	w, ok := a.targets[webhook]
	switch {
	case a.deleted, ok && !w.rules.Any():
		return gate.Gone
	case !ok:
		return gate.Absent
	case w.Status == hook.Active:
		return gate.Gated
	default:
		return gate.Suspended
	}
}

// reserve gives a task its place in the gate if its webhook wants one, or may want
// one: nobody knows a webhook that the snapshot lacks. It reports whether the task
// is still to be seen to.
func (o *owner) reserve(t *task) bool {
	rules := o.rulesOf(t.account, t.webhook)
	if a, ok := o.service.Snapshot.Account(t.account); ok && a.targets[t.webhook] != nil && !rules.Any() {
		return true
	}
	_, ok := o.enter(t, rules)
	return ok
}

// enter gives a task its place in the gate. It reports whether there was none
// left, and whether the task is still to be seen to.
func (o *owner) enter(t *task, rules gate.Rules) (full, ok bool) {
	if t.passage != nil && t.passage.entry != nil {
		return false, true
	}
	c, known := t.gateChange()
	if !known { // from before the webhook asked for its order, or of a run that was outrun
		if e := o.gate.Find(t.webhook, t.delivery); e != nil && !o.gate.Knows(t.webhook, t.delivery, t.run) {
			o.outrun(t)
			return false, false
		}
		return false, true
	}
	e, what := o.gate.Enter(c, rules)
	switch what {
	case gate.Outrun:
		o.outrun(t)
		return false, false
	case gate.Shut:
		o.drop(t)
		return false, false
	case gate.Full:
		return true, true
	case gate.In:
		t.atGate().entry = e
	}
	return false, true
}

// keepOrder lets a task of a webhook with rules go on when it is its turn, and
// gives it the fate that the gate demands. seen says that the task is seen to.
func (o *owner) keepOrder(t *task, w *target, fate hook.Fate, reason hook.Reason) (_ hook.Fate, _ hook.Reason, seen bool) {
	if !w.rules.Any() { // it could not be seen before
		if e := t.passage.entry; e != nil {
			o.decideAgain(o.gate.Leave(e, t.run))
		}
		t.passage = nil
		return fate, reason, false
	}
	full, ok := o.enter(t, w.rules)
	switch {
	case !ok:
		return "", "", true
	case fate != "":
		return fate, reason, false
	case full && w.rules.Order:
		// It goes on when the recorder releases it.
		return hook.FateHeld, hook.ReasonBusy, false
	case t.passage == nil || t.passage.entry == nil:
		return "", "", false
	case t.step > 0 && !o.reread.Load():
		o.deferUntil(t, time.Now().Add(minTurn), causeOrder)
		return "", "", true
	}
	now := time.Now()
	answer := o.gate.Pass(t.passage.entry, t.run, w.rules, t, now)
	switch answer.Verdict {
	case gate.Go:
		t.passage.tells = answer.Type
		return "", "", false
	case gate.Hold:
		return hook.FateHeld, hook.ReasonResuming, false
	case gate.Wait:
	case gate.Later:
		o.deferUntil(t, nextTurn(answer, now), causeOrder)
	case gate.Superseded:
		t.passage.tells = answer.Type
		out := outcome{reason: hook.ReasonNewerChange, detail: "by delivery " + answer.By, by: answer.By}
		if t.event != nil {
			o.settle(t, w, hook.FateSuperseded, out)
		} else {
			go o.guard(t, func() { o.informed(t, w, func() { o.settle(t, w, hook.FateSuperseded, out) }) })
		}
	case gate.Late:
		t.passage = nil
		o.outrun(t)
	case gate.Closed:
		o.drop(t)
	}
	return "", "", true
}

// nextTurn is when a task comes back that waits for others: when the first of them
// is due, but not before so many can have gone.
func nextTurn(answer gate.Answer, now time.Time) time.Time {
	turn := min(answer.Waited/turnShare, maxBooking)
	due := now.Add(turn)
	if answer.Due.Before(due) {
		due = answer.Due.Add(time.Millisecond)
	}
	return latest(due, now.Add(max(minTurn, min(turn, time.Duration(answer.Ahead)*aheadPace))))
}

// closeGate tells the gate that a task is being parked.
func (o *owner) closeGate(t *task, due time.Time) {
	p := t.passage
	if p.entry == nil {
		return // it has further to walk, or came from before its webhook had rules
	}
	c := o.gate.Change(p.entry)
	p.place = encodePlace(&c)
	o.decideAgain(o.gate.Park(p.entry, t.run, due))
}

// leaveGate tells the gate what became of a task, which is durable by now.
func (o *owner) leaveGate(t *task) {
	e := t.passage.entry
	if e == nil {
		if e = o.gate.Find(t.webhook, t.delivery); e == nil {
			return
		}
	}
	switch {
	case t.final:
		o.decideAgain(o.gate.Leave(e, t.run))
	case t.kept:
		o.decideAgain(o.gate.Hold(e, t.run, time.Now()))
	}
}

// decideAgain sees to tasks that waited for others. Not in the goroutine of whoever
// let them go: a producer's may not wait.
func (o *owner) decideAgain(tasks []*task) {
	for _, t := range tasks {
		go o.guard(t, func() { o.decide(t) })
	}
}

// sweepGate looks after the gate.
func (o *owner) sweepGate(now time.Time) {
	o.decideAgain(o.gate.Overdue(now))
	// While nothing can come back, nothing is overdue.
	if o.isKnown() && o.service.lease.holds() && o.saved.sweeps(now) {
		forgotten, again := o.gate.Sweep(now, o.standing)
		o.decideAgain(again)
		if forgotten > 0 {
			o.service.Log.Error("deliveries that others waited for did not come back; those go on",
				zap.Int("partition", o.partition), zap.Int("deliveries", forgotten))
		}
	}
	o.saveGate(now)
}

// gateChange is what the gate is to know of a task; false if that is not known.
func (t *task) gateChange() (c gate.Change, ok bool) {
	if p := t.passage; p != nil && p.place != nil {
		c, ok = decodePlace(p.place)
	} else if e := t.event; e != nil {
		ok = true
		c.ItemType, c.Type, c.Source, c.Published = strings.Clone(e.ItemType), e.Type, e.Source, e.Published
		c.Source.Topic = strings.Clone(c.Source.Topic)
		for i := range e.Items {
			c.Items = append(c.Items, strings.Clone(e.Items[i].ID))
		}
	}
	c.Account, c.Webhook, c.Delivery, c.Run = t.account, t.webhook, t.delivery, t.run
	return c, ok
}

// encodePlace gives the form in which a tier's record has it.
func encodePlace(c *gate.Change) []byte {
	place, err := proto.Marshal(placeOf(c))
	if err != nil {
		return nil // ids that are no UTF-8: the event is read again
	}
	return place
}
