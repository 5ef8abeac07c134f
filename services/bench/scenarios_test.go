package bench

import (
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// realServers are one set for all tests, and what one installation is given to do
// another on the same servers would take a part of.
var realServers sync.Mutex

// onReal makes a run one on real servers, if there are any.
func onReal(t *testing.T) Config {
	t.Helper()
	brokers := os.Getenv("STAFFETTA_TEST_KAFKA")
	if brokers == "" {
		t.Skip("STAFFETTA_TEST_KAFKA, _REDIS and _DATABASE name no real servers")
	}
	realServers.Lock()
	t.Cleanup(realServers.Unlock)
	cfg := small(t)
	cfg.Kafka.Brokers = strings.Split(brokers, ",")
	cfg.RedisURL, cfg.DatabaseURL = os.Getenv("STAFFETTA_TEST_REDIS"), os.Getenv("STAFFETTA_TEST_DATABASE")
	return cfg
}

// everywhere runs a test on the servers that there are: real ones if the environment
// names them, else embedded ones. CI runs all on both.
func everywhere(t *testing.T, test func(t *testing.T, cfg Config)) {
	t.Helper()
	if os.Getenv("STAFFETTA_TEST_KAFKA") != "" {
		test(t, onReal(t))
		return
	}
	test(t, small(t))
}

func TestLatencyIsTheMedianOfSeveralSpans(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, cfg Config) {
		t.Helper()
		cfg.Scenario, cfg.Webhooks, cfg.Rate, cfg.Seconds, cfg.Pairs = "latency", 1, 50, 1, 3
		result, err := Run(t.Context(), cfg)
		require.NoError(t, err)
		require.Len(t, result.Parts, 3)
		for _, p := range result.Parts {
			require.Equal(t, 50, p.Deliveries)
			require.Zero(t, p.Lost)
			require.Greater(t, p.Seconds, 0.9, "50 events at 50/s take 49 intervals of 20 ms")
		}
		require.Equal(t, 150, result.Deliveries)
		require.Contains(t, []float64{result.Parts[0].P99, result.Parts[1].P99, result.Parts[2].P99}, result.P99)
	})
}

func TestFanoutComparesWithAsManyDeliveriesToOneWebhook(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, cfg Config) {
		t.Helper()
		cfg.Scenario, cfg.Events, cfg.Fanout, cfg.Pairs = "fanout", 60, []int{4, 30}, 2
		result, err := Run(t.Context(), cfg)
		require.NoError(t, err)
		names := map[string]int{}
		for _, p := range result.Parts {
			names[p.Name] = p.Deliveries
			require.Equal(t, 2, p.Runs)
			require.Zero(t, p.Lost)
			require.Zero(t, p.Duplicated)
		}
		require.Equal(t, map[string]int{"throughput": 120, "fanout-4": 120, "fanout-30": 120}, names)
		require.Positive(t, result.Ratios["fanout-4"])
		require.Positive(t, result.Ratios["fanout-30"])
	})
}

func TestFiltersCompareWithAsManyWebhooksThatHaveNone(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, cfg Config) {
		t.Helper()
		cfg.Scenario, cfg.Events, cfg.Webhooks, cfg.Pairs = "filters", 60, 20, 2
		result, err := Run(t.Context(), cfg)
		require.NoError(t, err)
		names := map[string]int{}
		for _, p := range result.Parts {
			names[p.Name] = p.Deliveries
			require.Zero(t, p.Lost, "each filter lets all through")
			require.Zero(t, p.Duplicated)
		}
		require.Equal(t, map[string]int{"unfiltered": 120, "filtered": 120}, names)
		require.Positive(t, result.Ratios["filtered"])
	})
}

func TestNeighboursThatHangLoseNothingAndOthersGetAll(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, cfg Config) {
		t.Helper()
		ofNeighbours(t, cfg, "hang-1-of-4")
	})
}

func TestNeighboursThatFailLoseNothingAndOthersGetAll(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, cfg Config) {
		t.Helper()
		ofNeighbours(t, cfg, "500-2-of-4")
	})
}

func ofNeighbours(t *testing.T, cfg Config, variant string) {
	t.Helper()
	v, err := ParseVariant(variant)
	require.NoError(t, err)
	cfg.Scenario, cfg.Variant, cfg.Events, cfg.Rate, cfg.Seconds, cfg.Pairs = "neighbour", variant, 80, 40, 1, 1
	result, err := Run(t.Context(), cfg)
	require.NoError(t, err)
	require.Len(t, result.Parts, 4)
	well := v.Of - v.Ill
	for i, want := range []Part{
		{Name: "steady-all-well", Deliveries: 40 * well / 4},
		{Name: "steady-beside-" + variant, Deliveries: 40 * well / 4, Pending: 40 * v.Ill / 4},
		{Name: "full-all-well", Deliveries: 80 * well / 4},
		{Name: "full-beside-" + variant, Deliveries: 80 * well / 4, Pending: 80 * v.Ill / 4},
	} {
		p := result.Parts[i]
		require.Equal(t, want, Part{Name: p.Name, Deliveries: p.Deliveries, Lost: p.Lost, Pending: p.Pending}, p.Name)
	}
	require.Zero(t, result.Lost)
	require.Positive(t, result.Ratios["p99"])
	require.Positive(t, result.Ratios["rate"])
}
