package sender

import (
	"context"
	"encoding/hex"
	"math/rand/v2"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/bus"
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
func (o *owner) follow(t *task, to *prepared) trail {
	if parent := t.event.Trace.Parent; unsampled(parent) {
		return trail{context: hook.Trace{Parent: child(parent), State: t.event.Trace.State}, id: parent[traceAt:traceEnd]}
	}
	return o.span(t, to)
}

// span begins the spans of an attempt: the processing of its task, since that was
// handed out, and in it the request. It is apart because it needs much of the stack,
// which would have to grow for it on the way to every request.
func (o *owner) span(t *task, to *prepared) trail {
	about := trace.WithAttributes(
		attribute.String("staffetta.account", t.account), attribute.String("staffetta.webhook.id", t.webhook),
		attribute.String("staffetta.delivery.id", t.delivery), attribute.Int("staffetta.attempt", t.attempts+1))
	topic := t.from
	if topic == "" {
		topic = bus.Deliveries
	}
	options := []trace.SpanStartOption{
		about, trace.WithAttributes(attribute.String("messaging.message.id", t.delivery), attribute.String("staffetta.item_type", t.event.ItemType)),
	}
	if !t.handed.at.IsZero() {
		options = append(options, trace.WithTimestamp(t.handed.at))
	}
	if before := trace.SpanContextFromContext(telemetry.Extract(context.Background(), hook.Trace{Parent: t.before})); before.IsValid() {
		options = append(options, trace.WithLinks(trace.Link{SpanContext: before}))
	}
	processing := telemetry.NewProcess(o.service.Tracer, topic, Group).On(o.partition)
	ctx, work := processing.Start(telemetry.Extract(context.Background(), t.event.Trace), options...)
	t.work.Store(&work)
	ctx, span := o.service.Tracer.Start(ctx, "POST", trace.WithSpanKind(trace.SpanKindClient), about, trace.WithAttributes(
		attribute.String("http.request.method", "POST"), attribute.String("url.full", to.to.Shown),
		attribute.String("server.address", to.to.Host()), attribute.Int("server.port", to.to.Port())))
	if t.attempts > 0 {
		span.SetAttributes(attribute.Int("http.request.resend_count", t.attempts))
	}
	return trail{context: telemetry.Inject(ctx), id: span.SpanContext().TraceID().String(), span: span}
}

// sampled reports whether somebody records the trace.
func (t *trail) sampled() bool { return t.span != nil && t.span.SpanContext().IsSampled() }

// end closes the attempt's span, if there is one.
func (t *trail) end(out *outcome) {
	if t.span == nil {
		return
	}
	if out.status != 0 {
		t.span.SetAttributes(attribute.Int("http.response.status_code", out.status))
	}
	if out.reason != hook.ReasonNone {
		t.span.SetAttributes(attribute.String("error.type", string(out.reason)))
		t.span.SetStatus(codes.Error, string(out.reason))
	}
	t.span.End()
}

// decided notes a task's fate in the span of its processing, if there is one.
func (t *task) decided(a *hook.Attempt) {
	work := t.work.Load()
	if work == nil {
		return
	}
	(*work).SetAttributes(attribute.String("staffetta.fate", string(a.Fate)))
	if a.Reason != hook.ReasonNone {
		(*work).SetStatus(codes.Error, string(a.Reason))
	}
}

// worked ends the span of a task's processing, if there is one.
func (t *task) worked() {
	if work := t.work.Swap(nil); work != nil {
		(*work).End()
	}
}

// sendsTo gives the headers of a task's record in a tier, by which the attempt that
// follows is linked to the one before: nil, if nobody records the trace. sent is to be
// called when the record is written.
func (o *owner) sendsTo(tier string, t *task) (header []bus.Header, sent func()) {
	sent = func() {}
	if work := t.work.Load(); work != nil && (*work).IsRecording() {
		sending := telemetry.NewSend(o.service.Tracer, tier).On(o.partition)
		ctx, span := sending.Start(trace.ContextWithSpan(context.Background(), *work))
		t.before = telemetry.Inject(ctx).Parent
		sent = func() { span.End() }
	}
	return t.linked(), sent
}

// linked is the header that names the attempt before, if there is one to be named.
func (t *task) linked() []bus.Header {
	if t.before == "" {
		return nil
	}
	return []bus.Header{{Key: traceparent, Value: []byte(t.before)}}
}

const traceparent = "traceparent"

// parentOf is the traceparent of a record whose trace somebody records, or "".
func parentOf(r *bus.Record) string {
	if parent, ok := r.Header(traceparent); ok && telemetry.Sampled(parent) {
		return string(parent)
	}
	return ""
}

// polled makes a span of a batch, if somebody records one of its records' traces.
func (s *Service) polled(b *bus.Batch) {
	for i := range b.Records {
		if parentOf(&b.Records[i]) == "" {
			continue
		}
		polling := telemetry.NewPoll(s.Tracer, b.Topic, Group)
		polling.Batch(b.Partition, len(b.Records), func(yield func([]byte) bool) {
			for n := range b.Records[i:] {
				if parent, ok := b.Records[i+n].Header(traceparent); ok && !yield(parent) {
					return
				}
			}
		})
		return
	}
}

// traceField names a task's trace in a log line; it is no field while the task's event
// is not here.
func (t *task) traceField() zap.Field {
	if t.event == nil || t.event.Trace.Parent == "" {
		return zap.Skip()
	}
	return zap.String("traceId", traceID(t.event.Trace.Parent))
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
	return len(parent) == parentLength && parent[:traceAt] == "00-" && !telemetry.Sampled(parent)
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
