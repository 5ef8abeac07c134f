package redisstore

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	miniserver "github.com/alicebob/miniredis/v2/server"
	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/quota"
)

func counters(t *testing.T, c *Client) *Counters {
	t.Helper()
	counters := newCounters(c, within)
	t.Cleanup(func() { require.NoError(t, counters.Close()) })
	return counters
}

// patient does not give up when the ledger does: a busy machine is no outage.
type patient struct{ *Counters }

func (p patient) Add(ctx context.Context, account string, period time.Time, n int64, expires time.Time) (int64, error) {
	return p.Counters.Add(context.WithoutCancel(ctx), account, period, n, expires)
}

// wallClock begins with a period and is set by the test.
type wallClock struct{ at atomic.Int64 }

func newWallClock(period time.Duration) *wallClock {
	c := &wallClock{}
	_, next := hook.Quota{Period: period}.At(time.Now())
	c.at.Store(next.UnixMilli())
	return c
}

func (c *wallClock) now() time.Time       { return time.UnixMilli(c.at.Load()).UTC() }
func (c *wallClock) pass(d time.Duration) { c.at.Add(d.Milliseconds()) }

// senders are ledgers of equal share on one Redis, each with its own connections.
func senders(t *testing.T, c *Client, clock *wallClock, n int) []*quota.Ledger {
	t.Helper()
	ledgers := make([]*quota.Ledger, n)
	for i := range ledgers {
		ledgers[i] = quota.New(patient{counters(t, c)}, func() float64 { return 1 / float64(n) }, clock.now, nil)
	}
	return ledgers
}

// race lets all senders take until nothing is left.
func race(t *testing.T, senders []*quota.Ledger, q hook.Quota) (sum int64) {
	t.Helper()
	var total atomic.Int64
	var all sync.WaitGroup
	for _, l := range senders {
		for range 8 {
			all.Go(func() {
				for {
					ok, _ := l.Take(t.Context(), "acme", q)
					if !ok {
						return
					}
					total.Add(1)
				}
			})
		}
	}
	all.Wait()
	return total.Load()
}

// TestQuota runs one after the other: a real server has few databases.
func TestQuota(t *testing.T) {
	t.Parallel()
	onEachRedis(t, func(t *testing.T, c *Client) {
		for name, test := range map[string]func(*testing.T, *Client){
			"counters add and expire":                      countersAddAndExpire,
			"senders that race take the quota and no more": sendersThatRaceTakeTheQuotaAndNoMore,
			"senders that stop leave their leases":         sendersThatStopLeaveTheirLeases,
			"a flushed Redis gives at most one quota more": aFlushedRedisGivesAtMostOneQuotaMore,
		} {
			t.Run(name, func(t *testing.T) {
				require.NoError(t, c.rdb.FlushDB(t.Context()).Err())
				test(t, c)
			})
		}
	})
}

func countersAddAndExpire(t *testing.T, c *Client) {
	counter := counters(t, c)
	period := time.UnixMilli(1_700_000_000_000)
	add := func(account string, n int64, expires time.Time) int64 {
		t.Helper()
		sum, err := counter.Add(t.Context(), account, period, n, expires)
		require.NoError(t, err)
		return sum
	}
	inAnHour := time.Now().Add(time.Hour)
	require.EqualValues(t, 0, add("acme", 0, inAnHour))
	require.EqualValues(t, 7, add("acme", 7, inAnHour))
	require.EqualValues(t, 4, add("acme", -3, inAnHour))
	require.EqualValues(t, 1, add("beta", 1, inAnHour))

	life := func() time.Duration {
		t.Helper()
		d, err := c.rdb.TTL(t.Context(), "staffetta:quota:acme:1700000000000").Result()
		require.NoError(t, err)
		return d
	}
	require.InDelta(t, time.Hour, life(), float64(10*time.Second))
	require.EqualValues(t, 5, add("acme", 1, time.Now().Add(-time.Hour)), "an expiry that has passed")
	require.InDelta(t, time.Minute, life(), float64(10*time.Second))
	require.EqualValues(t, 5, add("acme", 0, inAnHour))
}

func sendersThatRaceTakeTheQuotaAndNoMore(t *testing.T, c *Client) {
	q := hook.Quota{Calls: 3000, Period: 10 * time.Minute}
	clock := newWallClock(q.Period)
	ledgers := senders(t, c, clock, 4)
	for range 3 {
		sum := race(t, ledgers, q)
		require.LessOrEqual(t, sum, q.Calls)
		clock.pass(time.Second)
		sum += race(t, ledgers, q)
		require.LessOrEqual(t, sum, q.Calls)
		require.GreaterOrEqual(t, 100*sum, 95*q.Calls)
		clock.pass(q.Period)
	}
}

