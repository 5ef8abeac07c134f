package bench

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestABurstIsDeliveredWholeAndTheOthersGoOn(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, cfg Config) {
		t.Helper()
		cfg.Scenario, cfg.Events = "burst", 0
		cfg.Accounts, cfg.Webhooks, cfg.Rate, cfg.Seconds = 3, 0, 50, 1
		cfg.Backlog, cfg.Drain = 300, 200
		result, err := Run(t.Context(), cfg)
		require.NoError(t, err)
		require.Zero(t, result.Lost)
		require.Equal(t, cfg.Backlog, result.Deliveries)

		parts := map[string]Part{}
		for _, p := range result.Parts {
			parts[p.Name] = p
		}
		require.Len(t, parts, 5)
		windows := 0
		for _, name := range []string{"others_before", "others_during", "others_after"} {
			windows += parts[name].Deliveries
		}
		require.NotZero(t, parts["others_before"].Deliveries)
		require.NotZero(t, parts["others_after"].Deliveries)
		require.LessOrEqual(t, windows, parts["others"].Deliveries, "each was published in one window, or after the last")
		for _, name := range []string{"read_s", "read_per_s", "read_per_s_best", "committed_s", "published_s", "routed_s"} {
			require.Positive(t, result.Figures[name], name)
		}
		require.GreaterOrEqual(t, result.Figures["committed_s"], result.Figures["read_s"])
		require.Contains(t, result.Figures, "deferrals_per_task")
	})
}

func TestABurstMayBeWrittenPastTheRouter(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, cfg Config) {
		t.Helper()
		cfg.Scenario, cfg.Events, cfg.Direct = "burst", 0, true
		cfg.Accounts, cfg.Webhooks, cfg.Rate, cfg.Seconds = 2, 0, 20, 1
		cfg.Backlog, cfg.Drain = 100, 200
		result, err := Run(t.Context(), cfg)
		require.NoError(t, err)
		require.Zero(t, result.Lost)
		require.Equal(t, cfg.Backlog, result.Deliveries)
		require.NotContains(t, result.Figures, "routed_s")
	})
}

func TestTheBestRateIsThatOfTheBestSecond(t *testing.T) {
	t.Parallel()
	at := func(ms int, value float64) sample {
		return sample{at: time.Duration(ms) * time.Millisecond, value: value}
	}
	for _, c := range []struct {
		name string
		of   samples
		want float64
	}{
		{"nothing", nil, 0},
		{"one look", samples{at(0, 0)}, 0},
		{"less than a second", samples{at(0, 0), at(500, 100)}, 200},
		{"an even rate", samples{at(0, 0), at(500, 50), at(1000, 100), at(1500, 150)}, 100},
		{"a better second in the middle", samples{at(0, 0), at(1000, 10), at(1500, 60), at(2000, 110), at(3000, 120)}, 100},
		{"a jump is spread over a second", samples{at(0, 0), at(990, 0), at(1000, 500), at(2000, 500)}, 500},
	} {
		require.InDelta(t, c.want, c.of.steepest(time.Second), 1e-9, c.name)
	}
}
