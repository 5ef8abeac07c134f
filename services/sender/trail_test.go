package sender

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/signature"
)

func TestEveryRequestGoesOnWithTheProducersTrace(t *testing.T) {
	t.Parallel()
	const id = "c8d838d728ada12f80d5dd8d6b7f3b61"
	spans := tracetest.NewSpanRecorder()
	got := make(chan http.Header, 1)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got <- r.Header
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	t.Cleanup(receiver.Close)
	o := testOwner()
	o.service.Tracer = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)).Tracer("sender")
	w := targetOf(t, hook.Webhook{ID: "wh_1", URL: receiver.URL, Format: hook.FormatStandard, Timeout: hook.MaxTimeout}, signature.NewSecret())

	for parent, sampled := range map[string]bool{
		"00-" + id + "-2340e0e6968e54d6-00": false,
		"00-" + id + "-2340e0e6968e54d6-02": false,
		"00-" + id + "-2340e0e6968e54d6-01": true,
		"00-" + id + "-2340e0e6968e54d6-03": true,
	} {
		before := len(spans.Ended())
		task := sampleTask()
		task.event.Trace = hook.Trace{Parent: parent, State: "vendor=1"}
		out := o.post(task, w)
		require.Equal(t, id, out.traceID)
		h := <-got
		next := h.Get("Traceparent")
		require.Regexp(t, "^00-"+id+"-[0-9a-f]{16}-0[0-3]$", next)
		require.NotEqual(t, parent, next, "the attempt has an id of its own")
		require.Equal(t, "vendor=1", h.Get("Tracestate"))
		if !sampled {
			require.Len(t, spans.Ended(), before)
			continue
		}
		span := spans.Ended()[before]
		require.Equal(t, next[spanAt:spanEnd], span.SpanContext().SpanID().String())
		work := *task.work.Load()
		require.Equal(t, work.SpanContext().SpanID(), span.Parent().SpanID())
		require.True(t, work.IsRecording(), "the task is not done yet")
		task.worked()
		processed := spans.Ended()[before+1]
		require.Equal(t, "process deliveries", processed.Name())
		require.Equal(t, "2340e0e6968e54d6", processed.Parent().SpanID().String())
		require.Equal(t, "throttled", span.Status().Description)
	}
	require.Len(t, spans.Ended(), 4)
}
