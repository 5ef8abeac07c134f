package sqlstore_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

func TestAQuotaIsSetChangedAndRemoved(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		hundred := &hook.Quota{Calls: 100, Period: 10 * time.Minute}
		created, err := f.CreateAccount(t.Context(), hook.Account{ID: "acme", Name: "Acme", Quota: hundred})
		require.NoError(t, err)
		require.Equal(t, hundred, created.Quota)
		requireQuota(t, f, hundred, 1)

		for _, step := range []struct {
			name    string
			change  func(*hook.Account)
			want    *hook.Quota
			version int64
		}{
			{"more calls", func(a *hook.Account) { a.Quota = &hook.Quota{Calls: 200, Period: 10 * time.Minute} },
				&hook.Quota{Calls: 200, Period: 10 * time.Minute}, 2},
			{"the same", func(a *hook.Account) { a.Quota = &hook.Quota{Calls: 200, Period: 10 * time.Minute} },
				&hook.Quota{Calls: 200, Period: 10 * time.Minute}, 2},
			{"in place", func(a *hook.Account) { a.Quota.Period = hook.MaxQuotaPeriod },
				&hook.Quota{Calls: 200, Period: hook.MaxQuotaPeriod}, 3},
			{"another name", func(a *hook.Account) { a.Name = "Acme S.p.A." },
				&hook.Quota{Calls: 200, Period: hook.MaxQuotaPeriod}, 4},
			{"none", func(a *hook.Account) { a.Quota = nil }, nil, 5},
			{"none again", func(a *hook.Account) { a.Quota = nil }, nil, 5},
			{"one again", func(a *hook.Account) { a.Quota = &hook.Quota{Calls: 1, Period: time.Second} },
				&hook.Quota{Calls: 1, Period: time.Second}, 6},
			{"what is not its to change", func(a *hook.Account) {
				a.ID, a.Version, a.Deleted, a.CreatedAt = "other", 99, true, time.Time{}
			}, &hook.Quota{Calls: 1, Period: time.Second}, 6},
		} {
			changed, err := f.UpdateAccount(t.Context(), "acme", func(a *hook.Account) error { step.change(a); return nil })
			require.NoError(t, err, step.name)
			require.Equal(t, step.want, changed.Quota, step.name)
			require.Equal(t, step.version, changed.Version, step.name)
			requireQuota(t, f, step.want, step.version)
		}

		own := errors.New("own")
		_, err = f.UpdateAccount(t.Context(), "acme", func(a *hook.Account) error { a.Quota.Calls = 7; return own })
		require.ErrorIs(t, err, own)
		requireQuota(t, f, &hook.Quota{Calls: 1, Period: time.Second}, 6)
	})
}

// requireQuota reads acme by each way there is.
func requireQuota(t *testing.T, f fixture, want *hook.Quota, version int64) {
	t.Helper()
	one, err := f.Account(t.Context(), "acme")
	require.NoError(t, err)
	all, _, err := f.Accounts(t.Context(), hook.Page{Limit: 10})
	require.NoError(t, err)
	states, err := f.States(t.Context(), "", 10)
	require.NoError(t, err)
	for _, got := range []hook.Account{one, all[0], states[0].Account} {
		require.Equal(t, want, got.Quota)
		require.Equal(t, version, got.Version)
	}
}

func TestAChangedQuotaIsQueuedForPublication(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		a := f.account(t, "acme")
		w := f.webhook(t, "acme", "wh_1")
		queued := func() []hook.AccountState {
			states, err := f.Unpublished(t.Context(), 10)
			require.NoError(t, err)
			return states
		}
		require.NoError(t, f.Published(t.Context(), queued()))
		require.Empty(t, queued())

		quota := hook.Quota{Calls: 100, Period: time.Hour}
		_, err := f.UpdateAccount(t.Context(), "acme", func(a *hook.Account) error { a.Quota = &quota; return nil })
		require.NoError(t, err)
		a.Version, a.Quota = 3, &quota
		require.Equal(t, []hook.AccountState{{Account: a, Webhooks: []hook.Webhook{w}}}, queued())
	})
}
