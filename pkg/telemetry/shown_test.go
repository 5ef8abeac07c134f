package telemetry_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/staffetta/staffetta/pkg/telemetry"
)

// metricsOf is what a scraper gets that asks for OpenMetrics.
func metricsOf(t *testing.T, health *telemetry.Health, shown ...prometheus.Collector) string {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(shown...)
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/metrics", nil)
	r.Header.Set("Accept", "application/openmetrics-text; version=1.0.0")
	telemetry.Handler(registry, health).ServeHTTP(w, r)
	require.Equal(t, http.StatusOK, w.Code)
	return w.Body.String()
}

func TestLagIsWhatIsNotDone(t *testing.T) {
	t.Parallel()
	looked := make(chan string, 10)
	ends := map[string]map[int]int64{"deliveries": {0: 10, 1: 7}}
	lag := telemetry.NewLag("staffetta-sender", func() []telemetry.Position {
		return []telemetry.Position{
			{Topic: "deliveries", Partition: 0, Next: 4}, {Topic: "deliveries", Partition: 1, Next: 9}, // read past what is known
			{Topic: "deliveries", Partition: 2, Next: 1}, {Topic: "retry.1s", Partition: 0, Next: -2},
		}
	}, func(_ context.Context, topic string) (map[int]int64, error) {
		looked <- topic
		if ends[topic] == nil {
			return nil, errors.New("away")
		}
		return ends[topic], nil
	})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); lag.Run(ctx) }()
	require.ElementsMatch(t, []string{"deliveries", "retry.1s"}, []string{<-looked, <-looked}, "each topic once")
	stop()
	<-done

	body := metricsOf(t, &telemetry.Health{}, lag)
	require.Contains(t, body, `staffetta_consumer_lag_records{group="staffetta-sender",partition="0",topic="deliveries"} 6.0`)
	require.Contains(t, body, `staffetta_consumer_lag_records{group="staffetta-sender",partition="1",topic="deliveries"} 0.0`)
	require.NotContains(t, body, `partition="2"`, "its end is not known")
	require.NotContains(t, body, `retry.1s`)
}

func TestARequestIsMeasuredByItsPatternAndNamesItsTrace(t *testing.T) {
	t.Parallel()
	const id = "0af7651916cd43dd8448eb211c80319c"
	spans := tracetest.NewInMemoryExporter()
	requests := telemetry.NewRequests("contacts", sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)).Tracer(""))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /contacts/{id}", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	for flags, path := range map[string]string{"00": "/contacts/1", "01": "/contacts/2"} {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("Traceparent", "00-"+id+"-b7ad6b7169203331-"+flags)
		requests.Around(mux).ServeHTTP(httptest.NewRecorder(), r)
	}
	body := metricsOf(t, &telemetry.Health{}, requests)
	require.Contains(t, body,
		`staffetta_http_request_seconds_count{method="GET",route="/contacts/{id}",service="contacts",status="502"} 2`)
	require.Contains(t, body, `# {trace_id="`+id+`"}`)
	require.NotContains(t, body, "/contacts/1")

	recorded := spans.GetSpans()
	require.Len(t, recorded, 1, "nobody records the other")
	require.Equal(t, "GET /contacts/{id}", recorded[0].Name)
	require.Equal(t, "Bad Gateway", recorded[0].Status.Description)
}

func TestReadinessIsAMetricToo(t *testing.T) {
	t.Parallel()
	var health telemetry.Health
	health.Require("kafka", func(context.Context) error { return errors.New("no broker answers") })
	health.Report("redis", func(context.Context) error { return nil })
	body := metricsOf(t, &health, &health)
	require.Contains(t, body, "staffetta_ready 0.0")
	require.Contains(t, body, `staffetta_check_ok{check="kafka"} 0.0`)
	require.Contains(t, body, `staffetta_check_ok{check="redis"} 1.0`)
}

func TestOnlyRecordedTracesAreSampled(t *testing.T) {
	t.Parallel()
	const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-"
	for parent, want := range map[string]bool{
		trace + "01": true, trace + "03": true, trace + "00": false, trace + "02": false, "": false, trace + "01-more": false, "01": false,
	} {
		require.Equal(t, want, telemetry.Sampled(parent), parent)
	}
}
