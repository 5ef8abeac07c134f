package sender

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/staffetta/staffetta/pkg/format"
	"github.com/staffetta/staffetta/pkg/hook"
)

const (
	// maxKept is how much of an answer's body the log keeps.
	maxKept = 4 << 10
	// maxDrained is how much of it is read so that the connection can be used
	// again; beyond that closing is cheaper.
	maxDrained = 64 << 10
	// maxDetail bounds an error's text in the log.
	maxDetail = 1 << 10
)

// post makes one request. Its outcome always has a time: it was an attempt.
func (o *owner) post(t *task, w *target) (out outcome) {
	out.at = time.Now()
	defer func() {
		// One task's defect must not end the others.
		if p := recover(); p != nil {
			out.reason, out.detail = hook.ReasonUnrenderable, fmt.Sprintf("panic: %v", p)
		}
		out.duration = time.Since(out.at)
	}()
	ctx, span := o.span(t)
	defer span.End()
	out.traceID = span.SpanContext().TraceID().String()

	ctx, cancel := context.WithTimeout(ctx, w.Timeout)
	defer cancel()
	request, err := o.request(ctx, t, w, out.at)
	if err != nil {
		out.reason, out.detail = hook.ReasonUnrenderable, err.Error()
		span.SetStatus(codes.Error, out.detail)
		return out
	}
	out.url = hook.ShownURL(request.URL)
	answer, err := o.service.Client.Do(request)
	if err != nil {
		out.reason, out.detail = ofError(err), detail(err)
		span.SetStatus(codes.Error, string(out.reason))
		return out
	}
	defer answer.Body.Close()
	out.status, out.reason = answer.StatusCode, ofStatus(answer.StatusCode)
	out.retryAfter = retryAfter(answer.Header, time.Now())
	span.SetAttributes(attribute.Int("http.response.status_code", out.status))
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxKept))
	out.response = body
	if err == nil && len(body) == maxKept {
		_, err = io.CopyN(io.Discard, answer.Body, maxDrained)
		if errors.Is(err, io.EOF) {
			err = nil
		}
	}
	if err != nil && out.reason != hook.ReasonNone {
		out.detail = detail(err)
	}
	if out.reason != hook.ReasonNone {
		span.SetStatus(codes.Error, string(out.reason))
	}
	return out
}

// span begins the attempt's span, in the trace of the producer.
func (o *owner) span(t *task) (context.Context, trace.Span) {
	carrier := propagation.MapCarrier{"traceparent": t.event.Trace.Parent, "tracestate": t.event.Trace.State}
	ctx := propagation.TraceContext{}.Extract(context.Background(), carrier)
	return o.service.Tracer.Start(ctx, "POST", trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(attribute.String("staffetta.delivery.id", t.delivery)))
}

// request renders and signs a task.
func (o *owner) request(ctx context.Context, t *task, w *target, now time.Time) (*http.Request, error) {
	rendered, err := format.Render(nil, &w.Webhook, w.account, t.event, format.AllItems)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, bytes.NewReader(rendered.Body))
	if err != nil {
		return nil, fmt.Errorf("request for webhook %s: %w", w.ID, err)
	}
	r.Header.Set("User-Agent", o.service.UserAgent)
	propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(r.Header))
	err = format.Sign(r.Header, w.Format, rendered, format.Signing{Delivery: t.delivery, At: now, Secrets: w.secrets})
	if err != nil {
		return nil, err
	}
	return r, nil
}

// detail is an error's text without the URL that net/http puts before it.
func detail(err error) string {
	var wrapped *url.Error
	text := err.Error()
	if errors.As(err, &wrapped) {
		text = wrapped.Err.Error()
	}
	return text[:min(len(text), maxDetail)]
}
