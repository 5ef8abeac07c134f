package router_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/embedded"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/redisstore"
	"github.com/staffetta/staffetta/services/router"
)

// mirror follows a Redis until the test ends.
func mirror(t *testing.T, cache *redisstore.Client) *redisstore.Mirror[*router.Index] {
	t.Helper()
	m := redisstore.NewMirror(cache, zap.NewNop(), router.NewIndex)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- m.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	return m
}

// onEachRedis runs a test on an empty embedded Redis, and on the real server of
// STAFFETTA_TEST_REDIS if there is one.
func onEachRedis(t *testing.T, run func(t *testing.T, cache *redisstore.Client)) {
	t.Helper()
	on := func(name string, url func(t *testing.T) string) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cache, err := redisstore.Open(url(t))
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, cache.Close()) })
			require.NoError(t, cache.Flush(t.Context()))
			run(t, cache)
		})
	}
	on("embedded", func(t *testing.T) string {
		redis, err := embedded.StartRedis("")
		require.NoError(t, err)
		t.Cleanup(redis.Close)
		return redis.URL()
	})
	if text := os.Getenv("STAFFETTA_TEST_REDIS"); text != "" {
		on("redis", func(t *testing.T) string {
			u, err := url.Parse(text)
			require.NoError(t, err)
			u.Path = "/1" // one test has it; other packages run at other times
			return u.String()
		})
	}
}

func TestARouterWithoutASnapshotWaitsAndSaysSo(t *testing.T) {
	t.Parallel()
	onEachRedis(t, func(t *testing.T, cache *redisstore.Client) {
		f := newFixture(t)
		f.run(mirror(t, cache))
		f.publish(0, event("evt_1", "acme", 1), event("evt_2", "nobody", 1))
		const ready = "staffetta_router_snapshot_ready"
		require.Zero(t, f.metric(ready))

		store := redisstore.NewStore(cache, zap.NewNop())
		died := errors.New("the api died")
		require.ErrorIs(t, store.Refill(t.Context(), func(yield func([]hook.AccountState) error) error {
			return errors.Join(yield([]hook.AccountState{account("beta")}), died)
		}), died)
		// It looks once a second: a mirror that began after it has looked too when
		// this one has.
		waits, stop := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer stop()
		require.ErrorIs(t, mirror(t, cache).Sync(waits), context.DeadlineExceeded)
		require.Zero(t, f.metric(ready), "half of it is nothing")

		require.NoError(t, store.Refill(t.Context(), func(yield func([]hook.AccountState) error) error {
			return errors.Join(yield([]hook.AccountState{account("beta")}), yield([]hook.AccountState{account("acme")}))
		}))
		require.Equal(t, map[string]int{"evt_1": 1}, f.awaitDelivered(f.reader(bus.Deliveries), "evt_1"))
		require.EqualValues(t, 1, f.metric(ready))
		f.eventually(f.committed, "all are done")
		require.EqualValues(t, 1, f.metric("staffetta_router_quarantined_total"), "the one of nobody")
	})
}

func TestWithRedisAwayKnownAccountsGoOn(t *testing.T) {
	t.Parallel()
	redis, err := embedded.StartRedis("")
	require.NoError(t, err)
	t.Cleanup(redis.Close)
	cache, err := redisstore.Open(redis.URL())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, cache.Close()) })
	fill := func(states ...hook.AccountState) {
		require.NoError(t, redisstore.NewStore(cache, zap.NewNop()).Refill(t.Context(),
			func(yield func([]hook.AccountState) error) error { return yield(states) }))
	}
	fill(account("acme"))
	f := newFixture(t)
	f.run(mirror(t, cache))
	reader := f.reader(bus.Deliveries)
	f.publish(0, event("evt_0", "acme", 1))
	f.awaitDelivered(reader, "evt_0")

	redis.Close()
	const unknown = 3000 // more than may wait
	for range unknown / 100 {
		var flood [][]byte
		for n := range 100 {
			flood = append(flood, event("evt_nobody", fmt.Sprint("nobody", n), 1))
		}
		f.publish(0, flood...)
	}
	f.publish(1, event("evt_late", "late", 1), event("evt_1", "acme", 1))
	f.publish(2, event("evt_2", "acme", 1))
	require.Equal(t, map[string]int{"evt_1": 1, "evt_2": 1}, f.awaitDelivered(reader, "evt_1", "evt_2"))

	require.NoError(t, redis.Restart()) // empty: that means nothing
	f.publish(3, event("evt_3", "acme", 1))
	require.Equal(t, map[string]int{"evt_3": 1}, f.awaitDelivered(reader, "evt_3"))
	fill(account("acme"), account("late"))
	require.Equal(t, map[string]int{"evt_late": 1}, f.awaitDelivered(reader, "evt_late"))
	quarantined := 0
	for q := f.reader(bus.Quarantine); quarantined < unknown; {
		quarantined += len(f.next(q))
	}
	require.Equal(t, unknown, quarantined)
	f.eventually(f.committed, "all are done")
}
