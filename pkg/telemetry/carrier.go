package telemetry

import (
	"go.opentelemetry.io/otel/propagation"

	"github.com/staffetta/staffetta/pkg/hook"
)

// Carrier lets OpenTelemetry read and write an event's trace: a
// propagation.TextMapCarrier of the two W3C headers.
type Carrier hook.Trace

var _ propagation.TextMapCarrier = (*Carrier)(nil)

// Get implements propagation.TextMapCarrier.
func (c *Carrier) Get(key string) string {
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
func (c *Carrier) Set(key, value string) {
	switch key {
	case "traceparent":
		c.Parent = value
	case "tracestate":
		c.State = value
	}
}

// Keys implements propagation.TextMapCarrier.
func (c *Carrier) Keys() []string { return []string{"traceparent", "tracestate"} }
