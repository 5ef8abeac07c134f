package receiver

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/format"
	"github.com/staffetta/staffetta/pkg/hook"
)

// deliver posts a delivery that was published at the given time.
func deliver(t *testing.T, r http.Handler, id string, published time.Time) int {
	t.Helper()
	request := httptest.NewRequest(http.MethodPost, "/hook", strings.NewReader(`{"ref":"`+Ref(published, 1)+`"}`))
	request.Header.Set("webhook-id", id)
	answer := httptest.NewRecorder()
	r.ServeHTTP(answer, request)
	return answer.Code
}

func get[T any](t *testing.T, r http.Handler, path string) (value T) {
	t.Helper()
	answer := httptest.NewRecorder()
	r.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, http.NoBody))
	require.Equal(t, http.StatusOK, answer.Code)
	require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &value))
	return value
}

func reset(t *testing.T, r http.Handler, since string) int {
	t.Helper()
	answer := httptest.NewRecorder()
	r.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/reset?since="+since, http.NoBody))
	return answer.Code
}

func TestADeliveryIsCountedOnceAndItsRepetitionsAsDuplicates(t *testing.T) {
	t.Parallel()
	r := &Receiver{}
	for _, id := range []string{"a", "b", "a", "a"} {
		require.Equal(t, http.StatusNoContent, deliver(t, r, id, time.Now()))
	}
	require.Equal(t, Progress{Requests: 4, Deliveries: 2}, get[Progress](t, r, "/progress"))
	stats := get[Stats](t, r, "/stats")
	require.Equal(t, Progress{Requests: 4, Deliveries: 2}, stats.Progress)
	require.Equal(t, 2, stats.Duplicated)
	require.WithinDuration(t, time.Now(), time.Unix(0, stats.LastNS), time.Minute)
}

func TestTheTimeFromPublishToTheFirstArrivalIsMeasured(t *testing.T) {
	t.Parallel()
	r := &Receiver{}
	deliver(t, r, "quick", time.Now())
	deliver(t, r, "slow", time.Now().Add(-time.Hour))
	deliver(t, r, "quick", time.Now().Add(-24*time.Hour)) // a repetition
	stats := get[Stats](t, r, "/stats")
	require.Less(t, stats.P50, float64(time.Minute.Milliseconds()))
	require.InDelta(t, float64(time.Hour.Milliseconds()), stats.P99, float64(time.Minute.Milliseconds()))
}

func TestAResetForgetsEverythingAndWhatWasPublishedBefore(t *testing.T) {
	t.Parallel()
	r := &Receiver{}
	deliver(t, r, "a", time.Now())
	begun := time.Now()
	require.Equal(t, http.StatusNoContent, reset(t, r, strconv.FormatInt(begun.UnixNano(), 10)))
	require.Equal(t, Stats{}, get[Stats](t, r, "/stats"))

	require.Equal(t, http.StatusNoContent, deliver(t, r, "late", begun.Add(-time.Nanosecond)), "a late one is no failure")
	deliver(t, r, "a", begun)
	require.Equal(t, Progress{Requests: 1, Deliveries: 1}, get[Progress](t, r, "/progress"))
}

func TestABadResetIsRefused(t *testing.T) {
	t.Parallel()
	require.Equal(t, http.StatusBadRequest, reset(t, &Receiver{}, "yesterday"))
}

func TestWhatIsNoDeliveryOfABenchmarkIsRefusedAndNotCounted(t *testing.T) {
	t.Parallel()
	r := &Receiver{}
	for _, body := range []string{``, `{}`, `{"ref":"/bench/12/1"}`, `{"ref":"/bench/1760000000000000000`, `{"ref":"/bench/`} {
		answer := httptest.NewRecorder()
		r.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/hook", strings.NewReader(body)))
		require.Equal(t, http.StatusBadRequest, answer.Code, body)
	}
	require.Equal(t, Progress{}, get[Progress](t, r, "/progress"))
}

func TestTheTimeIsFoundInEveryFormat(t *testing.T) {
	t.Parallel()
	published := time.Unix(1_760_000_000, 123_456_789)
	ref := Ref(published, 7)
	event := hook.Event{
		ID: "e1", Account: "acme", Type: hook.Update, ItemType: "Contact", Date: "2026-01-02T03:04:05Z",
		// A cassa-in-cloud body is the data and nothing else.
		Items: []hook.Item{{ID: "7", Ref: ref, Data: []byte(`{"id":7,"ref":"` + ref + `"}`)}},
	}
	for _, f := range hook.Formats {
		for _, payload := range hook.Payloads {
			w := hook.Webhook{Format: f, Payload: payload, Language: hook.English}
			rendered, err := format.Render(nil, &w, "Acme", &event, "dlv_1")
			require.NoError(t, err)
			ns, ok := stampOf(rendered.Body)
			require.True(t, ok, "%s %s: %s", f, payload, rendered.Body)
			require.Equal(t, published.UnixNano(), ns)
		}
	}
}

func TestPercentilesAreByNearestRank(t *testing.T) {
	t.Parallel()
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(i + 1)
	}
	for _, test := range []struct {
		name   string
		sorted []time.Duration
		p      float64
		want   time.Duration
	}{
		{"of nothing", nil, 99, 0},
		{"of one", []time.Duration{7}, 50, 7},
		{"the median of two is the smaller", []time.Duration{1, 9}, 50, 1},
		{"the median of three", []time.Duration{1, 2, 9}, 50, 2},
		{"p50 of a hundred", hundred, 50, 50},
		{"p99 of a hundred", hundred, 99, 99},
		{"p100 of a hundred", hundred, 100, 100},
		{"p0 of a hundred", hundred, 0, 1},
		{"p99 of ten is the largest", hundred[:10], 99, 10},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, percentile(test.sorted, test.p))
		})
	}
}
