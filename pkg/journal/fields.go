package journal

import (
	"time"

	"github.com/staffetta/staffetta/pkg/hook"
	deliveryv1 "github.com/staffetta/staffetta/proto/staffetta/delivery/v1"
	eventv1 "github.com/staffetta/staffetta/proto/staffetta/event/v1"
)

var fates = map[hook.Fate]deliveryv1.Fate{
	hook.FateDelivered:  deliveryv1.Fate_FATE_DELIVERED,
	hook.FateRetrying:   deliveryv1.Fate_FATE_RETRYING,
	hook.FateExhausted:  deliveryv1.Fate_FATE_EXHAUSTED,
	hook.FateHeld:       deliveryv1.Fate_FATE_HELD,
	hook.FateDropped:    deliveryv1.Fate_FATE_DROPPED,
	hook.FateCancelled:  deliveryv1.Fate_FATE_CANCELLED,
	hook.FateSuperseded: deliveryv1.Fate_FATE_SUPERSEDED,
	hook.FatePending:    deliveryv1.Fate_FATE_PENDING,
}

var eventTypes = map[hook.EventType]eventv1.EventType{
	hook.Create: eventv1.EventType_EVENT_TYPE_CREATE,
	hook.Update: eventv1.EventType_EVENT_TYPE_UPDATE,
	hook.Delete: eventv1.EventType_EVENT_TYPE_DELETE,
}

var (
	fateNames      = inverse(fates)
	eventTypeNames = inverse(eventTypes)
)

func inverse[K, V comparable](m map[K]V) map[V]K {
	out := make(map[V]K, len(m))
	for k, v := range m {
		out[v] = k
	}
	return out
}

func toCoordinates(c hook.Coordinates) *deliveryv1.Coordinates {
	if c == (hook.Coordinates{}) {
		return nil
	}
	return &deliveryv1.Coordinates{Topic: clean(c.Topic), Partition: int32(c.Partition), Offset: c.Offset}
}

func fromCoordinates(c *deliveryv1.Coordinates) hook.Coordinates {
	return hook.Coordinates{Topic: c.GetTopic(), Partition: int(c.GetPartition()), Offset: c.GetOffset()}
}

func toHeaders(all []hook.Header) []*deliveryv1.Header {
	out := make([]*deliveryv1.Header, len(all))
	for i, h := range all {
		out[i] = &deliveryv1.Header{Name: clean(h.Name), Value: clean(h.Value)}
	}
	return out
}

func fromHeaders(all []*deliveryv1.Header) []hook.Header {
	if len(all) == 0 {
		return nil
	}
	out := make([]hook.Header, len(all))
	for i, h := range all {
		out[i] = hook.Header{Name: h.GetName(), Value: h.GetValue()}
	}
	return out
}

// The zero time is 0 on the wire.

func toMillis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func toMicros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
