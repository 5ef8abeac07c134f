package bench

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestABacklogIsCountedAndAHealthyFlowGoesOnBesideIt(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, cfg Config) {
		t.Helper()
		cfg.Scenario, cfg.Events, cfg.Pairs, cfg.Seconds = "backlog", 100, 2, 1
		cfg.Accounts, cfg.Webhooks = 2, 0
		cfg.Backlog, cfg.Drain = 800, 200
		result, err := Run(t.Context(), cfg)
		require.NoError(t, err)
		require.Zero(t, result.Lost)
		require.Len(t, result.Parts, 3)
		alone, beside, parked := result.Parts[0], result.Parts[1], result.Parts[2]
		require.Equal(t, 2, alone.Runs)
		require.Equal(t, 200, alone.Deliveries)
		require.GreaterOrEqual(t, beside.Runs, 2)
		require.Equal(t, cfg.Backlog, parked.Deliveries+parked.Pending)
		require.Positive(t, result.Ratios["healthy_beside_per_alone"])
		for _, name := range []string{"heap_mib_alone", "heap_mib_parked", "heap_mib_end", "turned_per_s"} {
			require.Positive(t, result.Figures[name], name)
		}
		require.Len(t, result.Series["held_mib"], len(result.Series["heap_mib"]))
		require.GreaterOrEqual(t, len(result.Series["held_mib"]), 1)
	})
}
