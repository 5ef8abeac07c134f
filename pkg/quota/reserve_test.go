package quota

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

const horizon = 15 * time.Minute

// reserveAll reserves until nothing is left and returns the calls of each period.
func reserveAll(t *testing.T, l *Ledger, q hook.Quota) map[time.Time]int64 {
	t.Helper()
	got := map[time.Time]int64{}
	for {
		period, ok := l.Reserve(t.Context(), "acme", q, horizon)
		if !ok {
			return got
		}
		got[period]++
	}
}

func TestReservationsFillLaterPeriodsWithinTheHorizon(t *testing.T) {
	t.Parallel()
	c, clk := newMemory(), newClock()
	clk.pass(time.Minute)
	l := member(c, clk)
	q := hook.Quota{Calls: 300, Period: 5 * time.Minute}
	require.Equal(t, map[time.Time]int64{
		began.Add(5 * time.Minute):  300,
		began.Add(10 * time.Minute): 300,
		began.Add(15 * time.Minute): 300,
	}, reserveAll(t, l, q))

	requireTaken(t, l, q, 300) // this period is untouched
	require.False(t, take(t, l, q))
	clk.pass(4 * time.Minute)
	require.False(t, take(t, l, q), "all of it was promised")
	period, ok := l.Reserve(t.Context(), "acme", q, horizon)
	require.True(t, ok)
	require.Equal(t, began.Add(20*time.Minute), period, "it begins within the horizon by now")
}

func TestNoPeriodWithinTheHorizonIsNoReservation(t *testing.T) {
	t.Parallel()
	c := newMemory()
	_, ok := member(c, newClock()).Reserve(t.Context(), "acme", hook.Quota{Calls: 300, Period: time.Hour}, horizon)
	require.False(t, ok)
	require.Zero(t, c.asked())
}

func TestABurstOfDeferralsIsNotABurstOfRequests(t *testing.T) {
	t.Parallel()
	for _, q := range []hook.Quota{
		{Calls: 10_000, Period: 10 * time.Minute},
		{Calls: 500, Period: time.Second},
		{Calls: 100_000, Period: 5 * time.Minute},
	} {
		c := newMemory()
		l := member(c, newClock())
		got := map[time.Time]int64{}
		var mu sync.Mutex
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				for range 10_000 {
					if period, ok := l.Reserve(t.Context(), "acme", q, horizon); ok {
						mu.Lock()
						got[period]++
						mu.Unlock()
					}
				}
			})
		}
		all.Wait()
		var sum int64
		for _, n := range got {
			require.LessOrEqual(t, n, q.Calls)
			sum += n
		}
		room := int64(horizon/q.Period) * q.Calls
		require.EqualValues(t, min(200_000, room), sum)
		require.Less(t, c.asked(), 15_000, "%v", q)
		t.Logf("%v: %d reservations, %d requests", q, sum, c.asked())
	}
}

func TestAReturnedReservationIsFoundAgain(t *testing.T) {
	t.Parallel()
	l := member(newMemory(), newClock())
	q := hook.Quota{Calls: 10, Period: time.Minute}
	require.Len(t, reserveAll(t, l, q), 15)
	for _, minute := range []time.Duration{7, 3} {
		period := began.Add(minute * time.Minute)
		l.Return("acme", q, period)
		got, ok := l.Reserve(t.Context(), "acme", q, horizon)
		require.True(t, ok)
		require.Equal(t, period, got)
		_, ok = l.Reserve(t.Context(), "acme", q, horizon)
		require.False(t, ok)
	}
}

func TestWhatAnotherMemberGivesBackIsReservedWithinSeconds(t *testing.T) {
	t.Parallel()
	c, clk := newMemory(), newClock()
	both := members(c, clk, 2)
	q := hook.Quota{Calls: 100, Period: time.Minute}
	require.Len(t, reserveAll(t, both[0], q), 15)
	require.Empty(t, reserveAll(t, both[1], q))
	before := c.asked()
	require.Empty(t, reserveAll(t, both[1], q))
	require.Equal(t, before, c.asked(), "used up, from memory")

	for range 40 {
		both[0].Return("acme", q, began.Add(2*time.Minute))
	}
	clk.pass(idleFor)
	both[0].sweep(t.Context())
	clk.pass(againLater)
	require.Equal(t, map[time.Time]int64{began.Add(2 * time.Minute): 40}, reserveAll(t, both[1], q))
}

func TestAChangedQuotaCountsForReservations(t *testing.T) {
	t.Parallel()
	l := member(newMemory(), newClock())
	require.Len(t, reserveAll(t, l, hook.Quota{Calls: 10, Period: 5 * time.Minute}), 3)
	require.Equal(t, map[time.Time]int64{
		began.Add(5 * time.Minute):  5,
		began.Add(10 * time.Minute): 5,
		began.Add(15 * time.Minute): 5,
	}, reserveAll(t, l, hook.Quota{Calls: 15, Period: 5 * time.Minute}))
	require.Empty(t, reserveAll(t, l, hook.Quota{Calls: 9, Period: 5 * time.Minute}))
}
