package api_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

// newBenchIn is one whose clock stands at a time so long after published, which is
// a Sunday's noon.
func newBenchIn(t *testing.T, after time.Duration) *bench {
	t.Helper()
	return newBenchAt(t, time.Hour, func() time.Time { return published.Add(after) })
}

func (b *bench) series(query string) answer {
	b.t.Helper()
	return b.acme().get("/v1/usage/series?" + query)
}

// step is one of a series.
type step struct {
	From                                           time.Time
	Executed, Delivered, Failed, Deferred, Dropped int64
	Duration                                       *struct{ Mean, P50, P95, P99 string }
}

// steps are those of a series, which is whole.
func (a answer) steps() []step {
	a.t.Helper()
	var body struct {
		Items []step
		Next  *string
	}
	require.NoError(a.t, json.Unmarshal(a.requires(200).body, &body))
	require.Nil(a.t, body.Next)
	return body.Items
}

func TestASeriesIsShownWithoutGaps(t *testing.T) {
	t.Parallel()
	b := newBenchIn(t, 150*time.Minute)
	failed := attempt("wh_1", 3, hook.FateRetrying)
	failed.At, failed.StatusCode, failed.Duration = hour(2), 503, 20*time.Millisecond
	silent := failed
	silent.Delivery, silent.StatusCode, silent.Duration = "dlv_silent", 0, 15*time.Second
	b.record(executed("wh_1", 1, hour(0)), executed("wh_2", 2, hour(0)), failed, silent, deferred("wh_1", 4, hour(2)), dropped("wh_2", 5, hour(2)))

	const from = "from=2026-03-01T12:30:00Z"
	mine := b.series("webhook=wh_1&" + from).steps()
	require.Len(t, mine, 3)
	require.NotNil(t, mine[0].Duration)
	require.EqualValues(t, 1, mine[0].Delivered)
	require.Equal(t, step{From: hour(1)}, mine[1])
	require.Equal(t, "20ms", mine[2].Duration.Mean, "of what was answered")
	require.Equal(t, "20ms", mine[2].Duration.P99)
	mine[2].Duration = nil
	require.Equal(t, step{From: hour(2), Executed: 2, Failed: 2, Deferred: 1}, mine[2])

	all := b.series(from).steps()
	require.EqualValues(t, 2, all[0].Executed)
	require.EqualValues(t, 1, all[2].Dropped)

	days := b.series("step=24h").steps()
	require.Len(t, days, 30)
	require.Equal(t, published.Truncate(hook.Daily), days[29].From)
	days[29].Duration = nil
	require.Equal(t, step{From: published.Truncate(hook.Daily), Executed: 4, Delivered: 2, Failed: 2, Deferred: 1, Dropped: 1}, days[29])

	hours := b.series("").steps()
	require.Len(t, hours, 24)
	require.Equal(t, hour(-21), hours[0].From)
	require.Equal(t, hour(2), hours[23].From, "the one of now")
}

func TestWhichStepsASeriesHas(t *testing.T) {
	t.Parallel()
	b := newBenchIn(t, time.Minute)
	for query, want := range map[string]struct {
		first string
		steps int
	}{
		"from=2026-03-01T10:00:00Z":                                  {"2026-03-01T10:00:00Z", 3},
		"from=2026-03-01T10:59:59Z&to=2026-03-01T12:00:00Z":          {"2026-03-01T10:00:00Z", 2},
		"from=2026-03-01T10:00:00Z&to=2026-03-01T11:00:01Z":          {"2026-03-01T10:00:00Z", 2},
		"from=2026-03-01T11:00:00%2B01:00":                           {"2026-03-01T10:00:00Z", 3},
		"from=2026-03-01T10:00:00Z&to=2030-01-01T00:00:00Z":          {"2026-03-01T10:00:00Z", 3}, // not the future
		"to=2026-02-01T00:00:00Z":                                    {"2026-01-31T00:00:00Z", 24},
		"from=2020-01-01T00:00:00Z&to=2025-12-02T00:00:00Z":          {"2025-12-01T13:00:00Z", 11}, // what is kept
		"step=24h&from=2020-01-01T00:00:00Z&to=2024-03-02T00:00:00Z": {"2024-03-01T00:00:00Z", 1},
		"step=24h&from=2026-02-28T23:59:00Z":                         {"2026-02-28T00:00:00Z", 2},
		"from=2026-03-01T12:00:00Z&to=2026-03-01T12:00:00Z":          {"", 0},
		"from=2026-03-02T00:00:00Z":                                  {"", 0},
		"webhook=wh_9&from=2026-03-01T12:00:00Z":                     {"2026-03-01T12:00:00Z", 1}, // nobody learns which there are
	} {
		steps := b.series(query).steps()
		require.Len(t, steps, want.steps, query)
		if want.steps > 0 {
			require.Equal(t, want.first, steps[0].From.Format(time.RFC3339), query)
		}
	}
}

func TestASeriesIsSeenByItsAccountOnly(t *testing.T) {
	t.Parallel()
	b := newBenchIn(t, time.Minute)
	b.record(executed("wh_1", 1, hour(0)))
	b.as(adminKey).post("/v1/accounts", `{"id": "other"}`).requires(201)
	other := b.as(b.newKey("other", "read")).get("/v1/usage/series?webhook=wh_1&from=2026-03-01T12:00:00Z").requires(200)
	require.Zero(t, other.steps()[0].Executed)
	b.as(b.newKey("acme", "write", "publish", "settings")).get("/v1/usage/series").requires(403)
	b.as("").get("/v1/usage/series").requires(401)
	b.as(adminKey).get("/v1/usage/series").requires(400)
	b.acme().post("/v1/usage/series", "{}").requires(405)
}

func TestRulesOfASeries(t *testing.T) {
	t.Parallel()
	b := newBenchIn(t, time.Minute)
	const moment = "must be a time as in RFC 3339, such as 2023-02-02T12:07:01Z"
	for query, want := range map[string]string{
		"step=1m":                   `step: must be one of 1h, 24h (1m)`,
		"from=yesterday":            "from: " + moment + " (yesterday)",
		"to=2026-03-01":             "to: " + moment + " (2026-03-01)",
		"webhook=%00":               "webhook: must be UTF-8 without control characters",
		"from=2026-01-01T00:00:00Z": "from: must be at most 744 steps before to (2026-01-01T00:00:00Z)",
		"limit=5":                   "limit: is not a known parameter",
	} {
		require.Equal(t, []string{want}, b.series(query).requires(422).faults(), query)
	}
	for _, query := range []string{"from=2026-01-29T13:00:00Z", "step=24h&from=2024-03-01T00:00:00Z"} {
		items, ok := b.series(query).requires(200).object()["items"].([]any)
		require.True(t, ok)
		require.LessOrEqual(t, len(items), 744, fmt.Sprint(query, ": as many as there may be"))
		require.Greater(t, len(items), 700)
	}
}
