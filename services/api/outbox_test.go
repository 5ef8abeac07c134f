package api_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/api"
)

var errDied = errors.New("the process died here")

// faulty is the store and the cache of a member to which something happens where
// the two meet. A hook whose error is not nil takes the place of the call.
type faulty struct {
	api.Store
	api.Cache
	// read comes after accounts were read from the store, written after they were
	// written to the cache; walked after each page of a fill.
	read, written, walked func() error
}

func (f *faulty) Unpublished(ctx context.Context, limit int) ([]hook.AccountState, error) {
	states, err := f.Store.Unpublished(ctx, limit)
	if err == nil && len(states) > 0 && f.read != nil {
		err = f.read()
	}
	return states, err
}

func (f *faulty) Publish(ctx context.Context, states []hook.AccountState) error {
	err := f.Cache.Publish(ctx, states)
	if err == nil && f.written != nil {
		err = f.written()
	}
	return err
}

func (f *faulty) States(ctx context.Context, after string, limit int) ([]hook.AccountState, error) {
	states, err := f.Store.States(ctx, after, limit)
	if err == nil && f.walked != nil {
		err = f.walked()
	}
	return states, err
}

// Digest is in both.
type faultyStore struct{ *faulty }

func (f faultyStore) Digest(ctx context.Context) (hook.StateDigest, bool, error) {
	return f.Store.Digest(ctx)
}

type faultyCache struct{ *faulty }

func (f faultyCache) Digest(ctx context.Context) (hook.StateDigest, bool, error) {
	return f.Cache.Digest(ctx)
}

// with is a member with faults.
func (b *bench) with(f *faulty) *api.Service {
	b.t.Helper()
	f.Store, f.Cache = b.store, b.cache
	config := b.config
	config.Store, config.Cache = faultyStore{f}, faultyCache{f}
	return b.member(config)
}

// onEachCache runs a test on the Redis that there is: the real server that
// STAFFETTA_TEST_REDIS names, else an embedded one. CI runs all on both.
func onEachCache(t *testing.T, run func(t *testing.T, b *bench)) {
	t.Helper()
	text := os.Getenv("STAFFETTA_TEST_REDIS")
	if text == "" {
		run(t, newBench(t))
		return
	}
	u, err := url.Parse(text)
	require.NoError(t, err)
	number := <-databases
	t.Cleanup(func() { databases <- number })
	u.Path = fmt.Sprint("/", number)
	run(t, newBenchOn(t, u.String(), 20*time.Millisecond, nil))
}

// databases are those of a real server but for the first, lent to a test at a time.
var databases = func() chan int {
	free := make(chan int, 15)
	for n := range cap(free) {
		free <- n + 1
	}
	return free
}()

// requireSettled waits until the cache has what the store has, and nothing is queued.
func (b *bench) requireSettled() {
	b.t.Helper()
	require.Eventually(b.t, func() bool {
		stored, settled, err := b.store.Digest(b.t.Context())
		require.NoError(b.t, err)
		cached, complete, err := b.cache.Digest(b.t.Context())
		return err == nil && settled && complete && cached == stored
	}, 6*patience, glance)
}

// requireAllSeen requires that a router that starts now sees acme as the store has it.
func (b *bench) requireAllSeen() {
	b.t.Helper()
	want, err := b.store.States(b.t.Context(), "", 10)
	require.NoError(b.t, err)
	mirror := b.mirror()
	<-mirror.Ready()
	got, ok := mirror.Account("acme")
	require.True(b.t, ok)
	require.Equal(b.t, want[0].Account.Version, got.Account.Version)
	require.Len(b.t, got.Webhooks, len(want[0].Webhooks))
}

func once(err error) func() error {
	var done atomic.Bool
	return func() error {
		if done.Swap(true) {
			return nil
		}
		return err
	}
}

