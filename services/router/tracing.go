package router

import (
	"context"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/telemetry"
)

// tracing makes an event's trace go on in spans of the router's.
type tracing struct {
	polling, processing, sending telemetry.Operation
}

func newTracing(tracer trace.Tracer, topic string, partition int) tracing {
	return tracing{
		polling:    telemetry.NewPoll(tracer, topic, Group),
		processing: telemetry.NewProcess(tracer, topic, Group).On(partition),
		sending:    telemetry.NewSend(tracer, bus.Deliveries),
	}
}

// polled makes a span of a batch, linked to those of its events that are recorded.
func (t *tracing) polled(batch *bus.Batch) {
	t.polling.Batch(batch.Partition, len(batch.Records), func(yield func([]byte) bool) {
		for i := range batch.Records {
			if parent, ok := batch.Records[i].Header("traceparent"); ok && !yield(parent) {
				return
			}
		}
	})
}

// passage is the way of one event through the router, if somebody records it: the
// event's processing, and in it the sending of its deliveries.
type passage struct {
	processing, sending trace.Span
}

// pass puts the event into the router's spans; end ends them. A trace that nobody
// records goes on as it came, and one begins where there is none.
func (t *tracing) pass(ctx context.Context, at hook.Coordinates, event *hook.Event) (p passage) {
	if unsampled(event.Trace.Parent) {
		return p
	}
	ctx, span := t.processing.Start(telemetry.Extract(ctx, event.Trace))
	if !span.IsRecording() {
		event.Trace = telemetry.Inject(ctx)
		return p
	}
	span.SetAttributes(attribute.Int64("messaging.kafka.offset", at.Offset), attribute.String("messaging.message.id", event.ID),
		attribute.String("staffetta.account", event.Account), attribute.String("staffetta.item_type", event.ItemType))
	ctx, sending := t.sending.Start(ctx)
	event.Trace = telemetry.Inject(ctx)
	return passage{processing: span, sending: sending}
}

// carries adds the event's trace to the records, as headers.
func (p *passage) carries(of hook.Trace, records []bus.Record) {
	if p.sending == nil {
		return
	}
	p.sending.SetAttributes(attribute.Int("messaging.batch.message_count", len(records)))
	header := []bus.Header{{Key: "traceparent", Value: []byte(of.Parent)}}
	if of.State != "" {
		header = append(header, bus.Header{Key: "tracestate", Value: []byte(of.State)})
	}
	for i := range records {
		records[i].Headers = header
	}
}

// end ends the spans; why is nil if all went well.
func (p *passage) end(why error) {
	if p.sending == nil {
		return
	}
	if why != nil {
		p.sending.SetStatus(codes.Error, why.Error())
		p.processing.SetStatus(codes.Error, why.Error())
	}
	p.sending.End()
	p.processing.End()
}

// span is whose trace it is; of one that nobody records it is none.
func (p *passage) span() trace.SpanContext {
	if p.processing == nil {
		return trace.SpanContext{}
	}
	return p.processing.SpanContext()
}

// unsampled tells that whoever began the trace decided not to record it: its
// traceparent, 00-<trace>-<span>-<flags>, ends with flags that say so.
func unsampled(parent string) bool {
	const size = len("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")
	return len(parent) == size && strings.HasPrefix(parent, "00-") && !telemetry.Sampled(parent)
}
