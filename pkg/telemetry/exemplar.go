package telemetry

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"
)

// Observe adds a value to a histogram, with the trace as its exemplar if somebody
// records that one: nothing else can be looked at.
func Observe(into prometheus.Observer, value float64, of trace.SpanContext) {
	if of.IsSampled() {
		ObserveTrace(into, value, of.TraceID().String())
		return
	}
	into.Observe(value)
}

// ObserveTrace is Observe for a trace that is recorded, by its id.
func ObserveTrace(into prometheus.Observer, value float64, traceID string) {
	if able, ok := into.(prometheus.ExemplarObserver); ok && traceID != "" {
		able.ObserveWithExemplar(value, prometheus.Labels{"trace_id": traceID})
		return
	}
	into.Observe(value)
}

// TraceOf names the trace of a context in a log line; without one it is no field.
func TraceOf(ctx context.Context) zap.Field { return TraceField(trace.SpanContextFromContext(ctx)) }

// TraceField is TraceOf for a trace's own context.
func TraceField(of trace.SpanContext) zap.Field {
	if !of.HasTraceID() {
		return zap.Skip()
	}
	return zap.String("traceId", of.TraceID().String())
}
