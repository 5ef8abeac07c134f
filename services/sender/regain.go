package sender

import (
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
	deliveryv1 "github.com/staffetta/staffetta/proto/staffetta/delivery/v1"
	"github.com/staffetta/staffetta/services/sender/gate"
)

// gated is what the checkpoint and the tails tell about the gate of an owner
// before. The tails begin at or before the checkpoint.
type gated struct {
	note note
	// since is where that part of the tiers begins of which the checkpoint knows
	// nothing.
	since positions
	// saved is the checkpoint.
	saved []gate.Saved
	// tiered has the last task of each delivery that was written to a tier.
	tiered map[string]tiered
	// fates has the last record of attempts of each delivery that ended or was held.
	fates map[string]lastFate
	// delivered are, in their order, those that later ones may have been waiting for;
	// created those that took the place of a create that was never delivered.
	delivered, created []gate.Change
}

// tiered is a task in a tier.
type tiered struct {
	gate.Saved
	step int
}

// after reports whether the task was written after a record of attempts.
func (t *tiered) after(last lastFate) bool {
	return t.Run > last.Run || t.Run == last.Run && t.step > last.step
}

// lastFate is a record of attempts.
type lastFate struct {
	gate.Change
	step int
	held bool
}

// checkpoint takes in a record of the topic gates.
func (g *gated) checkpoint(value []byte) {
	var part deliveryv1.Checkpoint
	if proto.Unmarshal(value, &part) != nil || part.GetId() != g.note.saved {
		return // somebody else's, written in between
	}
	for _, e := range part.GetEntries() {
		g.saved = append(g.saved, savedOf(e))
	}
}

// waits takes in a record of a tier.
func (g *gated) waits(t *deliveryv1.Task) {
	step := int(t.GetStep())
	if other, ok := g.tiered[t.GetDelivery()]; ok && (other.Run > t.GetRun() || other.Run == t.GetRun() && other.step >= step) {
		return
	}
	s := gate.Saved{Change: changeAt(t.GetPlace()), Due: time.UnixMilli(t.GetDueMs())}
	s.Account, s.Webhook, s.Delivery, s.Run = t.GetAccount(), t.GetWebhook(), t.GetDelivery(), t.GetRun()
	if g.tiered == nil {
		g.tiered = map[string]tiered{}
	}
	g.tiered[s.Delivery] = tiered{s, step}
}

// attempt takes in a record of attempts, whose memory is the fetched batch's.
func (g *gated) attempt(a *hook.Attempt, rules gate.Rules) {
	held := a.Fate == hook.FateHeld
	if !held && (!a.Fate.Final() || a.Reason == hook.ReasonNewerRun) {
		return
	}
	c := gate.Change{
		Account: strings.Clone(a.Account), Webhook: strings.Clone(a.Webhook), Delivery: a.Delivery, Run: a.Run, Type: a.EventType,
	}
	if held || rules.Coalesce {
		c.ItemType, c.Source, c.Published = strings.Clone(a.ItemType), a.Source, a.Published
		c.Source.Topic = strings.Clone(a.Source.Topic)
		for _, item := range a.Items {
			c.Items = append(c.Items, strings.Clone(item))
		}
	}
	if other, ok := g.fates[a.Delivery]; !ok || a.Run >= other.Run {
		if g.fates == nil {
			g.fates = map[string]lastFate{}
		}
		g.fates[a.Delivery] = lastFate{c, a.Step, held}
	}
	switch {
	case rules.Coalesce && a.Fate == hook.FateDelivered:
		g.delivered = append(g.delivered, c)
	case a.SupersededBy != "" && a.EventType == hook.Create:
		c.Delivery = strings.Clone(a.SupersededBy)
		g.created = append(g.created, c)
	}
}

// restoreGate makes the gate what it was at the owner before, but for what is
// handed out again.
func (o *owner) restoreGate(p *past) {
	g, now := &p.gate, p.readAt
	for _, s := range g.saved {
		o.gate.Restore(s, now)
	}
	for d, t := range g.tiered {
		if last, ok := g.fates[d]; !ok || !last.held || t.after(last) {
			o.gate.Restore(t.Saved, now)
		}
	}
	for d, last := range g.fates {
		if t, ok := g.tiered[d]; last.held && (!ok || !t.after(last)) {
			o.gate.Restore(gate.Saved{Change: last.Change, Held: true}, now)
		}
	}
	for d, t := range g.tiered {
		o.gate.Clear(t.Webhook, d, t.Run, false)
	}
	for d, last := range g.fates {
		o.gate.Clear(last.Webhook, d, last.Run, !last.held)
	}
	slices.SortStableFunc(g.delivered, func(a, b gate.Change) int { return int(a.Source.Offset - b.Source.Offset) })
	for _, c := range g.delivered {
		o.gate.Settle(c, o.rulesOf(c.Account, c.Webhook))
	}
	for _, c := range g.created {
		o.gate.Create(c.Webhook, c.Delivery)
	}
	o.gate.Restored(o.rulesOf)
	last := checkpoint{version: -1, since: g.since, span: g.note.gate, id: g.note.saved}
	if o.gate.Version() == 0 {
		last.version, last.span = 0, bus.Span{}
	}
	o.saved.end(&last)
	p.gate = gated{}
}
