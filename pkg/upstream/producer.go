package upstream

import (
	"context"

	"go.opentelemetry.io/otel/codes"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/publish"
	"github.com/staffetta/staffetta/pkg/telemetry"
)

// tracing sends an event in a span of its own trace, if somebody records that.
type tracing struct {
	publish.Producer
	sending telemetry.Operation
}

// Produce is that of publish.Producer.
func (p tracing) Produce(ctx context.Context, m publish.Message, done func(error)) error {
	if !telemetry.Sampled(m.Trace.Parent) {
		return p.Producer.Produce(ctx, m, done)
	}
	sending, span := p.sending.Start(telemetry.Extract(context.Background(), hook.Trace(m.Trace)))
	m.Trace = publish.Trace(telemetry.Inject(sending))
	ended := func(err error) {
		if err != nil {
			span.SetStatus(codes.Error, err.Error())
		}
		span.End()
	}
	err := p.Producer.Produce(ctx, m, func(err error) {
		ended(err)
		done(err)
	})
	if err != nil {
		ended(err)
	}
	return err
}
