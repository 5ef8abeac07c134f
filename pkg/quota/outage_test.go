package quota

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

var hundred = hook.Quota{Calls: 100, Period: 10 * time.Minute}

func TestWithoutCountersEachMemberTakesItsShare(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 3, 7} {
		c, clk := newMemory(), newClock()
		c.become(away)
		var sum int64
		for _, l := range members(c, clk, n) {
			got := takeAll(t, l, hundred, 4)
			require.InDelta(t, 100/float64(n), got, 1)
			sum += got
		}
		require.LessOrEqual(t, sum, int64(100))
		require.GreaterOrEqual(t, sum, int64(95))
	}
}

func TestWithoutCountersASmallQuotaStillAllowsOneCall(t *testing.T) {
	t.Parallel()
	c, clk := newMemory(), newClock()
	c.become(away)
	for _, l := range members(c, clk, 5) {
		require.EqualValues(t, 1, takeAll(t, l, hook.Quota{Calls: 2, Period: time.Minute}, 2))
	}
}

func TestWithoutCountersReservationsAreSharedToo(t *testing.T) {
	t.Parallel()
	c, clk := newMemory(), newClock()
	c.become(away)
	require.Equal(t, map[time.Time]int64{began.Add(10 * time.Minute): 25}, reserveAll(t, members(c, clk, 4)[0], hundred))
}

func TestWhatWasTakenBeforeTheOutageIsPartOfTheShare(t *testing.T) {
	t.Parallel()
	c, clk := newMemory(), newClock()
	both := members(c, clk, 2)
	requireTaken(t, both[0], hundred, 30)
	calm(both[0])
	c.become(away)
	require.EqualValues(t, 20, takeAll(t, both[0], hundred, 1))
}

func TestWhatOthersWereSeenToTakeIsNotTakenWithoutCounters(t *testing.T) {
	t.Parallel()
	c, clk := newMemory(), newClock()
	both := members(c, clk, 2)
	requireTaken(t, both[0], hundred, 90)
	calm(both[0])
	requireTaken(t, both[1], hundred, 1)
	calm(both[1])
	c.become(away)
	sum := 91 + takeAll(t, both[1], hundred, 1) + takeAll(t, both[0], hundred, 1)
	require.LessOrEqual(t, sum, int64(100))
}

func TestAShareThatGrowsCountsAtOnce(t *testing.T) {
	t.Parallel()
	c, clk := newMemory(), newClock()
	c.become(away)
	var share atomic.Int64
	share.Store(20)
	l := New(c, func() float64 { return float64(share.Load()) / 100 }, clk.Now, nil)
	require.EqualValues(t, 20, takeAll(t, l, hundred, 1))
	share.Store(50)
	clk.pass(awayFor)
	require.EqualValues(t, 30, takeAll(t, l, hundred, 1))
}

func TestCountersThatAreAwayAreAskedOnceASecond(t *testing.T) {
	t.Parallel()
	c, clk := newMemory(), newClock()
	c.become(away)
	l := member(c, clk)
	q := hook.Quota{Calls: 10_000, Period: 10 * time.Minute}
	requireTaken(t, l, q, 50)
	for _, account := range []string{"beta", "gamma"} {
		ok, _ := l.Take(t.Context(), account, q)
		require.True(t, ok)
	}
	require.Equal(t, 1, c.asked())
	for range 3 {
		before := c.asked()
		clk.pass(awayFor)
		requireTaken(t, l, q, 50)
		calm(l)
		require.Equal(t, before+1, c.asked())
	}
}

func TestWhoWaitsIsHeldUpOnceByCountersThatHang(t *testing.T) {
	t.Parallel()
	c, clk := newMemory(), newClock()
	c.held = make(chan struct{})
	defer close(c.held)
	l := member(c, clk)
	l.timeout = requestTimeout
	start := time.Now()
	requireTaken(t, l, hundred, 60)
	require.Less(t, time.Since(start), within/2, "60 timeouts would be 15 s")
	require.Equal(t, 1, c.asked())
}

func TestOutagesAreReportedOnce(t *testing.T) {
	t.Parallel()
	c, clk := newMemory(), newClock()
	var mu sync.Mutex
	var reports []error
	l := New(c, func() float64 { return 1 }, clk.Now, func(err error) {
		mu.Lock()
		defer mu.Unlock()
		reports = append(reports, err)
	})
	c.become(away)
	requireTaken(t, l, hundred, 10)
	clk.pass(awayFor)
	requireTaken(t, l, hundred, 10)
	calm(l)
	c.become(answering)
	clk.pass(awayFor)
	requireTaken(t, l, hundred, 10)
	calm(l)
	require.Len(t, reports, 2)
	require.True(t, errors.Is(reports[0], errAway))
	require.NoError(t, reports[1])
}

