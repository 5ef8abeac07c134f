package router

import (
	"context"
	"strings"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/staffetta/staffetta/pkg/hook"
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
	carried := carrier(*event)
	if event.Parent != "" {
		ctx = propagation.TraceContext{}.Extract(ctx, &carried)
	}
	ctx, span := t.tracer.Start(ctx, t.name, t.options...)
	span.End()
	carried = carrier{}
	propagation.TraceContext{}.Inject(ctx, &carried)
	*event = hook.Trace(carried)
}

// unsampled tells that whoever began the trace decided not to record it: its
// traceparent, 00-<trace>-<span>-<flags>, ends with flags that say so.
func unsampled(parent string) bool {
	const size = len("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")
	return len(parent) == size && strings.HasPrefix(parent, "00-") && strings.HasSuffix(parent, "-00")
}

// carrier lets OpenTelemetry read and write a trace.
type carrier hook.Trace

// Get implements propagation.TextMapCarrier.
func (c *carrier) Get(key string) string {
	switch key {
	case "traceparent":
		return c.Parent
	case "tracestate":
		return c.State
	default:
		return ""
	}
}

// Set implements propagation.TextMapCarrier.
func (c *carrier) Set(key, value string) {
	switch key {
	case "traceparent":
		c.Parent = value
	case "tracestate":
		c.State = value
	}
}

// Keys implements propagation.TextMapCarrier.
func (c *carrier) Keys() []string { return []string{"traceparent", "tracestate"} }
