package telemetry

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Requests measures and traces the requests that a service answers: the histogram
// staffetta_http_request_seconds, and a span of each, part of the client's trace if
// it has one. It is a prometheus.Collector, to be registered once for each service.
type Requests struct {
	*prometheus.HistogramVec
	tracer trace.Tracer
}

// NewRequests makes those of a service, such as "api".
func NewRequests(service string, tracer trace.Tracer) *Requests {
	return &Requests{tracer: tracer, HistogramVec: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:        "staffetta_http_request_seconds",
		Help:        "Time to answer a request, by the route's pattern, method and status.",
		ConstLabels: prometheus.Labels{"service": service},
		Buckets:     prometheus.ExponentialBuckets(0.001, 4, 8), // 1 ms to 16 s
	}, []string{"route", "method", "status"})}
}

// Around measures and traces what next answers. next, or what it calls with the same
// request, sets the request's Pattern, as http.ServeMux does.
func (m *Requests) Around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		ctx := Propagator.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		ctx, span := m.tracer.Start(ctx, method(r), trace.WithSpanKind(trace.SpanKindServer))
		defer span.End()
		r = r.WithContext(ctx)
		noted := &noted{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(noted, r)

		route, method := route(r), method(r)
		Observe(m.WithLabelValues(route, method, strconv.Itoa(noted.status)), time.Since(start).Seconds(), span.SpanContext())
		if !span.IsRecording() {
			return
		}
		span.SetName(method + " " + route)
		span.SetAttributes(attribute.String("http.request.method", method), attribute.String("http.route", route),
			attribute.Int("http.response.status_code", noted.status))
		if noted.status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, http.StatusText(noted.status))
		}
	})
}

// route is the path's pattern: never the path itself, of which there are without
// number.
func route(r *http.Request) string {
	if _, path, ok := strings.Cut(r.Pattern, " "); ok {
		return path
	}
	return r.Pattern
}

// method is the request's, unless somebody made it up.
func method(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return r.Method
	}
	return "other"
}

// noted remembers the status of an answer.
type noted struct {
	http.ResponseWriter
	status int
}

func (n *noted) WriteHeader(status int) {
	n.status = status
	n.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (n *noted) Unwrap() http.ResponseWriter { return n.ResponseWriter }
