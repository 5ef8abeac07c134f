package redisstore

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/hook"
)

// within bounds what happens at once or by the poll.
const within = 10 * time.Second

// databases are those of a real server but for the first: 15, lent to a test at a time.
var databases = func() chan int {
	free := make(chan int, 15)
	for n := range cap(free) {
		free <- n + 1
	}
	return free
}()

// onEachRedis runs a test on the Redis that there is: the real server that
// STAFFETTA_TEST_REDIS names, else an empty miniredis. CI runs all on both.
func onEachRedis(t *testing.T, run func(t *testing.T, c *Client)) {
	t.Helper()
	url := os.Getenv("STAFFETTA_TEST_REDIS")
	if url == "" {
		run(t, client(t, "redis://"+miniredis.RunT(t).Addr()))
		return
	}
	options, err := redis.ParseURL(url)
	require.NoError(t, err)
	database := <-databases
	t.Cleanup(func() { databases <- database })
	c := client(t, fmt.Sprintf("redis://%s/%d", options.Addr, database))
	require.NoError(t, c.rdb.FlushDB(t.Context()).Err())
	run(t, c)
}

func client(t *testing.T, url string) *Client {
	t.Helper()
	c, err := Open(url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

func account(id string, version int64, hooks ...string) hook.AccountState {
	s := hook.AccountState{Account: hook.Account{ID: id, Name: "Name of " + id, Version: version}}
	for _, w := range hooks {
		s.Webhooks = append(s.Webhooks, hook.Webhook{
			ID: w, Account: id, Status: hook.Active, URL: "https://example.com/" + w,
			ItemTypes: []string{hook.AnyItemType}, EventTypes: hook.EventTypes, Stores: []string{"7"},
			Format: hook.FormatRentman, Language: hook.Italian, Payload: hook.Thin, OnPause: hook.Hold,
			Secrets: [][]byte{{1, 2}}, RetrySchedule: []time.Duration{time.Second, time.Minute},
			Timeout: time.Second, Concurrency: 3,
		})
	}
	return s
}

func refill(t *testing.T, s *Store, states ...hook.AccountState) {
	t.Helper()
	require.NoError(t, s.Refill(t.Context(), func(yield func([]hook.AccountState) error) error { return yield(states) }))
}

func follow(t *testing.T, c *Client) *Mirror[hook.AccountState] {
	t.Helper()
	m := NewMirror(c, zap.NewNop(), func(s hook.AccountState) hook.AccountState { return s })
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = m.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return m
}

func requireVersion(t *testing.T, m *Mirror[hook.AccountState], id string, version int64) {
	t.Helper()
	require.Eventually(t, func() bool {
		s, ok := m.Account(id)
		return ok && s.Account.Version == version
	}, within, time.Millisecond)
}

func TestAMirrorReadsWhatWasPublished(t *testing.T) {
	t.Parallel()
	onEachRedis(t, func(t *testing.T, c *Client) {
		s := NewStore(c, zap.NewNop())
		want := account("acme", 3, "wh_1", "wh_2")
		refill(t, s, want)
		m := follow(t, c)
		<-m.Ready()
		got, ok := m.Account("acme")
		require.True(t, ok)
		require.Equal(t, want, got)

		require.NoError(t, s.Publish(t.Context(), []hook.AccountState{account("acme", 4), account("beta", 1)}))
		requireVersion(t, m, "acme", 4)
		requireVersion(t, m, "beta", 1)
	})
}

func TestNoCompleteSnapshotIsNotAnEmptyOne(t *testing.T) {
	t.Parallel()
	onEachRedis(t, func(t *testing.T, c *Client) {
		s := NewStore(c, zap.NewNop())
		require.ErrorIs(t, s.Publish(t.Context(), []hook.AccountState{account("acme", 1)}), ErrNoEpoch)
		// A fill that died on the way.
		require.NoError(t, s.begin(t.Context(), "UNFINISHED"))
		require.NoError(t, s.write(t.Context(), "UNFINISHED", []hook.AccountState{account("acme", 1)}))
		m := follow(t, c)
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		require.ErrorIs(t, m.Sync(ctx), context.DeadlineExceeded)
		select {
		case <-m.Ready():
			t.Fatal("ready without a complete snapshot")
		default:
		}
		refill(t, s, account("acme", 1))
		<-m.Ready()
		requireVersion(t, m, "acme", 1)
	})
}

func TestAFlushedRedisLeavesTheMirrorAsItIs(t *testing.T) {
	t.Parallel()
	onEachRedis(t, func(t *testing.T, c *Client) {
		s := NewStore(c, zap.NewNop())
		refill(t, s, account("acme", 5, "wh_1"))
		m := follow(t, c)
		requireVersion(t, m, "acme", 5)
		require.NoError(t, c.rdb.FlushDB(t.Context()).Err())
		_, ok, err := s.Digest(t.Context())
		require.NoError(t, err)
		require.False(t, ok, "the api must see that a refill is due")

		_, ok = m.Account("acme")
		require.True(t, ok)
		// An older state that somebody fills in is not taken.
		refill(t, s, account("acme", 4))
		require.NoError(t, m.Sync(t.Context()))
		requireVersion(t, m, "acme", 5)
	})
}

func TestAnEvictedKeyIsNotAnEmptySnapshot(t *testing.T) {
	t.Parallel()
	for _, key := range []func(string) string{accountsKey, versionsKey, changesKey, metaKey} {
		onEachRedis(t, func(t *testing.T, c *Client) {
			s := NewStore(c, zap.NewNop())
			refill(t, s, account("acme", 5, "wh_1"), account("beta", 2))
			epoch, err := currentEpoch(t.Context(), c.rdb)
			require.NoError(t, err)
			require.NoError(t, c.rdb.Del(t.Context(), key(epoch)).Err())

			m := follow(t, c)
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			require.ErrorIs(t, m.Sync(ctx), context.DeadlineExceeded)
			_, ok, err := s.Digest(t.Context())
			require.NoError(t, err)
			require.False(t, ok, "the api must see that a refill is due")

			refill(t, s, account("acme", 5, "wh_1"), account("beta", 2))
			require.NoError(t, m.Sync(t.Context()))
			requireVersion(t, m, "acme", 5)
		})
	}
}

func TestALostMessageCostsAtMostThePollInterval(t *testing.T) {
	t.Parallel()
	onEachRedis(t, func(t *testing.T, c *Client) {
		s := NewStore(c, zap.NewNop())
		refill(t, s, account("acme", 1))
		m := follow(t, c)
		requireVersion(t, m, "acme", 1)
		epoch, err := currentEpoch(t.Context(), c.rdb)
		require.NoError(t, err)
		require.NoError(t, s.write(t.Context(), epoch, []hook.AccountState{account("acme", 2)})) // and no message
		requireVersion(t, m, "acme", 2)
	})
}

func TestAnOlderVersionNeverReplacesANewerOne(t *testing.T) {
	t.Parallel()
	onEachRedis(t, func(t *testing.T, c *Client) {
		s := NewStore(c, zap.NewNop())
		refill(t, s)
		require.NoError(t, s.Publish(t.Context(), []hook.AccountState{account("acme", 7)}))
		require.NoError(t, s.Publish(t.Context(), []hook.AccountState{account("acme", 6)}))
		m := follow(t, c)
		requireVersion(t, m, "acme", 7)
	})
}

func TestTheDigestSumsUpWhatIsThere(t *testing.T) {
	t.Parallel()
	onEachRedis(t, func(t *testing.T, c *Client) {
		s := NewStore(c, zap.NewNop())
		refill(t, s, account("a", 2), account("b", 3))
		require.NoError(t, s.Publish(t.Context(), []hook.AccountState{account("a", 5), account("c", 1)}))
		d, ok, err := s.Digest(t.Context())
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, hook.StateDigest{Accounts: 3, Versions: 9}, d)
	})
}

func TestSyncSeesWhatWasPublishedBeforeIt(t *testing.T) {
	t.Parallel()
	onEachRedis(t, func(t *testing.T, c *Client) {
		s := NewStore(c, zap.NewNop())
		refill(t, s)
		m := follow(t, c)
		for version := int64(1); version <= 20; version++ {
			require.NoError(t, s.Publish(t.Context(), []hook.AccountState{account("acme", version)}))
			require.NoError(t, m.Sync(t.Context()))
			got, ok := m.Account("acme")
			require.True(t, ok)
			require.Equal(t, version, got.Account.Version)
		}
	})
}

func TestABadURLIsRefusedWithoutItsPassword(t *testing.T) {
	t.Parallel()
	_, err := Open("http://:hunter2@example.com")
	require.ErrorContains(t, err, "redis://")
	require.NotContains(t, err.Error(), "hunter2")
}

func TestCircuitsAreClosedUnlessASenderSaysOtherwise(t *testing.T) {
	t.Parallel()
	onEachRedis(t, func(t *testing.T, c *Client) {
		circuits := NewCircuits(c)
		require.NoError(t, circuits.Report(t.Context(), []Circuit{
			{Webhook: "wh_1", State: "open", For: time.Minute}, {Webhook: "wh_2", State: "half_open", For: time.Minute},
		}))
		states, err := circuits.Circuits(t.Context(), []string{"wh_0", "wh_1", "wh_2"})
		require.NoError(t, err)
		require.Equal(t, []string{"closed", "open", "half_open"}, states)
		require.NoError(t, circuits.Report(t.Context(), []Circuit{{Webhook: "wh_1", State: "closed"}}))
		states, err = circuits.Circuits(t.Context(), []string{"wh_1"})
		require.NoError(t, err)
		require.Equal(t, []string{"closed"}, states)
	})
}

func TestErrorsOfFiltersAddUpUntilTheyAreForgotten(t *testing.T) {
	t.Parallel()
	onEachRedis(t, func(t *testing.T, c *Client) {
		filters := NewFilterErrors(c)
		at := time.UnixMilli(1_800_000_000_000).UTC()
		first := hook.FilterError{Webhook: "wh_1", Count: 2, At: at, Event: "evt_1", Message: "no such key: a"}
		second := hook.FilterError{Webhook: "wh_1", Count: 3, At: at.Add(time.Second), Event: "evt_2", Message: "no such key: b"}
		require.NoError(t, filters.Report(t.Context(), []hook.FilterError{first}))
		require.NoError(t, filters.Report(t.Context(), []hook.FilterError{second}))
		second.Count = 5
		found, err := filters.FilterErrors(t.Context(), []string{"wh_0", "wh_1"})
		require.NoError(t, err)
		require.Equal(t, []hook.FilterError{{Webhook: "wh_0"}, second}, found)
		require.NoError(t, filters.Forget(t.Context(), "wh_1"))
		found, err = filters.FilterErrors(t.Context(), []string{"wh_1"})
		require.NoError(t, err)
		require.Equal(t, []hook.FilterError{{Webhook: "wh_1"}}, found)
		found, err = filters.FilterErrors(t.Context(), nil)
		require.NoError(t, err)
		require.Empty(t, found)
	})
}
