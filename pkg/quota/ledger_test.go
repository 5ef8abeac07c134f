package quota

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

func TestAMemberTakesTheQuotaAndNoMore(t *testing.T) {
	t.Parallel()
	for _, calls := range []int64{1, 2, 3, 10, 49, 50, 51, 100, 1000, 12_345} {
		c, clk := newMemory(), newClock()
		q := hook.Quota{Calls: calls, Period: 10 * time.Minute}
		l := member(c, clk)
		require.Equal(t, calls, takeAll(t, l, q, 1), "of %d", calls)
		calm(l)
		require.Equal(t, calls, c.sum(began))

		ok, at := l.Take(t.Context(), "acme", q)
		require.False(t, ok)
		require.Equal(t, began.Add(10*time.Minute), at, "the next period is when to ask again")

		clk.pass(10 * time.Minute)
		ok, at = l.Take(t.Context(), "acme", q)
		require.True(t, ok, "a new period")
		require.Equal(t, began.Add(10*time.Minute), at, "the period that the call is of")
	}
}

func TestAccountsDoNotShareAQuota(t *testing.T) {
	t.Parallel()
	l := member(newMemory(), newClock())
	q := hook.Quota{Calls: 1, Period: time.Minute}
	for _, account := range []string{"acme", "beta"} {
		ok, _ := l.Take(t.Context(), account, q)
		require.True(t, ok)
		ok, _ = l.Take(t.Context(), account, q)
		require.False(t, ok)
	}
}

func TestMembersThatRaceTakeTheQuotaTogether(t *testing.T) {
	t.Parallel()
	for _, calls := range []int64{1, 7, 100, 5000} {
		c, clk := newMemory(), newClock()
		q := hook.Quota{Calls: calls, Period: time.Minute}
		ledgers := members(c, clk, 4)
		var sum int64
		var mu sync.Mutex
		var all sync.WaitGroup
		for _, l := range ledgers {
			all.Go(func() {
				n := takeAll(t, l, q, 8)
				mu.Lock()
				sum += n
				mu.Unlock()
			})
		}
		all.Wait()
		require.LessOrEqual(t, sum, calls)
		// Who found nothing left while another's surplus was on its way back asks
		// again.
		for _, l := range ledgers {
			calm(l)
		}
		clk.pass(time.Second)
		for _, l := range ledgers {
			sum += takeAll(t, l, q, 8)
		}
		require.Equal(t, calls, sum)
	}
}

func TestTakersShareOneRequest(t *testing.T) {
	t.Parallel()
	c, clk := newMemory(), newClock()
	c.held = make(chan struct{})
	l := member(c, clk)
	q := hook.Quota{Calls: 10_000, Period: time.Minute}
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() { require.True(t, take(t, l, q)) })
	}
	require.Eventually(t, func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		h := l.known("acme", began)
		return h != nil && h.waiting == 100 && c.asked() > 0
	}, within, time.Millisecond)
	require.Equal(t, 1, c.asked())
	close(c.held)
	all.Wait()
	calm(l)
	require.Equal(t, 1, c.most, "requests for one counter at a time")
	require.LessOrEqual(t, c.asked(), 3, "200 calls at a time, and the next ones ahead")
}

func TestALeaseIsTwoPercentOfWhatIsLeftAndFetchedAhead(t *testing.T) {
	t.Parallel()
	c, clk := newMemory(), newClock()
	l := member(c, clk)
	q := hook.Quota{Calls: 10_000, Period: time.Minute}
	requireTaken(t, l, q, 1)
	calm(l)
	require.EqualValues(t, 200, c.sum(began))
	requireTaken(t, l, q, 98)
	calm(l)
	require.EqualValues(t, 200, c.sum(began), "not half spent")
	requireTaken(t, l, q, 1)
	calm(l)
	require.EqualValues(t, 200+196, c.sum(began), "half spent: 2 %% of 9,800")

	// From then on nobody waits, though the counters are slow.
	c.mu.Lock()
	c.held = make(chan struct{})
	c.mu.Unlock()
	requireTaken(t, l, q, 296)
	close(c.held)
}

