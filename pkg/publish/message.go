package publish

import (
	"context"
	"errors"

	"github.com/staffetta/staffetta/pkg/bus"
)

// ContentType of the messages that are published.
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
	Trace Trace
}

// Errors that callers tell by errors.Is.
var (
	// ErrRefused says that Kafka will never take this very message, whatever else
	// changes: it is larger than the topic allows. A relay sets it aside.
	ErrRefused = errors.New("message refused")
	// ErrTopic says that the topic takes no messages as things are: there is no
	// such topic, or this client may not write to it. A relay tries again later,
	// and goes on with other topics meanwhile.
	ErrTopic = errors.New("topic takes no messages")
	// ErrClosed says that the publisher was closed before Kafka had acknowledged.
	ErrClosed = bus.ErrClosed
)

// Producer gives messages to Kafka with acks=all. Messages of one key keep
// their order. A failure that may pass is the producer's to repeat. Publisher is
// one.
type Producer interface {
	// Produce queues a message and may block while its buffer is full, until
	// ctx ends. done is called once, with nil after the acknowledgement, with
	// ErrRefused or ErrTopic (by errors.Is), or with another error if the
	// producer gave up. If Produce returns an error, ErrTopic too, done is never
	// called.
	Produce(ctx context.Context, m Message, done func(error)) error
}
