package publish

import (
	"context"
	"errors"
	"fmt"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
)

// Produce is that of Producer, so that a relay can publish by it.
func (p *Publisher) Produce(ctx context.Context, m Message, done func(error)) error {
	err := p.producer.Produce(ctx, record(m), func(_ hook.Coordinates, err error) { done(sorted(m, err)) })
	if err = sorted(m, err); errors.Is(err, ErrRefused) {
		done(err) // about this message alone, like what Kafka refuses
		return nil
	}
	return err
}

// record leaves the partition to the bus, which chooses it as Java clients do.
func record(m Message) bus.Record {
	r := bus.Record{
		Topic:     m.Topic,
		Partition: bus.AnyPartition,
		Key:       []byte(m.Key),
		Value:     m.Value,
		Headers:   []bus.Header{{Key: "content-type", Value: []byte(ContentType)}},
	}
	if m.Trace.Parent != "" {
		r.Headers = append(r.Headers, bus.Header{Key: "traceparent", Value: []byte(m.Trace.Parent)})
		if m.Trace.State != "" {
			r.Headers = append(r.Headers, bus.Header{Key: "tracestate", Value: []byte(m.Trace.State)})
		}
	}
	return r
}

// sorted puts an error of the bus under those of this package.
func sorted(m Message, err error) error {
	switch {
	case err == nil:
		return nil
	case bus.Refused(err):
		return fmt.Errorf("%w: %d bytes for topic %q: %w", ErrRefused, len(m.Value), m.Topic, err)
	case errors.Is(err, bus.ErrNoTopic), bus.Forbidden(err):
		return fmt.Errorf("%w: %q: %w", ErrTopic, m.Topic, err)
	}
	return err
}
