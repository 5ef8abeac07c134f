package router

import (
	"context"
	"strings"

	"go.opentelemetry.io/otel/trace"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/telemetry"
)

// tracing makes an event's trace continue in a span of the router's.
type tracing struct {
	tracer  trace.Tracer
	name    string
	options []trace.SpanStartOption
}

func newTracing(tracer trace.Tracer, topic string) tracing {
	return tracing{
		tracer: tracer, name: "process " + topic,
		options: []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindConsumer)},
	}
}

// pass puts the event into the router's span. A trace that nobody records goes on
// as it came, and one begins where there is none.
func (t *tracing) pass(ctx context.Context, event *hook.Trace) {
	if unsampled(event.Parent) {
		return
	}
	carried := telemetry.Carrier(*event)
	if event.Parent != "" {
		ctx = telemetry.Propagator.Extract(ctx, &carried)
	}
	ctx, span := t.tracer.Start(ctx, t.name, t.options...)
	span.End()
	carried = telemetry.Carrier{}
	telemetry.Propagator.Inject(ctx, &carried)
	*event = hook.Trace(carried)
}

// unsampled tells that whoever began the trace decided not to record it: its
// traceparent, 00-<trace>-<span>-<flags>, ends with flags that say so.
func unsampled(parent string) bool {
	const size = len("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")
	return len(parent) == size && strings.HasPrefix(parent, "00-") && strings.HasSuffix(parent, "-00")
}
