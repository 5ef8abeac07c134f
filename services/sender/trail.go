package sender

import (
	"context"
	"encoding/hex"
	"math/rand/v2"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/telemetry"
)

// trail is the trace that an attempt goes on with: the producer's.
type trail struct {
	// context is what the receiver gets as traceparent and tracestate.
	context hook.Trace
	// id is the trace's, as the log shows it.
	id string
	// span is nil if nobody looks at this trace.
	span trace.Span
}

// follow gives the attempt an id in the event's trace and, if that is sampled, a
// span. Most are not: those cost a few random bytes.
func (o *owner) follow(t *task) trail {
	if parent := t.event.Trace.Parent; unsampled(parent) {
		return trail{context: hook.Trace{Parent: child(parent), State: t.event.Trace.State}, id: parent[traceAt:traceEnd]}
	}
	return o.span(t)
}

// span begins a span. It is apart because it needs much of the stack, which would
// have to grow for it on the way to every request.
func (o *owner) span(t *task) trail {
	carried := telemetry.Carrier(t.event.Trace)
	ctx := telemetry.Propagator.Extract(context.Background(), &carried)
	ctx, span := o.service.Tracer.Start(ctx, "POST", trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(attribute.String("staffetta.delivery.id", t.delivery)))
	carried = telemetry.Carrier{}
	telemetry.Propagator.Inject(ctx, &carried)
	return trail{context: hook.Trace(carried), id: span.SpanContext().TraceID().String(), span: span}
}

// append adds the trace's headers.
func (t *trail) append(dst []hook.Header) []hook.Header {
	if t.context.Parent == "" {
		return dst
	}
	dst = append(dst, hook.Header{Name: "Traceparent", Value: t.context.Parent})
	if t.context.State != "" {
		dst = append(dst, hook.Header{Name: "Tracestate", Value: t.context.State})
	}
	return dst
}

// The fields of a traceparent of version 00: 00-<trace>-<span>-<flags>.
const (
	traceAt, traceEnd = 3, 35
	spanAt, spanEnd   = 36, 52
	parentLength      = 55
)

// unsampled reports whether whoever began the trace decided not to record it: the
// last bit of the flags is off. The router has made sure of the form.
func unsampled(parent string) bool {
	if len(parent) != parentLength || parent[:traceAt] != "00-" {
		return false
	}
	switch parent[parentLength-1] {
	case '0', '2', '4', '6', '8', 'a', 'c', 'e':
		return true
	default:
		return false
	}
}

// child is a traceparent of the same trace with an id of its own.
func child(parent string) string {
	var text [parentLength]byte
	copy(text[:], parent)
	var id [8]byte
	for n, bits := 0, rand.Uint64()|1; n < len(id); n++ { // never all zero: that means no id
		id[n] = byte(bits >> (8 * n))
	}
	hex.Encode(text[spanAt:spanEnd], id[:])
	return string(text[:])
}
