package sqlstore_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

func TestATestCountsForNothingAndIsNotReplayed(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		f.webhook(t, "acme", "wh_1")
		tried := but(attempt(1), func(a *hook.Attempt) {
			a.Webhook, a.URL, a.Fate, a.Reason, a.StatusCode, a.Test = "wh_1", "https://example.com/hook", hook.FateExhausted, hook.ReasonGone, 410, true
		})
		f.record(t, tried)
		require.True(t, f.delivery(t, tried.Delivery).Test)
		list, err := f.Attempts(t.Context(), "acme", tried.Delivery)
		require.NoError(t, err)
		require.Equal(t, []hook.Attempt{tried}, list)
		again := but(tried, func(a *hook.Attempt) { a.Run = 7 })
		f.record(t, again)
		list, err = f.Attempts(t.Context(), "acme", tried.Delivery)
		require.NoError(t, err)
		require.Equal(t, []hook.Attempt{tried, again}, list)

		w, err := f.Webhook(t.Context(), "acme", "wh_1")
		require.NoError(t, err)
		require.Equal(t, hook.Active, w.Status, "although it answered 410")
		usage, _, err := f.Usage(t.Context(), "acme", hook.UsageFilter{}, hook.Page{Limit: 10})
		require.NoError(t, err)
		require.Empty(t, usage)

		real := but(attempt(2), func(a *hook.Attempt) { a.Webhook, a.Fate = "wh_1", hook.FateExhausted })
		f.record(t, real)
		require.False(t, f.delivery(t, real.Delivery).Test)
		r := hook.Replay{Account: "acme", Webhook: "wh_1", Source: "wh_1", From: start.Add(-time.Hour), To: start.Add(time.Hour)}
		n, err := f.CountReplay(t.Context(), r)
		require.NoError(t, err)
		require.EqualValues(t, 1, n)
		replayed, err := f.ReplayDeliveries(t.Context(), r, 10)
		require.NoError(t, err)
		require.Len(t, replayed, 1)
		require.Equal(t, real.Delivery, replayed[0].ID)
	})
}
