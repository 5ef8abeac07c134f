package sender

import (
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/staffetta/staffetta/pkg/hook"
	deliveryv1 "github.com/staffetta/staffetta/proto/staffetta/delivery/v1"
	eventv1 "github.com/staffetta/staffetta/proto/staffetta/event/v1"
	"github.com/staffetta/staffetta/services/sender/gate"
)

// The forms in which the tiers and the topic gates have what the gate knows.

var typeCodes = map[hook.EventType]eventv1.EventType{
	hook.Create: eventv1.EventType_EVENT_TYPE_CREATE,
	hook.Update: eventv1.EventType_EVENT_TYPE_UPDATE,
	hook.Delete: eventv1.EventType_EVENT_TYPE_DELETE,
}

var typeNames = map[eventv1.EventType]hook.EventType{
	eventv1.EventType_EVENT_TYPE_CREATE: hook.Create,
	eventv1.EventType_EVENT_TYPE_UPDATE: hook.Update,
	eventv1.EventType_EVENT_TYPE_DELETE: hook.Delete,
}

func placeOf(c *gate.Change) *deliveryv1.Place {
	return &deliveryv1.Place{
		ItemType: c.ItemType, Items: c.Items, EventType: typeCodes[c.Type], PublishedMs: milli(c.Published),
		Source: &deliveryv1.Coordinates{Topic: c.Source.Topic, Partition: int32(c.Source.Partition), Offset: c.Source.Offset},
	}
}

// changeAt is placeOf's reverse.
func changeAt(p *deliveryv1.Place) gate.Change {
	source := p.GetSource()
	return gate.Change{
		ItemType: p.GetItemType(), Items: p.GetItems(), Type: typeNames[p.GetEventType()], Published: ofMilli(p.GetPublishedMs()),
		Source: hook.Coordinates{Topic: source.GetTopic(), Partition: int(source.GetPartition()), Offset: source.GetOffset()},
	}
}

// decodePlace reads what a tier's record says about the gate; false if that is
// nothing.
func decodePlace(place []byte) (gate.Change, bool) {
	var p deliveryv1.Place
	if proto.Unmarshal(place, &p) != nil || len(p.GetItems()) == 0 {
		return gate.Change{}, false
	}
	return changeAt(&p), true
}

func entryOf(s *gate.Saved) *deliveryv1.GateEntry {
	return &deliveryv1.GateEntry{
		Account: s.Account, Webhook: s.Webhook, Delivery: s.Delivery, Run: s.Run, Place: placeOf(&s.Change),
		SupersededBy: s.By, DueMs: milli(s.Due), Held: s.Held, Mark: s.Mark, Finished: s.Finished, Older: s.Older, After: s.After,
		Low: s.Low, OlderDueMs: milli(s.OlderDue),
	}
}

// savedOf is entryOf's reverse.
func savedOf(e *deliveryv1.GateEntry) gate.Saved {
	s := gate.Saved{
		Change: changeAt(e.GetPlace()), By: e.GetSupersededBy(), Due: ofMilli(e.GetDueMs()), Held: e.GetHeld(), Mark: e.GetMark(),
		Finished: e.GetFinished(), Older: e.GetOlder(), After: e.GetAfter(),
		Low: e.GetLow(), OlderDue: ofMilli(e.GetOlderDueMs()),
	}
	s.Account, s.Webhook, s.Delivery, s.Run = e.GetAccount(), e.GetWebhook(), e.GetDelivery(), e.GetRun()
	return s
}

// The zero time is 0 on the wire.

func milli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func ofMilli(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
