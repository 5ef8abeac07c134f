package standalone

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/embedded"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/redisstore"
	"github.com/staffetta/staffetta/pkg/sqlstore"
	"github.com/staffetta/staffetta/pkg/sqlstore/sqlstoretest"
)

// Redis is in memory: without this each restart would give every account its quota anew.
func TestAfterARestartTheQuotaIsUsedAsFarAsItWas(t *testing.T) {
	t.Parallel()
	db := sqlstoretest.SQLite(t)
	store := sqlstore.New(db, nil)
	quota := &hook.Quota{Calls: 1000, Period: time.Hour}
	for id, q := range map[string]*hook.Quota{"acme": quota, "idle": quota, "free": nil} {
		_, err := store.CreateAccount(t.Context(), hook.Account{ID: id, Name: id, Quota: q})
		require.NoError(t, err)
	}
	now := time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC)
	from, to := quota.At(now)
	for _, row := range []struct {
		account, webhook string
		from, to         time.Time
	}{
		{"acme", "wh_1", from, to}, {"acme", "wh_2", from, to},
		{"acme", "wh_1", from.Add(-time.Hour), from},  // before
		{"acme", "wh_1", from, from.Add(time.Minute)}, // of another quota
		{"free", "wh_3", now.Truncate(hook.Daily), now.Truncate(hook.Daily).Add(hook.Daily)},
	} {
		_, err := db.ExecContext(t.Context(), `INSERT INTO usage (account, webhook, period_from, period_to, quota_calls, executed, deferred, dropped)
			VALUES ($1, $2, $3, $4, 1000, 7, 0, 0)`, row.account, row.webhook, database.Micros(row.from), database.Micros(row.to))
		require.NoError(t, err)
	}
	redis, err := embedded.StartRedis("")
	require.NoError(t, err)
	t.Cleanup(redis.Close)
	client, err := redisstore.Open(redis.URL())
	require.NoError(t, err)
	counters := redisstore.NewCounters(client)
	t.Cleanup(func() {
		require.NoError(t, counters.Close())
		require.NoError(t, client.Close())
	})
	require.NoError(t, remember(t.Context(), store, counters, now))
	for account, want := range map[string]int64{"acme": 14, "idle": 0, "free": 0} {
		got, err := counters.Add(t.Context(), account, from, 0, to)
		require.NoError(t, err)
		require.Equal(t, want, got, account)
	}
}
