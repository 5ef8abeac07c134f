package sender

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var start = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

// fill offers tasks until one is refused and returns those that were started
// and how many wait.
func fill(t *testing.T, l *lane, now time.Time, room int) (running []*task, waiting int) {
	t.Helper()
	for range 100_000 {
		n := &task{}
		switch what, _ := l.offer(n, 0, room, now); what {
		case started:
			running = append(running, n)
		case queued:
			waiting++
		default:
			return running, waiting
		}
	}
	t.Fatal("the lane is never full")
	return nil, 0
}

func TestALaneStartsCarefulAndGrowsWithEachSuccess(t *testing.T) {
	t.Parallel()
	l := newLane(newBreaker(time.Minute, ignore))
	running, _ := fill(t, l, start, maxInFlight)
	require.Len(t, running, startLimit)
	now := start
	for range 10 * maxLimit {
		now = now.Add(10 * time.Millisecond)
		next, park := l.finish(running[0], succeeded, 0, now)
		require.Empty(t, park)
		running = append(running[1:], next...)
		more, _ := fill(t, l, now, maxInFlight)
		running = append(running, more...)
	}
	require.Len(t, running, maxLimit)
}

func TestAReceiverThatRefusesButIsThereKeepsItsLane(t *testing.T) {
	t.Parallel()
	l := newLane(newBreaker(time.Minute, ignore))
	running, _ := fill(t, l, start, maxInFlight)
	for range 100 {
		next, park := l.finish(running[0], failed, 0, start.Add(time.Millisecond))
		require.Empty(t, park)
		running = append(running[1:], next...)
	}
	require.Len(t, running, startLimit)
}

func TestWhatIsQueuedBeforeAReceiverThatHangsIsLetGo(t *testing.T) {
	t.Parallel()
	l := newLane(newBreaker(time.Minute, ignore))
	_, waiting := fill(t, l, start, maxInFlight)
	require.NotZero(t, waiting)
	require.Zero(t, len(l.overdue(start.Add(time.Millisecond))), "a millisecond says nothing yet")
	park := l.overdue(start.Add(fullWait))
	require.Len(t, park, waiting)
	require.True(t, park[0].due.After(start.Add(2*fullWait)))
}

func TestWhenTheBreakerOpensTheQueueIsParkedBehindTheProbe(t *testing.T) {
	t.Parallel()
	l := newLane(newBreaker(time.Minute, ignore))
	now := time.Now() // the breaker has a clock of its own
	running, waiting := fill(t, l, now, maxInFlight)
	var park []parked
	for _, r := range running[:tripRow] {
		_, park = l.finish(r, away, 0, now)
	}
	require.Len(t, park, waiting)
	for i, p := range park {
		require.True(t, p.due.After(now.Add(firstOpen/2)), "after the opening")
		if i > 0 {
			require.True(t, p.due.After(park[i-1].due), "places lie apart, so that they do not come back all at once")
		}
	}
	what, due := l.offer(&task{}, 0, maxInFlight, now)
	require.Equal(t, full, what)
	require.True(t, due.After(park[waiting-1].due))
}

func TestRetryAfterHoldsTheLane(t *testing.T) {
	t.Parallel()
	l := newLane(newBreaker(time.Minute, ignore))
	one := &task{}
	l.offer(one, 1, maxInFlight, start)
	what, _ := l.offer(&task{}, 1, maxInFlight, start)
	require.Equal(t, queued, what)
	next, park := l.finish(one, away, time.Minute, start)
	require.Empty(t, next)
	require.Len(t, park, 1)
	require.False(t, park[0].due.Before(start.Add(time.Minute)))
	what, _ = l.offer(&task{}, 1, maxInFlight, start.Add(59*time.Second))
	require.Equal(t, full, what)
	what, _ = l.offer(&task{}, 1, maxInFlight, start.Add(61*time.Second))
	require.Equal(t, started, what)
}

