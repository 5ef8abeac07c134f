package telemetry

import (
	"context"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/staffetta/staffetta/pkg/hook"
)

// Operation makes the spans of one kind of work on one Kafka topic, named and
// described by OpenTelemetry's conventions for messaging: "send deliveries", "poll
// deliveries", "process deliveries".
type Operation struct {
	tracer trace.Tracer
	name   string
	kind   []trace.SpanStartOption
	about  []attribute.KeyValue
}

// NewSend is writing messages: their spans' context goes into the messages.
func NewSend(tracer trace.Tracer, topic string) Operation {
	return operation(tracer, "send", "send", topic, "", trace.SpanKindProducer)
}

// NewPoll is getting a batch of messages out of Kafka.
func NewPoll(tracer trace.Tracer, topic, group string) Operation {
	return operation(tracer, "poll", "receive", topic, group, trace.SpanKindClient)
}

// NewProcess is working on one message.
func NewProcess(tracer trace.Tracer, topic, group string) Operation {
	return operation(tracer, "process", "process", topic, group, trace.SpanKindConsumer)
}

func operation(tracer trace.Tracer, name, kind, topic, group string, span trace.SpanKind) Operation {
	about := []attribute.KeyValue{
		attribute.String("messaging.system", "kafka"),
		attribute.String("messaging.operation.name", name),
		attribute.String("messaging.operation.type", kind),
		attribute.String("messaging.destination.name", topic),
	}
	if group != "" {
		about = append(about, attribute.String("messaging.consumer.group.name", group))
	}
	return Operation{tracer: tracer, name: name + " " + topic, kind: []trace.SpanStartOption{trace.WithSpanKind(span)}, about: about}
}

// On is the operation on one partition.
func (o Operation) On(partition int) Operation {
	o.about = append(o.about[:len(o.about):len(o.about)], Partition(partition))
	return o
}

// Start begins a span in the trace of ctx.
func (o *Operation) Start(ctx context.Context, options ...trace.SpanStartOption) (context.Context, trace.Span) {
	if len(options) > 0 {
		options = append(options, o.kind...)
	} else {
		options = o.kind
	}
	ctx, span := o.tracer.Start(ctx, o.name, options...)
	if span.IsRecording() { // most are not, and describing them costs more than they do
		span.SetAttributes(o.about...)
	}
	return ctx, span
}

// maxLinks is what OpenTelemetry's SDK keeps of a span's links by default.
const maxLinks = 128

// Batch makes the span of a batch that was got, with links to those of its messages'
// traces that are recorded, and none if there are none. It has no duration: the
// messages were fetched before anybody asked for them.
func (o *Operation) Batch(partition, messages int, parents func(yield func(traceparent []byte) bool)) {
	var links []trace.Link
	for parent := range parents {
		if !Sampled(parent) {
			continue
		}
		if of := trace.SpanContextFromContext(Extract(context.Background(), hook.Trace{Parent: string(parent)})); of.IsValid() {
			links = append(links, trace.Link{SpanContext: of})
		}
		if len(links) == maxLinks {
			break
		}
	}
	if len(links) == 0 {
		return
	}
	now := time.Now()
	_, span := o.Start(context.Background(), trace.WithLinks(links...), trace.WithTimestamp(now),
		trace.WithAttributes(Partition(partition), attribute.Int("messaging.batch.message_count", messages)))
	span.End(trace.WithTimestamp(now))
}

// Partition says on which partition an operation works.
func Partition(p int) attribute.KeyValue {
	return attribute.String("messaging.destination.partition.id", strconv.Itoa(p))
}

// Extract puts a message's trace into a context.
func Extract(ctx context.Context, from hook.Trace) context.Context {
	if from.Parent == "" {
		return ctx
	}
	carried := Carrier(from)
	return Propagator.Extract(ctx, &carried)
}

// Inject is the trace of a context, as a message carries it.
func Inject(ctx context.Context) hook.Trace {
	var carried Carrier
	Propagator.Inject(ctx, &carried)
	return hook.Trace(carried)
}

// Sampled reports whether a traceparent, 00-<trace>-<span>-<flags>, says that
// somebody records the trace. It need not be valid otherwise.
func Sampled[text string | []byte](parent text) bool {
	const size = len("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	if len(parent) != size {
		return false
	}
	switch parent[size-1] {
	case '1', '3', '5', '7', '9', 'b', 'd', 'f':
		return true
	default:
		return false
	}
}
