package codec

import (
	"time"

	"github.com/staffetta/staffetta/pkg/hook"
	deliveryv1 "github.com/staffetta/staffetta/proto/staffetta/delivery/v1"
)

// ToChange puts an event into the form that the path carries. It shares the
// event's memory. Published is kept to the millisecond, as Kafka has it.
func ToChange(e hook.Event) *deliveryv1.Change {
	c := &deliveryv1.Change{
		Event: toEntityChange(&e),
		Source: &deliveryv1.Coordinates{
			Topic:     e.Source.Topic,
			Partition: int32(e.Source.Partition),
			Offset:    e.Source.Offset,
		},
		Traceparent: e.Trace.Parent,
		Tracestate:  e.Trace.State,
	}
	if !e.Published.IsZero() {
		c.PublishedMs = e.Published.UnixMilli()
	}
	return c
}

// FromChange is the reverse of ToChange. It checks nothing: only what Decode
// let pass is ever put into a change.
func FromChange(c *deliveryv1.Change) hook.Event {
	source := c.GetSource()
	e := hook.Event{
		Source: hook.Coordinates{
			Topic:     source.GetTopic(),
			Partition: int(source.GetPartition()),
			Offset:    source.GetOffset(),
		},
		Trace: hook.Trace{Parent: c.GetTraceparent(), State: c.GetTracestate()},
	}
	if ms := c.GetPublishedMs(); ms != 0 {
		e.Published = time.UnixMilli(ms).UTC()
	}
	fromEntityChange(&e, c.GetEvent())
	return e
}
