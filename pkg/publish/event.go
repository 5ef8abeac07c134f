package publish

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/propagation"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/catalogue"
	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
)

type (
	// Event is one change of one or more items of a type. Its Source and
	// Published are Kafka's to say and not looked at here.
	Event = hook.Event
	// EventType is the kind of a change.
	EventType = hook.EventType
	// Item is one changed item.
	Item = hook.Item
	// Reference names an item of another type.
	Reference = hook.Reference
	// Trace is a W3C trace context.
	Trace = hook.Trace
	// Reject says which fields break which rules, with the values that they have.
	Reject = codec.Reject
)

// The kinds of a change.
const (
	Create = hook.Create
	Update = hook.Update
	Delete = hook.Delete
)

// prepare makes the message of an event for a topic. It gives the event an id
// (UUIDv7) and a date (the present, UTC) where it lacks them. An event that the
// router would refuse gives *Reject, a topic that takes no events hook.Invalid.
func prepare(ctx context.Context, topic string, e *Event, now time.Time) (Message, error) {
	if err := checkTopic(topic); err != nil {
		return Message{}, err
	}
	if e.ID == "" {
		id, err := uuid.NewV7()
		if err != nil {
			return Message{}, fmt.Errorf("event id: %w", err)
		}
		e.ID = id.String()
	}
	if e.Date == "" {
		e.Date = now.UTC().Format("2006-01-02T15:04:05.000Z07:00")
	}
	// As the router reads it. Under two names of one type, changes of one item
	// would go to two partitions.
	e.ItemType = catalogue.Canonical(e.ItemType)
	value, err := codec.EncodeJSON(*e)
	if err != nil {
		return Message{}, err
	}
	return Message{Topic: topic, Key: e.Account + "/" + e.ItemType, Value: value, Trace: traceOf(ctx, e.Trace)}, nil
}

// topicName is what Kafka takes as a topic's name.
var topicName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,249}$`)

// checkTopic refuses what is no topic, and Staffetta's own, whose records are
// of other forms.
func checkTopic(topic string) error {
	var invalid hook.Invalid
	switch {
	case !topicName.MatchString(topic) || topic == "." || topic == "..":
		invalid.Add("topic", topic, "must be 1 to 249 characters of A-Z a-z 0-9 . _ -")
	case bus.Internal(topic) || strings.HasPrefix(topic, "__"):
		invalid.Add("topic", topic, "must be a topic of events, such as events.contacts: this one has records of another form")
	}
	return invalid.Err()
}

// traceOf is the trace context of ctx, or the other one if ctx has none.
func traceOf(ctx context.Context, other Trace) Trace {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	if carrier["traceparent"] == "" {
		return other
	}
	return Trace{Parent: carrier["traceparent"], State: carrier["tracestate"]}
}
