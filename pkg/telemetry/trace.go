package telemetry

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// Propagator carries the W3C trace context (traceparent, tracestate).
var Propagator propagation.TextMapPropagator = propagation.TraceContext{}

// TraceConfig of a tracer provider.
type TraceConfig struct {
	// Service is the subcommand, such as "sender"; the resource's service.name
	// is "staffetta-" and it.
	Service string
	// Version of the program.
	Version string
	// Export sends spans over OTLP/HTTP; where to and how is what the exporter
	// reads from OTEL_EXPORTER_OTLP_*. Without it no span is recorded.
	Export bool
}

// NewTracing makes a tracer provider. There is always one, so that every
// delivery has a trace id, which the receiver and the log see. A trace that
// began elsewhere keeps its id and its sampling; one that begins here is
// sampled if spans are exported (OTEL_TRACES_SAMPLER says how many). End it by
// its Shutdown, which flushes.
func NewTracing(ctx context.Context, cfg TraceConfig) (*sdktrace.TracerProvider, error) {
	described, err := resource.New(ctx,
		resource.WithTelemetrySDK(), resource.WithHost(), resource.WithFromEnv(),
		resource.WithAttributes(
			attribute.String("service.name", "staffetta-"+cfg.Service),
			attribute.String("service.version", cfg.Version)))
	// A detail of the host that cannot be found is no reason to stop.
	if err != nil && !errors.Is(err, resource.ErrPartialResource) {
		return nil, fmt.Errorf("describe this process for traces: %w", err)
	}
	options := []sdktrace.TracerProviderOption{sdktrace.WithResource(described)}
	if !cfg.Export {
		options = append(options, sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.NeverSample())))
		return sdktrace.NewTracerProvider(options...), nil
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("open the OTLP exporter: %w", err)
	}
	// The provider's own default sampler is ParentBased(AlwaysSample), or what
	// OTEL_TRACES_SAMPLER says.
	options = append(options, sdktrace.WithBatcher(exporter))
	return sdktrace.NewTracerProvider(options...), nil
}
