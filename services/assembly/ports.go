package assembly

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/redisstore"
	"github.com/staffetta/staffetta/pkg/telemetry"
	deliveryv1 "github.com/staffetta/staffetta/proto/staffetta/delivery/v1"
	"github.com/staffetta/staffetta/services/api"
	"github.com/staffetta/staffetta/services/sender"
	"go.opentelemetry.io/otel/propagation"
)

// circuits shows the breakers of a sender to people.
type circuits struct{ store *redisstore.Circuits }

// Report passes states on.
func (c circuits) Report(ctx context.Context, states []sender.Circuit) error {
	reported := make([]redisstore.Circuit, len(states))
	for i, s := range states {
		reported[i] = redisstore.Circuit(s)
	}
	return c.store.Report(ctx, reported)
}

// ingest is the api's way into Kafka.
type ingest struct{ producer *bus.Producer }

// Publish produces events to events.ingest, keyed as upstream's own are.
func (i ingest) Publish(ctx context.Context, events []api.EncodedEvent) error {
	carrier := propagation.MapCarrier{}
	telemetry.Propagator.Inject(ctx, carrier)
	var headers []bus.Header
	for key, value := range carrier {
		headers = append(headers, bus.Header{Key: key, Value: []byte(value)})
	}
	records := make([]bus.Record, len(events))
	for n, e := range events {
		records[n] = bus.Record{
			Topic: bus.EventsPrefix + "ingest", Partition: bus.AnyPartition,
			Key: []byte(e.Account + "/" + e.ItemType), Value: e.Value, Headers: headers,
		}
	}
	return i.producer.ProduceSync(ctx, records...)
}

// payloads reads what was delivered from the topic deliveries.
type payloads struct{ bus *bus.Client }

// Payload returns the event of a bundle. hook.ErrNotFound if Kafka no longer
// has it.
func (p payloads) Payload(ctx context.Context, at hook.Coordinates) (hook.Event, error) {
	record, err := p.bus.ReadAt(ctx, at)
	if errors.Is(err, bus.ErrGone) {
		return hook.Event{}, fmt.Errorf("record %s: %w", at, hook.ErrNotFound)
	}
	if err != nil {
		return hook.Event{}, err
	}
	var b deliveryv1.Bundle
	if err := proto.Unmarshal(record.Value, &b); err != nil {
		return hook.Event{}, fmt.Errorf("record %s is no bundle: %w", at, err)
	}
	return codec.FromChange(b.GetChange()), nil
}
