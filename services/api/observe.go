package api

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// meter measures requests.
type meter struct {
	seconds *prometheus.HistogramVec
}

func newMeter(register prometheus.Registerer) (*meter, error) {
	m := &meter{seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "staffetta_api_request_seconds",
		Help:    "Time to answer a request, by route, method and status.",
		Buckets: prometheus.ExponentialBuckets(0.001, 4, 8), // 1 ms to 16 s
	}, []string{"route", "method", "status"})}
	return m, register.Register(m.seconds)
}

func (m *meter) around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		noted := &noted{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(noted, r)
		m.seconds.WithLabelValues(route(r), method(r), strconv.Itoa(noted.status)).Observe(time.Since(start).Seconds())
	})
}

// route is the path's pattern: never the path itself, of which there are
// without number.
func route(r *http.Request) string {
	_, path, ok := strings.Cut(r.Pattern, " ")
	if !ok {
		path = r.Pattern
	}
	return path
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

// traced makes a span of each request, part of the client's trace if it has one.
func (s *Service) traced(next http.Handler) http.Handler {
	tracer := s.cfg.Tracing.Tracer("github.com/staffetta/staffetta/services/api")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		ctx, span := tracer.Start(ctx, r.Method, trace.WithSpanKind(trace.SpanKindServer))
		defer span.End()
		inner := r.WithContext(ctx)
		next.ServeHTTP(w, inner)
		r.Pattern = inner.Pattern // for the meter, which has the outer request
		span.SetName(r.Method + " " + route(inner))
		span.SetAttributes(attribute.String("http.route", route(inner)))
	})
}

// errCacheUnknown is the state of the cache before it was looked at.
var errCacheUnknown = errors.New("the cache was not compared with the store yet")