func TestATakerWaitsNoLongerThanItsContext(t *testing.T) {
	t.Parallel()
	c, clk := newMemory(), newClock()
	c.held = make(chan struct{})
	defer close(c.held)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ok, at := member(c, clk).Take(ctx, "acme", hook.Quota{Calls: 10, Period: time.Minute})
	require.False(t, ok)
	require.Equal(t, began, at, "nothing is known of the period: ask again at once")
}

func TestUsedTellsFromMemory(t *testing.T) {
	t.Parallel()
	c, clk := newMemory(), newClock()
	l := member(c, clk)
	q := hook.Quota{Calls: 2, Period: time.Minute}
	requireUsed := func(want bool) {
		t.Helper()
		before := c.asked()
		until, used := l.Used("acme", q)
		require.Equal(t, want, used)
		if used {
			require.Equal(t, began.Add(time.Minute), until)
		}
		require.Equal(t, before, c.asked())
	}
	requireUsed(false)
	requireTaken(t, l, q, 2)
	require.False(t, take(t, l, q))
	requireUsed(true)

	clk.pass(time.Second)
	requireUsed(false)
	require.False(t, take(t, l, q), "somebody looks again")
	requireUsed(true)

	clk.pass(time.Minute)
	requireUsed(false)
}

func TestAReturnedCallIsTakenAgain(t *testing.T) {
	t.Parallel()
	c, clk := newMemory(), newClock()
	l := member(c, clk)
	q := hook.Quota{Calls: 3, Period: time.Minute}
	require.EqualValues(t, 3, takeAll(t, l, q, 1))
	l.Return("acme", q, began)
	require.EqualValues(t, 1, takeAll(t, l, q, 1))

	// What nobody took cannot come back.
	l.Return("acme", q, began.Add(-time.Minute))
	l.Return("beta", q, began)
	for range 10 {
		l.Return("acme", q, began)
	}
	require.EqualValues(t, 3, takeAll(t, l, q, 1))
}

func TestAChangedQuotaCountsAtOnce(t *testing.T) {
	t.Parallel()
	const period = 10 * time.Minute
	at := func(calls int64) hook.Quota { return hook.Quota{Calls: calls, Period: period} }

	t.Run("raised", func(t *testing.T) {
		t.Parallel()
		l := member(newMemory(), newClock())
		require.EqualValues(t, 100, takeAll(t, l, at(100), 1))
		_, used := l.Used("acme", at(150))
		require.False(t, used)
		require.EqualValues(t, 50, takeAll(t, l, at(150), 1))
	})
	t.Run("lowered", func(t *testing.T) {
		t.Parallel()
		c := newMemory()
		l := member(c, newClock())
		requireTaken(t, l, at(10_000), 50)
		require.EqualValues(t, 30, takeAll(t, l, at(80), 1), "the lease of the old quota is void")
		calm(l)
		require.EqualValues(t, 80, c.sum(began))
		require.False(t, take(t, l, at(20)))
	})
	t.Run("lowered while another member has taken more", func(t *testing.T) {
		t.Parallel()
		both := members(newMemory(), newClock(), 2)
		requireTaken(t, both[0], at(1000), 1)
		requireTaken(t, both[1], at(1000), 500)
		require.False(t, take(t, both[0], at(400)))
	})
	t.Run("another period", func(t *testing.T) {
		t.Parallel()
		clk := newClock()
		l := member(newMemory(), clk)
		require.EqualValues(t, 10, takeAll(t, l, at(10), 1))
		hour := hook.Quota{Calls: 12, Period: time.Hour}
		require.EqualValues(t, 2, takeAll(t, l, hour, 1), "periods that begin together count together")
		clk.pass(period)
		ok, again := l.Take(t.Context(), "acme", hour)
		require.False(t, ok)
		require.Equal(t, began.Add(time.Hour), again)
		require.EqualValues(t, 10, takeAll(t, l, at(10), 1))
	})
	t.Run("none at all", func(t *testing.T) {
		t.Parallel()
		l := member(newMemory(), newClock())
		require.False(t, take(t, l, at(0)))
		_, ok := l.Reserve(t.Context(), "acme", hook.Quota{Calls: 5}, time.Hour)
		require.False(t, ok, "a period of no length has no later one")
	})
}