func TestWhatWasTakenWithoutCountersIsPostedAfterwards(t *testing.T) {
	t.Parallel()
	c, clk := newMemory(), newClock()
	both := members(c, clk, 2)
	c.become(away)
	require.EqualValues(t, 50, takeAll(t, both[0], hundred, 1))
	require.Zero(t, c.sum(began))

	c.become(answering)
	clk.pass(awayFor)
	both[0].sweep(t.Context())
	calm(both[0]) // found them answering
	both[0].sweep(t.Context())
	require.EqualValues(t, 50, c.sum(began), "also without more demand here")
	require.EqualValues(t, 50, takeAll(t, both[1], hundred, 1))
}

func TestAnAnswerThatIsLostWastesCallsAndMakesNone(t *testing.T) {
	t.Parallel()
	c, clk := newMemory(), newClock()
	both := members(c, clk, 2)
	requireTaken(t, both[0], hundred, 10)
	calm(both[0])
	c.become(deaf)
	sum := 10 + takeAll(t, both[0], hundred, 1)
	c.become(answering)
	clk.pass(awayFor)
	both[0].sweep(t.Context())
	calm(both[0])
	both[0].sweep(t.Context())
	clk.pass(time.Second)
	sum += takeAll(t, both[1], hundred, 1)
	require.LessOrEqual(t, sum, int64(100))
	require.GreaterOrEqual(t, sum, int64(95))
}

func TestWhatMayHaveGoneBackDoesNotGoBackTwice(t *testing.T) {
	t.Parallel()
	c, clk := newMemory(), newClock()
	l := member(c, clk)
	q := hook.Quota{Calls: 10_000, Period: 10 * time.Minute}
	requireTaken(t, l, q, 1)
	c.become(deaf)
	clk.pass(idleFor)
	l.sweep(t.Context())
	require.EqualValues(t, 1, c.sum(began))
	c.become(answering)
	clk.pass(awayFor)
	requireTaken(t, l, q, 1)
	calm(l)
	requireTaken(t, l, q, 1)
	calm(l)
	require.Zero(t, c.lowest)
	clk.pass(idleFor)
	l.sweep(t.Context())
	require.EqualValues(t, 3, c.sum(began), "the three calls, none twice")
}

func TestAfterAFlushAMemberPutsBackWhatItTook(t *testing.T) {
	t.Parallel()
	c, clk := newMemory(), newClock()
	l := member(c, clk)
	requireTaken(t, l, hundred, 70)
	calm(l)
	c.flush()
	require.EqualValues(t, 30, takeAll(t, l, hundred, 1))
	calm(l)
	require.EqualValues(t, 100, c.sum(began))

	for range 5 {
		c.flush()
		clk.pass(time.Second)
		require.False(t, take(t, l, hundred), "used up is used up")
	}
}

func TestAFlushGivesAtMostOneQuotaMore(t *testing.T) {
	t.Parallel()
	c, clk := newMemory(), newClock()
	ledgers := members(c, clk, 4)
	var sum int64
	for _, l := range ledgers {
		requireTaken(t, l, hundred, 25)
		sum += 25
		calm(l)
	}
	c.flush()
	for range 3 {
		clk.pass(time.Second)
		for _, l := range ledgers {
			sum += takeAll(t, l, hundred, 4)
			calm(l)
		}
	}
	require.LessOrEqual(t, sum, int64(200))
	require.GreaterOrEqual(t, c.sum(began), int64(100))
}

func TestAnIdleLeaseThatGoesBackIntoAFlushedCounterMakesNoCalls(t *testing.T) {
	t.Parallel()
	c, clk := newMemory(), newClock()
	both := members(c, clk, 2)
	q := hook.Quota{Calls: 10_000, Period: 10 * time.Minute}
	requireTaken(t, both[0], q, 3)
	calm(both[0])
	c.flush()
	clk.pass(idleFor)
	both[0].sweep(t.Context())
	require.EqualValues(t, 3, c.sum(began))
	require.EqualValues(t, 9_997, takeAll(t, both[1], q, 1))
}

func TestACounterThatIsLostEachTimeEndsInADenial(t *testing.T) {
	t.Parallel()
	l := member(amnesia{}, newClock())
	requireTaken(t, l, hundred, 2)
	for range 100 {
		take(t, l, hundred)
	}
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	l.Take(ctx, "acme", hundred)
	require.NoError(t, ctx.Err(), "nobody asks for ever")
}

// amnesia are counters that never remember.
type amnesia struct{}

func (amnesia) Add(_ context.Context, _ string, _ time.Time, n int64, _ time.Time) (int64, error) {
	return n, nil
}
