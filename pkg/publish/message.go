package publish

import (
	"context"
	"errors"

	"github.com/staffetta/staffetta/pkg/hook"
)

// ContentType of the messages that a relay publishes.
const ContentType = "application/json"

// Message is one event on its way to Kafka.
type Message struct {
	Topic string
	// Key is "account/itemType", so that changes of one type stay in order.
	Key string
	// Value is the event as JSON.
	Value []byte
	// Trace goes into the headers traceparent and tracestate, if not empty;
	// the header content-type is ContentType.
	Trace hook.Trace
}

// ErrRefused says that Kafka will never take this very message, whatever else
// changes: the relay sets it aside and goes on.
var ErrRefused = errors.New("message refused")

// Producer gives messages to Kafka with acks=all. Messages of one key keep
// their order. A failure that may pass is the producer's to repeat.
type Producer interface {
	// Produce queues a message and may block while its buffer is full, until
	// ctx ends. done is called once, with nil after the acknowledgement, with
	// ErrRefused (by errors.Is) if the message can never be written, or with
	// another error if the producer gave up. If Produce returns an error, done
	// is never called.
	Produce(ctx context.Context, m Message, done func(error)) error
}
