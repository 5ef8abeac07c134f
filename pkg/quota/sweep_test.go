package quota

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

// run runs the ledger until stop is called, which waits for its end.
func run(t *testing.T, l *Ledger) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); l.Run(ctx) }()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

func TestWhatIsUnusedForFiveSecondsGoesBack(t *testing.T) {
	t.Parallel()
	c, clk := newMemory(), newClock()
	l := member(c, clk)
	q := hook.Quota{Calls: 10_000, Period: 10 * time.Minute}
	requireTaken(t, l, q, 1)
	calm(l)
	run(t, l)
	clk.pass(idleFor - time.Millisecond)
	l.sweep(t.Context())
	require.EqualValues(t, 200, c.sum(began), "not yet")
	clk.pass(time.Millisecond)
	require.Eventually(t, func() bool { return c.sum(began) == 1 }, within, time.Millisecond)
}

func TestATrickleOfCallsDoesNotKeepALease(t *testing.T) {
	t.Parallel()
	c, clk := newMemory(), newClock()
	l := member(c, clk)
	q := hook.Quota{Calls: 10_000, Period: 10 * time.Minute}
	for range 11 {
		requireTaken(t, l, q, 1)
		clk.pass(time.Second)
		l.sweep(t.Context())
	}
	calm(l)
	require.Less(t, c.sum(began), int64(50), "not 200")
}

func TestAShortPeriodsLeaseGoesBackSooner(t *testing.T) {
	t.Parallel()
	c, clk := newMemory(), newClock()
	l := member(c, clk)
	requireTaken(t, l, hook.Quota{Calls: 10_000, Period: time.Second}, 1)
	clk.pass(100 * time.Millisecond)
	l.sweep(t.Context())
	require.EqualValues(t, 1, c.sum(began))
}

func TestUnusedReservationsGoBack(t *testing.T) {
	t.Parallel()
	c, clk := newMemory(), newClock()
	l := member(c, clk)
	q := hook.Quota{Calls: 10_000, Period: 10 * time.Minute}
	period, ok := l.Reserve(t.Context(), "acme", q, horizon)
	require.True(t, ok)
	calm(l)
	require.Greater(t, c.sum(period), int64(1))
	clk.pass(idleFor)
	l.sweep(t.Context())
	require.EqualValues(t, 1, c.sum(period))
}

func TestAllLeasesGoBackOnStop(t *testing.T) {
	t.Parallel()
	c, clk := newMemory(), newClock()
	l := member(c, clk)
	stop := run(t, l)
	q := hook.Quota{Calls: 10_000, Period: 10 * time.Minute}
	const accounts = 300
	for i := range accounts {
		ok, _ := l.Take(t.Context(), fmt.Sprint("account-", i), q)
		require.True(t, ok)
	}
	requireTaken(t, l, q, 100) // the next lease is on its way
	period, ok := l.Reserve(t.Context(), "acme", q, horizon)
	require.True(t, ok)
	stop()
	require.EqualValues(t, 100, c.sum(began))
	require.EqualValues(t, 1, c.sum(period))
	var sum int64
	for _, n := range c.sums {
		sum += n
	}
	require.EqualValues(t, accounts+101, sum)

	// A straggler gets a call and leaves none behind; what it gives back goes back.
	requireTaken(t, l, q, 1)
	calm(l)
	require.EqualValues(t, 101, c.sum(began))
	l.Return("acme", q, began)
	calm(l)
	require.EqualValues(t, 100, c.sum(began))
}

func TestStoppingDoesNotWaitForCountersThatAreAway(t *testing.T) {
	t.Parallel()
	c, clk := newMemory(), newClock()
	l := member(c, clk)
	l.timeout = requestTimeout
	for i := range 1000 {
		ok, _ := l.Take(t.Context(), fmt.Sprint("account-", i), hook.Quota{Calls: 10_000, Period: time.Minute})
		require.True(t, ok)
	}
	c.mu.Lock()
	c.held = make(chan struct{})
	c.mu.Unlock()
	start := time.Now()
	l.stop()
	require.Less(t, time.Since(start), within, "60 s of timeouts, sixteen at a time, would be 15 s")
}

func TestWhatIsOverIsForgotten(t *testing.T) {
	t.Parallel()
	c, clk := newMemory(), newClock()
	l := member(c, clk)
	q := hook.Quota{Calls: 1, Period: time.Minute}
	for i := range 100 {
		account := fmt.Sprint("account-", i)
		l.Take(t.Context(), account, q)
		l.Take(t.Context(), account, q)
		l.Reserve(t.Context(), account, q, 2*time.Minute)
	}
	require.Equal(t, 200, l.holdings)
	clk.pass(10 * time.Minute)
	l.sweep(t.Context())
	require.Zero(t, l.holdings)
	require.Empty(t, l.accounts)
	require.Empty(t, l.open)
}

func TestMemoryIsBoundedWhateverTheNumberOfAccounts(t *testing.T) {
	t.Parallel()
	c, clk := newMemory(), newClock()
	l := member(c, clk)
	l.most = 100
	q := hook.Quota{Calls: 1, Period: hook.MaxQuotaPeriod}
	for i := range 150 {
		l.Take(t.Context(), fmt.Sprint("account-", i), q)
		l.Take(t.Context(), fmt.Sprint("account-", i), q)
	}
	l.sweep(t.Context())
	require.Equal(t, 150, l.holdings, "all were touched just now")
	clk.pass(2 * forgetEvery)
	l.sweep(t.Context())
	require.Equal(t, 100, l.holdings)
	for i := range 150 {
		ok, _ := l.Take(t.Context(), fmt.Sprint("account-", i), q)
		require.False(t, ok, "the counter remembers")
	}
}
