package upstream

import (
	"context"
	"errors"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/publish"
)

// producer gives the relay's messages to the bus.
type producer struct {
	bus *bus.Producer
}

// Produce is that of publish.Producer.
func (p producer) Produce(ctx context.Context, m publish.Message, done func(error)) error {
	record := bus.Record{
		Topic:     m.Topic,
		Partition: bus.AnyPartition,
		Key:       []byte(m.Key),
		Value:     m.Value,
		Headers:   []bus.Header{{Key: "content-type", Value: []byte(publish.ContentType)}},
	}
	if m.Trace.Parent != "" {
		record.Headers = append(record.Headers, bus.Header{Key: "traceparent", Value: []byte(m.Trace.Parent)})
	}
	if m.Trace.State != "" {
		record.Headers = append(record.Headers, bus.Header{Key: "tracestate", Value: []byte(m.Trace.State)})
	}
	return p.bus.Produce(ctx, record, func(_ hook.Coordinates, err error) {
		if errors.Is(err, bus.ErrTooLarge) {
			err = errors.Join(publish.ErrRefused, err)
		}
		done(err)
	})
}