func sendersThatStopLeaveTheirLeases(t *testing.T, c *Client) {
	q := hook.Quota{Calls: 10_000, Period: 10 * time.Minute}
	clock := newWallClock(q.Period)
	first := senders(t, c, clock, 1)[0]
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); first.Run(ctx) }()
	for range 5 {
		ok, _ := first.Take(t.Context(), "acme", q)
		require.True(t, ok)
	}
	later, ok := first.Reserve(t.Context(), "acme", q, 15*time.Minute)
	require.True(t, ok)
	cancel()
	<-done
	now := clock.now()
	require.EqualValues(t, q.Calls-5, race(t, senders(t, c, clock, 2), q))
	clock.pass(later.Sub(now))
	require.EqualValues(t, q.Calls-1, race(t, senders(t, c, clock, 2), q))
}

func aFlushedRedisGivesAtMostOneQuotaMore(t *testing.T, c *Client) {
	q := hook.Quota{Calls: 1000, Period: 10 * time.Minute}
	clock := newWallClock(q.Period)
	ledgers := senders(t, c, clock, 3)
	sum := race(t, ledgers, q)
	require.NoError(t, c.rdb.FlushDB(t.Context()).Err())
	for range 3 {
		clock.pass(time.Second)
		sum += race(t, ledgers, q)
	}
	require.LessOrEqual(t, sum, 2*q.Calls)

	// One that took it all alone takes nothing more.
	alone := senders(t, c, clock, 1)
	clock.pass(q.Period)
	require.EqualValues(t, q.Calls, race(t, alone, q))
	require.NoError(t, c.rdb.FlushDB(t.Context()).Err())
	clock.pass(time.Second)
	require.Zero(t, race(t, alone, q))
}

func TestEachSenderTakesItsShareWhileRedisIsAway(t *testing.T) {
	t.Parallel()
	server := miniredis.RunT(t)
	c := client(t, "redis://"+server.Addr())
	q := hook.Quota{Calls: 1000, Period: 10 * time.Minute}
	clock := newWallClock(q.Period)
	ledgers := senders(t, c, clock, 4)
	server.Close()
	require.EqualValues(t, q.Calls, race(t, ledgers, q))

	// It comes back empty: what was taken meanwhile is known to all soon.
	require.NoError(t, server.Restart())
	server.FlushAll()
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for _, l := range ledgers {
		all.Go(func() { l.Run(ctx) })
	}
	defer func() { cancel(); all.Wait() }()
	clock.pass(2 * time.Second)
	require.Eventually(t, func() bool {
		clock.pass(time.Second)
		sum, err := c.rdb.Get(t.Context(), counterKey("acme", startOf(q, clock))).Int64()
		return err == nil && sum == q.Calls
	}, within, 10*time.Millisecond)
	require.Zero(t, race(t, ledgers, q))
	require.Zero(t, race(t, senders(t, c, clock, 1), q), "of a new member too")
}

func startOf(q hook.Quota, clock *wallClock) time.Time {
	from, _ := q.At(clock.now())
	return from
}

func TestACounterThatDoesNotAnswerIsGivenUpInTime(t *testing.T) {
	t.Parallel()
	server := miniredis.RunT(t)
	c := client(t, "redis://"+server.Addr())
	add := func(ctx context.Context, counter *Counters) error {
		start := time.Now()
		_, err := counter.Add(ctx, "acme", time.UnixMilli(0), 1, start.Add(time.Hour))
		require.Less(t, time.Since(start), within/2)
		return err
	}
	slow, quick := counters(t, c), newCounters(c, time.Second)
	defer quick.Close()
	require.NoError(t, add(t.Context(), slow))
	require.NoError(t, add(t.Context(), quick))

	// It takes what is added and does not answer.
	hold := make(chan struct{})
	release := sync.OnceFunc(func() { close(hold) })
	t.Cleanup(release)
	var asked atomic.Int32
	server.Server().SetPreHook(func(_ *miniserver.Peer, command string, _ ...string) bool {
		if command == "INCRBY" {
			asked.Add(1)
			<-hold
		}
		return false
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.Error(t, add(ctx, slow), "ctx bounds it")
	require.Error(t, add(t.Context(), quick), "so do the connections")
	require.LessOrEqual(t, asked.Load(), int32(2), "what may have been done is not repeated")
	release()
	server.Server().SetPreHook(nil)

	server.Close()
	require.Error(t, add(t.Context(), slow), "a connection that is refused is not waited for")
}
