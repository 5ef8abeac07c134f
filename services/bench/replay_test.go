package bench

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAReplayIsDeliveredWholeBesideTheOthers(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, cfg Config) {
		t.Helper()
		cfg.Scenario, cfg.Events, cfg.Drain = "replay", 150, 200
		cfg.Accounts, cfg.Webhooks, cfg.Rate, cfg.Seconds = 2, 0, 20, 1
		result, err := Run(t.Context(), cfg)
		require.NoError(t, err)
		require.Zero(t, result.Lost)
		require.Equal(t, cfg.Events, result.Deliveries)
		require.LessOrEqual(t, result.DeliveriesPerSecond, 250.0, "at a capped rate")
		require.Len(t, result.Parts, 5)
		require.Contains(t, result.Ratios, "p99")
	})
}
