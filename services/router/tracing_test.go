package router

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
)

const traceID = "0af7651916cd43dd8448eb211c80319c"

func TestARecordedTraceGoesOnInASpanOfTheRouters(t *testing.T) {
	t.Parallel()
	spans := tracetest.NewInMemoryExporter()
	tracing := newTracing(sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)).Tracer(""), "events.contacts", 3)
	e := hook.Event{ID: "e1", Trace: hook.Trace{Parent: "00-" + traceID + "-b7ad6b7169203331-01", State: "vendor=1"}}
	passed := tracing.pass(t.Context(), hook.Coordinates{Offset: 7}, &e)
	records := make([]bus.Record, 2)
	passed.carries(e.Trace, records)
	require.Empty(t, spans.GetSpans(), "the event is under way")
	passed.end(nil)

	got := spans.GetSpans()
	require.Len(t, got, 2)
	send, process := got[0], got[1]
	require.Equal(t, "process events.contacts", process.Name)
	require.Equal(t, trace.SpanKindConsumer, process.SpanKind)
	require.Equal(t, "b7ad6b7169203331", process.Parent.SpanID().String())
	require.Equal(t, "send deliveries", send.Name)
	require.Equal(t, trace.SpanKindProducer, send.SpanKind)
	require.Equal(t, process.SpanContext.SpanID(), send.Parent.SpanID())
	require.Contains(t, send.Attributes, attribute.Int("messaging.batch.message_count", 2))

	goesOn := "00-" + traceID + "-" + send.SpanContext.SpanID().String() + "-01"
	require.Equal(t, hook.Trace{Parent: goesOn, State: "vendor=1"}, e.Trace)
	for _, r := range records {
		require.Equal(t, []bus.Header{{Key: "traceparent", Value: []byte(goesOn)}, {Key: "tracestate", Value: []byte("vendor=1")}}, r.Headers)
	}
}

func TestAnUnrecordedTraceGoesOnAsItCame(t *testing.T) {
	t.Parallel()
	spans := tracetest.NewInMemoryExporter()
	tracing := newTracing(sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)).Tracer(""), "events.contacts", 3)
	came := hook.Trace{Parent: "00-" + traceID + "-b7ad6b7169203331-00", State: "vendor=1"}
	e := hook.Event{Trace: came}
	passed := tracing.pass(t.Context(), hook.Coordinates{}, &e)
	records := make([]bus.Record, 1)
	passed.carries(e.Trace, records)
	passed.end(nil)
	require.Equal(t, came, e.Trace)
	require.Nil(t, records[0].Headers)
	require.Empty(t, spans.GetSpans())
}

func TestATraceBeginsWhereThereIsNone(t *testing.T) {
	t.Parallel()
	for sampler, flags := range map[sdktrace.Sampler]string{sdktrace.AlwaysSample(): "-01", sdktrace.NeverSample(): "-00"} {
		tracing := newTracing(sdktrace.NewTracerProvider(sdktrace.WithSampler(sampler)).Tracer(""), "events.contacts", 3)
		var e hook.Event
		tracing.pass(t.Context(), hook.Coordinates{}, &e)
		require.Regexp(t, "^00-[0-9a-f]{32}-[0-9a-f]{16}"+flags+"$", e.Trace.Parent)
		require.Empty(t, e.Trace.State)
	}
}

func TestABatchIsASpanLinkedToItsRecordedEvents(t *testing.T) {
	t.Parallel()
	spans := tracetest.NewInMemoryExporter()
	tracing := newTracing(sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)).Tracer(""), "events.contacts", 3)
	record := func(span, flags string) bus.Record {
		return bus.Record{Headers: []bus.Header{{Key: "traceparent", Value: []byte("00-" + traceID + "-" + span + "-" + flags)}}}
	}
	tracing.polled(&bus.Batch{Records: []bus.Record{record("b7ad6b7169203331", "00"), {}}})
	require.Empty(t, spans.GetSpans(), "nobody looks")

	tracing.polled(&bus.Batch{Partition: 3, Records: []bus.Record{
		record("b7ad6b7169203331", "01"), {}, record("c7ad6b7169203331", "00"), record("d7ad6b7169203331", "01"),
	}})
	got := spans.GetSpans()
	require.Len(t, got, 1)
	require.Equal(t, "poll events.contacts", got[0].Name)
	require.Equal(t, trace.SpanKindClient, got[0].SpanKind)
	require.Contains(t, got[0].Attributes, attribute.Int("messaging.batch.message_count", 4))
	require.Len(t, got[0].Links, 2)
	require.Equal(t, "b7ad6b7169203331", got[0].Links[0].SpanContext.SpanID().String())
	require.Equal(t, "d7ad6b7169203331", got[0].Links[1].SpanContext.SpanID().String())
}

func BenchmarkTracing(b *testing.B) {
	tracing := newTracing(sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(0.01)))).Tracer(""), "events.contacts", 3)
	b.ReportAllocs()
	for b.Loop() {
		var e hook.Event
		passed := tracing.pass(b.Context(), hook.Coordinates{}, &e)
		passed.end(nil)
	}
}