func TestAMemberThatDiesBetweenStoreAndCacheLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	dies := func() error { return errDied }
	for name, f := range map[string]faulty{
		"after the commit":                  {read: dies},
		"after the cache has it":            {written: dies},
		"in the middle of a fill":           {walked: dies},
		"once, and its next round makes it": {read: once(errDied), written: once(errDied), walked: once(errDied)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEachCache(t, func(t *testing.T, b *bench) {
				if f.walked == nil {
					stop := b.running(b.Service) // which fills the cache
					b.requireSettled()
					stop()
				}
				dying := f
				stop := b.running(b.with(&dying))
				id := b.webhook()
				b.acme().post("/v1/webhooks/"+id+"/pause", "").requires(200)
				if name == "once, and its next round makes it" {
					b.requireSettled()
					b.requireAllSeen()
					return
				}
				_, settled, err := b.store.Digest(t.Context())
				require.NoError(t, err)
				require.False(t, settled, "it is queued")
				stop()
				b.run() // the next member
				b.requireSettled()
				b.requireAllSeen()
			})
		})
	}
}

func TestMembersThatPublishTogetherAgree(t *testing.T) {
	t.Parallel()
	onEachCache(t, func(t *testing.T, b *bench) {
		const members, changes = 3, 10
		// Each has read before another one writes.
		var turn sync.Mutex
		for range members {
			b.running(b.with(&faulty{read: func() error { turn.Lock(); defer turn.Unlock(); return nil }}))
		}
		var work sync.WaitGroup
		for range members {
			work.Go(func() {
				for range changes {
					_, err := b.store.CreateWebhook(t.Context(), hook.Webhook{
						ID: "wh_" + fmt.Sprint(time.Now().UnixNano()), Account: "acme", Status: hook.Active,
						ItemTypes: []string{"*"}, EventTypes: hook.EventTypes, URL: "https://example.com",
					})
					if err != nil && !errors.Is(err, hook.ErrConflict) {
						t.Error(err)
					}
				}
			})
		}
		work.Wait()
		b.requireSettled()
		b.requireAllSeen()
	})
}

// A member that was stopped for a while between its reading and its writing.
func TestAStaleMemberOverwritesNothing(t *testing.T) {
	t.Parallel()
	onEachCache(t, func(t *testing.T, b *bench) {
		awake := make(chan struct{})
		wake := sync.OnceFunc(func() { close(awake) })
		t.Cleanup(wake) // before the members are stopped
		held := func(reached chan struct{}) func() error {
			reach := sync.OnceFunc(func() { close(reached) })
			return func() error {
				reach()
				<-awake
				return nil
			}
		}
		stop := b.running(b.Service) // which fills the cache
		b.requireSettled()
		stop()
		// One holds a page that it is to publish, and one is in the middle of a fill.
		b.change("first")
		publishing, filling := make(chan struct{}), make(chan struct{})
		b.running(b.with(&faulty{read: held(publishing)}))
		<-publishing
		fill := make(chan error, 1)
		go func() {
			fill <- b.cache.Refill(t.Context(), func(yield func([]hook.AccountState) error) error {
				states, err := b.store.States(t.Context(), "", 10)
				return errors.Join(err, held(filling)(), yield(states))
			})
		}()
		<-filling
		b.change("second")
		b.running(b.member(b.config))
		b.requireSettled()
		wake()
		require.NoError(t, <-fill)
		b.requireAllSeen()
		b.requireSettled()
	})
}

// change makes a webhook past the API, so that no member is told at once.
func (b *bench) change(id string) {
	b.t.Helper()
	_, err := b.store.CreateWebhook(b.t.Context(), hook.Webhook{
		ID: "wh_" + id, Account: "acme", Status: hook.Active, ItemTypes: []string{"*"}, EventTypes: hook.EventTypes, URL: "https://example.com",
	})
	require.NoError(b.t, err)
}

func TestAFlushAtAnyMomentOfChangesHeals(t *testing.T) {
	t.Parallel()
	onEachCache(t, func(t *testing.T, b *bench) {
		const most = 60 // then they have peace
		var flushes atomic.Int64
		flush := func() error {
			if flushes.Add(1) > most {
				return nil
			}
			return b.flush()
		}
		for range 2 {
			b.running(b.with(&faulty{read: flush, written: flush, walked: flush}))
		}
		for n := range 10 {
			before := flushes.Load()
			b.change(fmt.Sprint(n))
			require.Eventually(t, func() bool { return flushes.Load() > before }, 6*patience, glance)
		}
		require.Eventually(t, func() bool { return flushes.Load() > most }, 6*patience, glance)
		b.requireSettled()
		b.requireAllSeen()
	})
}
