package router

import (
	"testing"

	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/staffetta/staffetta/pkg/hook"
)

const traceID = "0af7651916cd43dd8448eb211c80319c"

func TestARecordedTraceGoesOnInASpanOfTheRouters(t *testing.T) {
	t.Parallel()
	spans := tracetest.NewInMemoryExporter()
	tracing := newTracing(sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)).Tracer(""), "events.contacts")
	e := hook.Trace{Parent: "00-" + traceID + "-b7ad6b7169203331-01", State: "vendor=1"}
	tracing.pass(t.Context(), &e)
	got := spans.GetSpans()
	require.Len(t, got, 1)
	require.Equal(t, "process events.contacts", got[0].Name)
	require.Equal(t, "b7ad6b7169203331", got[0].Parent.SpanID().String())
	require.Equal(t, hook.Trace{Parent: "00-" + traceID + "-" + got[0].SpanContext.SpanID().String() + "-01", State: "vendor=1"}, e)
}

func TestAnUnrecordedTraceGoesOnAsItCame(t *testing.T) {
	t.Parallel()
	spans := tracetest.NewInMemoryExporter()
	tracing := newTracing(sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)).Tracer(""), "events.contacts")
	came := hook.Trace{Parent: "00-" + traceID + "-b7ad6b7169203331-00", State: "vendor=1"}
	e := came
	tracing.pass(t.Context(), &e)
	require.Equal(t, came, e)
	require.Empty(t, spans.GetSpans())
}

func TestATraceBeginsWhereThereIsNone(t *testing.T) {
	t.Parallel()
	for sampler, flags := range map[sdktrace.Sampler]string{sdktrace.AlwaysSample(): "-01", sdktrace.NeverSample(): "-00"} {
		tracing := newTracing(sdktrace.NewTracerProvider(sdktrace.WithSampler(sampler)).Tracer(""), "events.contacts")
		var e hook.Trace
		tracing.pass(t.Context(), &e)
		require.Regexp(t, "^00-[0-9a-f]{32}-[0-9a-f]{16}"+flags+"$", e.Parent)
		require.Empty(t, e.State)
	}
}

func BenchmarkTracing(b *testing.B) {
	tracing := newTracing(sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(0.01)))).Tracer(""), "events.contacts")
	b.ReportAllocs()
	for b.Loop() {
		var e hook.Trace
		tracing.pass(b.Context(), &e)
	}
}
