package sqlstore_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

// exhausted is what the log has of one whose attempts are used up.
func exhausted(n int) hook.Attempt {
	return but(attempt(n), func(a *hook.Attempt) {
		a.Fate, a.Reason, a.Number, a.Due = hook.FateExhausted, hook.ReasonTimeout, 3, time.Time{}
	})
}

func (f fixture) found(t *testing.T, filter hook.DeliveryFilter) (ids []string) {
	t.Helper()
	for _, d := range walk(t, 2, func(p hook.Page) ([]hook.Delivery, string, error) {
		return f.Deliveries(t.Context(), "acme", filter, p)
	}) {
		ids = append(ids, d.ID)
	}
	return ids
}

func TestADiscardedDeliveryIsNotOfferedAnyMore(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		f.account(t, "other")
		f.record(t, exhausted(1), exhausted(2), attempt(3))
		before := f.delivery(t, "dlv_0001")
		f.clock.Add(time.Hour)
		for range 2 { // the second time it is discarded already
			require.NoError(t, f.DiscardDelivery(t.Context(), "acme", "dlv_0001"))
		}
		d := f.delivery(t, "dlv_0001")
		require.Equal(t, hook.FateCancelled, d.Status)
		require.Equal(t, hook.ReasonDiscarded, d.Reason)
		require.Equal(t, before.Attempts, d.Attempts)
		require.Equal(t, before.StatusCode, d.StatusCode)
		require.Equal(t, f.clock.Now(), d.UpdatedAt)
		require.Equal(t, []string{"dlv_0002"}, f.found(t, hook.DeliveryFilter{Statuses: []hook.Fate{hook.FateExhausted}}))
		attempts, err := f.Attempts(t.Context(), "acme", "dlv_0001")
		require.NoError(t, err)
		require.Len(t, attempts, 1, "what happened stays")

		require.ErrorIs(t, f.DiscardDelivery(t.Context(), "acme", "dlv_0003"), hook.ErrStale, "it is not exhausted")
		require.ErrorIs(t, f.DiscardDelivery(t.Context(), "other", "dlv_0002"), hook.ErrNotFound)
		require.ErrorIs(t, f.DiscardDelivery(t.Context(), "acme", "dlv_0009"), hook.ErrNotFound)

		// A late twin of what it had changes nothing; a retry does.
		f.record(t, but(exhausted(1), func(a *hook.Attempt) { a.Number = 4 }))
		require.Equal(t, hook.FateCancelled, f.delivery(t, "dlv_0001").Status)
		run := max(f.clock.Now().UnixMicro(), f.delivery(t, "dlv_0001").Run+1)
		require.NoError(t, f.Released(t.Context(), []hook.Delivery{f.delivery(t, "dlv_0001")}, run))
		require.Equal(t, hook.FateRetrying, f.delivery(t, "dlv_0001").Status)
		f.record(t, but(attempt(1), func(a *hook.Attempt) { a.Run, a.Fate, a.Reason = run, hook.FateDelivered, hook.ReasonNone }))
		require.Equal(t, hook.FateDelivered, f.delivery(t, "dlv_0001").Status)

		audit, _, err := f.Audit(t.Context(), "acme", hook.AuditFilter{Target: "dlv_0001"}, hook.Page{Limit: 10})
		require.NoError(t, err)
		require.Len(t, audit, 1)
		require.Equal(t, "discard-delivery", audit[0].Origin.Operation)
	})
}

func TestTheExhaustedThatAFilterFindsAreDiscarded(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		for n := range 6 {
			f.record(t, but(exhausted(n), func(a *hook.Attempt) {
				if n == 5 {
					a.Reason = hook.ReasonConnect
				}
			}))
		}
		f.record(t, attempt(6), but(exhausted(7), func(a *hook.Attempt) { a.Webhook = "wh_2" }))
		require.Equal(t, []string{"dlv_0005"}, f.found(t, hook.DeliveryFilter{Statuses: []hook.Fate{hook.FateExhausted}, Reason: hook.ReasonConnect}))
		filter := hook.DeliveryFilter{Webhook: "wh_1", Reason: hook.ReasonTimeout, Statuses: []hook.Fate{hook.FateRetrying}}
		for _, want := range []string{"3 true", "2 false", "0 false"} {
			discarded, more, err := f.DiscardDeliveries(t.Context(), "acme", filter, 3)
			require.NoError(t, err)
			require.Equal(t, want, fmt.Sprint(discarded, " ", more))
		}
		require.Equal(t, []string{"dlv_0007", "dlv_0005"}, f.found(t, hook.DeliveryFilter{Statuses: []hook.Fate{hook.FateExhausted}}))
		require.Equal(t, hook.FateRetrying, f.delivery(t, "dlv_0006").Status, "only what is exhausted")
		discarded, _, err := f.DiscardDeliveries(t.Context(), "other", hook.DeliveryFilter{Webhook: "wh_2"}, 3)
		require.NoError(t, err)
		require.Zero(t, discarded)
	})
}
