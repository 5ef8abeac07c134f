package assembly

import (
	"context"
	"fmt"
	"time"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/redisstore"
	"github.com/staffetta/staffetta/pkg/rerun"
	"github.com/staffetta/staffetta/pkg/telemetry"
	"github.com/staffetta/staffetta/services/api"
	"github.com/staffetta/staffetta/services/sender"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
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
type ingest struct {
	producer *bus.Producer
	sending  telemetry.Operation
}

// Publish produces events to events.ingest, keyed as upstream's own are.
func (i ingest) Publish(ctx context.Context, events []api.EncodedEvent) error {
	ctx, span := i.sending.Start(ctx, trace.WithAttributes(attribute.Int("messaging.batch.message_count", len(events))))
	defer span.End()
	carrier := propagation.MapCarrier{}
	telemetry.Propagator.Inject(ctx, carrier)
	var headers []bus.Header
	for key, value := range carrier {
		headers = append(headers, bus.Header{Key: key, Value: []byte(value)})
	}
	records := make([]bus.Record, len(events))
	for n, e := range events {
		records[n] = bus.Record{
			Topic: eventsIngest, Partition: bus.AnyPartition,
			Key: []byte(e.Account + "/" + e.ItemType), Value: e.Value, Headers: headers,
		}
	}
	err := i.producer.ProduceSync(ctx, records...)
	if err != nil {
		span.SetStatus(codes.Error, err.Error())
	}
	return err
}

// eventsIngest is where events go that come by REST.
const eventsIngest = bus.EventsPrefix + "ingest"

// payloads reads what was delivered from the topic deliveries.
type payloads struct{ bus *bus.Client }

// Payload implements api.Payloads.
func (p payloads) Payload(ctx context.Context, d hook.Delivery) (hook.Event, error) {
	payload, err := rerun.Read(ctx, p.bus, &d)
	if rerun.Gone(err) {
		err = fmt.Errorf("%w: %w", hook.ErrNotFound, err)
	}
	return payload.Event, err
}

// reruns is the api's way to make a delivery happen again.
type reruns struct {
	bus      *bus.Client
	producer *bus.Producer
}

// Rerun reads what happened and writes it to deliveries in a new run.
// hook.ErrNotFound if Kafka no longer has it.
func (r reruns) Rerun(ctx context.Context, d hook.Delivery, run int64) error {
	payload, err := rerun.Read(ctx, r.bus, &d)
	if rerun.Gone(err) {
		return fmt.Errorf("payload of delivery %q: %w", d.ID, hook.ErrNotFound)
	}
	if err != nil {
		return err
	}
	partitions, err := r.bus.Partitions(ctx, bus.Deliveries)
	if err != nil {
		return err
	}
	record, err := payload.To(d.Webhook, run, partitions)
	if err != nil {
		return err
	}
	return r.producer.ProduceSync(ctx, record)
}

// tests is the api's way to have a webhook tried out.
type tests struct {
	bus      *bus.Client
	producer *bus.Producer
}

// Try implements api.Tests: it writes to deliveries what a router would, marked.
func (t tests) Try(ctx context.Context, w *hook.Webhook, events []hook.Event) error {
	partitions, err := t.bus.Partitions(ctx, bus.Deliveries)
	if err != nil {
		return err
	}
	carrier := propagation.MapCarrier{}
	telemetry.Propagator.Inject(ctx, carrier)
	records := make([]bus.Record, len(events))
	for n := range events {
		e := events[n]
		e.Trace = hook.Trace{Parent: carrier["traceparent"], State: carrier["tracestate"]}
		payload := rerun.Of(&e).AsTest()
		if w.Format.PerItem() {
			payload = payload.EachItem()
		}
		if records[n], err = payload.To(w.ID, 0, partitions); err != nil {
			return err
		}
	}
	return t.producer.ProduceSync(ctx, records...)
}

// topics is what the api knows of Kafka's settings.
type topics struct {
	bus *bus.Client
	// events are the topics of the installation's own producers.
	events []string
}

// Kept implements api.Topics.
func (t topics) Kept(ctx context.Context) (map[string]time.Duration, error) {
	var names []string
	for _, spec := range bus.Topics(0, t.events) {
		names = append(names, spec.Name)
	}
	return t.bus.Kept(ctx, names)
}