func TestALaneIsFullWhenItsExpectedWaitExceedsASecond(t *testing.T) {
	t.Parallel()
	l := newLane(newBreaker(time.Minute, ignore))
	first := &task{}
	l.offer(first, 0, maxInFlight, start)
	l.finish(first, failed, 0, start.Add(100*time.Millisecond))
	running, waiting := fill(t, l, start.Add(100*time.Millisecond), maxInFlight)
	require.Len(t, running, startLimit)
	require.Equal(t, startLimit*10, waiting, "8 at a time, 100 ms each: 80 in a second")
}

func TestABacklogIsBookedAtTheRateOfTheLaneAndAtMost15MinutesAhead(t *testing.T) {
	t.Parallel()
	l := newLane(newBreaker(time.Minute, ignore))
	first := &task{}
	l.offer(first, 1, maxInFlight, start)
	now := start.Add(100 * time.Millisecond)
	l.finish(first, succeeded, 0, now) // one at a time, 100 ms each: 10 a second
	l.offer(&task{}, 1, maxInFlight, now)
	var dues []time.Time
	for range 20_000 {
		if what, due := l.offer(&task{}, 1, maxInFlight, now); what == full {
			dues = append(dues, due)
		}
	}
	require.InDelta(t, 10, float64(1000)/dues[1000].Sub(dues[0]).Seconds(), 0.5)
	require.Equal(t, now.Add(maxBooking), dues[len(dues)-1])
}

func TestTheWebhooksOwnConcurrencyIsNeverExceeded(t *testing.T) {
	t.Parallel()
	l := newLane(newBreaker(time.Minute, ignore))
	one, two := &task{}, &task{}
	what, _ := l.offer(one, 1, maxInFlight, start)
	require.Equal(t, started, what)
	what, _ = l.offer(two, 1, maxInFlight, start)
	require.Equal(t, queued, what)
	next, _ := l.finish(one, succeeded, 0, start)
	require.Equal(t, []*task{two}, next)
}

func TestWhatIsDueGoesBeforeWhatIsFresh(t *testing.T) {
	t.Parallel()
	l := newLane(newBreaker(time.Minute, ignore))
	running, fresh, due := &task{}, &task{}, &task{identity: identity{step: 1}}
	for _, n := range []*task{running, fresh, due} {
		l.offer(n, 1, maxInFlight, start)
	}
	next, _ := l.finish(running, succeeded, 0, start)
	require.Equal(t, []*task{due}, next)
	next, _ = l.finish(due, succeeded, 0, start)
	require.Equal(t, []*task{fresh}, next)
}

func TestALaneThatIsRetiredTakesNothing(t *testing.T) {
	t.Parallel()
	l := newLane(newBreaker(time.Minute, ignore))
	one := &task{}
	l.offer(one, 0, maxInFlight, start)
	require.False(t, l.retire(start.Add(time.Hour)), "it is in use")
	l.finish(one, succeeded, 0, start)
	require.False(t, l.retire(start), "it was in use")
	require.True(t, l.retire(start.Add(time.Hour)))
	what, _ := l.offer(&task{}, 0, maxInFlight, start)
	require.Equal(t, retired, what)
}

func TestATwinIsNotPostedAgain(t *testing.T) {
	t.Parallel()
	m := newMemory()
	id := identity{delivery: "dlv_1"}
	calls := 0
	count := func() { calls++ }
	require.True(t, m.admit(id, count))
	require.False(t, m.admit(id, count), "open")
	require.Zero(t, calls, "a twin shares the fate of the one that is open")
	m.finish(id)
	require.Equal(t, 1, calls)
	require.False(t, m.admit(id, count), "finished")
	require.Equal(t, 2, calls)
	require.True(t, m.admit(identity{delivery: "dlv_1", step: 1}, count), "the next step is another task")
	require.True(t, m.admit(identity{delivery: "dlv_1", run: 5}, count), "and so is another run")
}

func TestTheMemoryOfFinishedTasksIsBounded(t *testing.T) {
	t.Parallel()
	m := newMemory()
	for step := range memorySpan + 10 {
		id := identity{step: step}
		require.True(t, m.admit(id, func() {}))
		m.finish(id)
	}
	require.Len(t, m.done, memorySpan)
	require.True(t, m.admit(identity{step: 9}, func() {}), "the oldest are forgotten")
	require.False(t, m.admit(identity{step: 10}, func() {}))
}
