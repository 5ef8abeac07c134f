package bench

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/seal"
)

func TestAFlushedAndHalfRefilledRedisLosesNothing(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, cfg Config) {
		t.Helper()
		cfg.Scenario, cfg.Events = "subscriptions", 0
		cfg.Accounts, cfg.Webhooks, cfg.Rate, cfg.Seconds = 30, 600, 20, 2
		result, err := Run(t.Context(), cfg)
		require.NoError(t, err)
		require.Zero(t, result.Lost)
		require.Zero(t, result.Figures["quarantined"])
		require.Greater(t, result.Events, 20, "at least a second of the flow, and the late account")
		require.Greater(t, result.Deliveries, result.Events, "several webhooks want each")
		for _, name := range []string{"fill_s", "refill_s", "match_ns_few", "match_ns_all", "route_ns_few", "route_ns_all"} {
			require.Positive(t, result.Figures[name], name)
		}
		require.Contains(t, result.Figures, "router_bytes_per_webhook")
		require.Positive(t, result.Ratios["match_all_per_few"])
		require.Positive(t, result.Ratios["route_all_per_few"])
	})
}

func TestOneAccountIsTooFewToComeLate(t *testing.T) {
	t.Parallel()
	cfg := small(t)
	cfg.Scenario, cfg.Accounts = "subscriptions", 1
	_, err := Run(t.Context(), cfg)
	var faults hook.Invalid
	require.ErrorAs(t, err, &faults)
	require.Equal(t, "accounts", faults[0].Field)
}

func madeUp(t *testing.T, accounts, webhooks int) population {
	t.Helper()
	ring, err := seal.ParseKeys("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
	require.NoError(t, err)
	p, err := populationOf(Config{Accounts: accounts, Webhooks: webhooks}, "https://example.com/", ring)
	require.NoError(t, err)
	return p
}

func TestAPopulationIsTheSameEachTimeThatItIsWalked(t *testing.T) {
	t.Parallel()
	p := madeUp(t, 25, 2500)
	ids := func(from, to int) (found []string) {
		require.NoError(t, p.walk(from, to, func(states []hook.AccountState) error {
			for _, s := range states {
				for _, w := range s.Webhooks {
					require.Equal(t, s.Account.ID, w.Account)
					require.Len(t, w.ID, len("wh_")+26)
					found = append(found, w.ID)
				}
			}
			return nil
		}))
		return found
	}
	whole := ids(0, 25)
	require.Len(t, whole, 2500)
	require.Equal(t, whole, append(ids(0, 12), ids(12, 25)...))
	require.IsIncreasing(t, whole)
}

func TestAWalkEndsWithTheErrorOfWhoTakesIt(t *testing.T) {
	t.Parallel()
	full := errors.New("full")
	p := madeUp(t, 3, 30)
	require.ErrorIs(t, p.walk(0, 3, func([]hook.AccountState) error { return full }), full)
}

func TestEventsOfAPopulationAreWantedByFew(t *testing.T) {
	t.Parallel()
	p := madeUp(t, 2, 200)
	for _, s := range subjects {
		e := hook.Event{Type: hook.Update, ItemType: s.itemType}
		require.InDelta(t, 5, p.wanting(0, &e), 3, s.itemType)
	}
	require.Zero(t, p.wanting(0, &hook.Event{Type: hook.Update, ItemType: "Unheard"}))
}
