package api_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/redisstore"
	"github.com/staffetta/staffetta/services/api"
)

const (
	patience = 10 * time.Second
	glance   = 10 * time.Millisecond
)

// run runs the service until the test ends.
func (b *bench) run() {
	b.t.Helper()
	b.running(b.Service)
}

// running runs a member until the test ends, or stop is called.
func (b *bench) running(member *api.Service) (stop func()) {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- member.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(b.t, <-ended)
	})
	b.t.Cleanup(stop)
	return stop
}

// mirror reads the cache as routers do.
func (b *bench) mirror() *redisstore.Mirror[hook.AccountState] {
	b.t.Helper()
	client, err := redisstore.Open(b.cacheURL)
	require.NoError(b.t, err)
	mirror := redisstore.NewMirror(client, zap.NewNop(), func(s hook.AccountState) hook.AccountState { return s })
	ctx, stop := context.WithCancel(b.t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = mirror.Run(ctx) // it ends with the test
	}()
	b.t.Cleanup(func() {
		stop()
		<-ended
		require.NoError(b.t, client.Close())
	})
	return mirror
}

// requireSeen waits until a router sees so many webhooks of acme.
func (b *bench) requireSeen(mirror *redisstore.Mirror[hook.AccountState], webhooks int) {
	b.t.Helper()
	require.Eventually(b.t, func() bool {
		state, ok := mirror.Account("acme")
		return ok && len(state.Webhooks) == webhooks
	}, patience, glance)
}

func TestAChangeReachesTheRoutersAtOnce(t *testing.T) {
	t.Parallel()
	b := newBenchPolling(t, time.Hour) // so nothing waits for a poll
	b.run()
	mirror := b.mirror()
	b.requireSeen(mirror, 0)
	id := b.webhook()
	b.requireSeen(mirror, 1)

	b.acme().post("/v1/webhooks/"+id+"/pause", "").requires(200)
	require.Eventually(t, func() bool {
		state, _ := mirror.Account("acme")
		return state.Webhooks[0].Status == hook.Paused
	}, patience, glance)
	b.acme().delete("/v1/webhooks/" + id).requires(204)
	b.requireSeen(mirror, 0)
	b.as(adminKey).delete("/v1/accounts/acme").requires(204)
	require.Eventually(t, func() bool {
		state, ok := mirror.Account("acme")
		return ok && state.Account.Deleted
	}, patience, glance)
}

func TestWhatAnotherMemberWroteIsPublishedToo(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.run()
	mirror := b.mirror()
	b.requireSeen(mirror, 0)
	_, err := b.store.CreateWebhook(t.Context(), hook.Webhook{ID: "wh_1", Account: "acme", Status: hook.Active,
		ItemTypes: []string{"*"}, EventTypes: hook.EventTypes, URL: "https://example.com"})
	require.NoError(t, err)
	b.requireSeen(mirror, 1)
}

func TestAFlushedCacheIsFilledAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.run()
	b.webhook()
	b.requireSeen(b.mirror(), 1)
	b.redis.FlushAll()
	// A router that starts now, and knows nothing from before.
	b.requireSeen(b.mirror(), 1)
}

func TestACacheThatDiffersIsFilledAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.webhook()
	// A cache that somebody restored from elsewhere: complete, but wrong.
	require.NoError(t, b.cache.Refill(t.Context(), func(yield func([]hook.AccountState) error) error {
		return yield([]hook.AccountState{
			{Account: hook.Account{ID: "acme", Name: "Wrong", Version: 900}},
			{Account: hook.Account{ID: "stranger", Name: "Stranger", Version: 3}},
		})
	}))
	b.run()
	require.Eventually(t, func() bool {
		stored, _, err := b.store.Digest(t.Context())
		require.NoError(t, err)
		cached, ok, err := b.cache.Digest(t.Context())
		require.NoError(t, err)
		return ok && cached == stored
	}, patience, glance)
	b.requireSeen(b.mirror(), 1)
}

func TestWithTheCacheAwayTheAPIGoesOnAndCatchesUp(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.config.Metrics = prometheus.NewRegistry()
	b.Service = b.member(b.config)
	require.Error(t, b.CacheCurrent(t.Context()), "not known yet")
	b.run()
	mirror := b.mirror()
	b.requireSeen(mirror, 0)
	require.Eventually(t, func() bool { return b.CacheCurrent(t.Context()) == nil }, patience, glance)

	b.redis.Close()
	b.webhook()
	require.Eventually(t, func() bool { return b.CacheCurrent(t.Context()) != nil }, patience, glance)
	require.EqualValues(t, 1, b.stale())
	require.Len(t, b.acme().get("/v1/webhooks").ids(), 1)

	require.NoError(t, b.redis.Restart())
	b.requireSeen(mirror, 1)
	require.Eventually(t, func() bool { return b.CacheCurrent(t.Context()) == nil && b.stale() == 0 }, patience, glance)
}

// stale is what the metric says of the cache.
func (b *bench) stale() float64 {
	b.t.Helper()
	registry, ok := b.config.Metrics.(*prometheus.Registry)
	require.True(b.t, ok)
	families, err := registry.Gather()
	require.NoError(b.t, err)
	for _, f := range families {
		if f.GetName() == "staffetta_api_cache_stale" {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	b.t.Fatal("there is no such metric")
	return 0
}

// member is another one on the same parts, or with others.
func (b *bench) member(config api.Config) *api.Service {
	b.t.Helper()
	m, err := api.New(config)
	require.NoError(b.t, err)
	return m
}
