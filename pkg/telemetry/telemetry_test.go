package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/telemetry"
)

func TestLogWritesJSONAtItsLevel(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log, err := telemetry.NewLog(&out, "sender", "warn", telemetry.JSON)
	require.NoError(t, err)
	log.Info("not shown")
	log.Warn("shown", zap.Int("attempt", 2))

	var line map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &line), "one line")
	require.Equal(t, "shown", line["msg"])
	require.Equal(t, "sender", line["service"])
	require.EqualValues(t, 2, line["attempt"])
}

func TestLogRefusesAnUnknownLevel(t *testing.T) {
	t.Parallel()
	_, err := telemetry.NewLog(io.Discard, "sender", "loud", telemetry.JSON)
	require.EqualError(t, err, `log level must be debug, info, warn or error, not "loud"`)
}

func TestTracingMakesIDsWithoutAnExporter(t *testing.T) {
	t.Parallel()
	provider, err := telemetry.NewTracing(t.Context(), telemetry.TraceConfig{Service: "sender"})
	require.NoError(t, err)
	_, span := provider.Tracer("test").Start(t.Context(), "deliver")
	require.True(t, span.SpanContext().IsValid())
	require.False(t, span.SpanContext().IsSampled(), "nobody takes the spans")
	require.NoError(t, provider.Shutdown(t.Context()))
}

func TestTracingContinuesTheProducersTrace(t *testing.T) {
	t.Parallel()
	provider, err := telemetry.NewTracing(t.Context(), telemetry.TraceConfig{Service: "sender"})
	require.NoError(t, err)
	ctx := telemetry.Propagator.Extract(t.Context(), propagation.MapCarrier{
		"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"})
	ctx, span := provider.Tracer("test").Start(ctx, "deliver")
	require.Equal(t, "0af7651916cd43dd8448eb211c80319c", span.SpanContext().TraceID().String())

	sent := propagation.MapCarrier{}
	telemetry.Propagator.Inject(ctx, sent)
	require.Equal(t, "00-0af7651916cd43dd8448eb211c80319c-"+trace.SpanFromContext(ctx).SpanContext().SpanID().String()+"-01",
		sent["traceparent"])
}

func get(t *testing.T, h http.Handler, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Code, w.Body.String()
}

func TestReadinessNamesWhatFails(t *testing.T) {
	t.Parallel()
	var health telemetry.Health
	h := telemetry.Handler(telemetry.NewRegistry(), &health)

	code, body := get(t, h, "/readyz")
	require.Equal(t, http.StatusOK, code)
	require.JSONEq(t, `{"ready": true, "checks": []}`, body)

	health.Require("database", func(context.Context) error { return nil })
	health.Report("cache", func(context.Context) error { return errors.New("no answer") })
	code, body = get(t, h, "/readyz")
	require.Equal(t, http.StatusOK, code, "what is only reported does not decide")
	require.JSONEq(t, `{"ready": true, "checks": [
		{"name": "database", "ok": true, "required": true},
		{"name": "cache", "ok": false, "required": false, "error": "no answer"}]}`, body)

	health.Require("kafka", func(context.Context) error { return errors.New("no broker answers") })
	code, body = get(t, h, "/readyz")
	require.Equal(t, http.StatusServiceUnavailable, code)
	require.Contains(t, body, `{"name":"kafka","ok":false,"required":true,"error":"no broker answers"}`)

	code, body = get(t, h, "/livez")
	require.Equal(t, http.StatusOK, code, "the process lives although Kafka is away")
	require.JSONEq(t, `{"live": true}`, body)
}

func TestReadinessDoesNotWaitForACheckThatHangs(t *testing.T) {
	t.Parallel()
	var health telemetry.Health
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	health.Require("kafka", func(context.Context) error { <-release; return nil })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.False(t, health.Ready(ctx).Ready)
}

func TestMetricsAreServed(t *testing.T) {
	t.Parallel()
	code, body := get(t, telemetry.Handler(telemetry.NewRegistry(), &telemetry.Health{}), "/metrics")
	require.Equal(t, http.StatusOK, code)
	require.Contains(t, body, "go_goroutines ")
	require.Contains(t, body, "process_resident_memory_bytes ")
}

func TestAStopLetsRequestsEnd(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		stop() // the stop comes while this request is under way
		_, _ = io.WriteString(w, "done")
	})
	server, err := telemetry.Serve(ctx, "127.0.0.1:0", handler, zap.NewNop())
	require.NoError(t, err)

	answer, err := http.Get("http://" + server.Addr())
	require.NoError(t, err)
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, "done", string(body))
	require.NoError(t, server.Wait())

	_, err = http.Get("http://" + server.Addr())
	require.Error(t, err, "it listens no more")
}

func TestServeNamesTheAddressThatIsTaken(t *testing.T) {
	t.Parallel()
	first, err := telemetry.Serve(t.Context(), "127.0.0.1:0", http.NotFoundHandler(), zap.NewNop())
	require.NoError(t, err)
	_, err = telemetry.Serve(t.Context(), first.Addr(), http.NotFoundHandler(), zap.NewNop())
	require.ErrorContains(t, err, "listen on "+first.Addr())
}
