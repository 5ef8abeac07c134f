package bench

import (
	"context"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// sampled is the share of traces that are recorded, as an installation under
// such a load would choose it.
const sampled = 0.01

// tracing records a share of the traces, each whole, and batches their spans as
// for an exporter that sends them; where they are dropped, since a collector
// would be measured with the rest.
func tracing() *sdktrace.TracerProvider {
	return sdktrace.NewTracerProvider(
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(sampled))),
		sdktrace.WithBatcher(nowhere{}))
}

// nowhere exports spans to nobody.
type nowhere struct{}

// ExportSpans drops them.
func (nowhere) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error { return nil }

// Shutdown has nothing to end.
func (nowhere) Shutdown(context.Context) error { return nil }
