package sender

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var start = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

// fill offers tasks until one is refused and returns those that were started
// and how many wait.
func fill(t *testing.T, l *lane, now time.Time, room int) (started []*task, queued int) {
	t.Helper()
	for range 100_000 {
		n := &task{}
		begin, ok, _ := l.offer(n, 0, room, now)
		switch {
		case !ok:
			return started, queued
		case begin:
			started = append(started, n)
		default:
			queued++
		}
	}
	t.Fatal("the lane is never full")
	return nil, 0
}

func TestALaneStartsCarefulAndGrowsWithEachSuccess(t *testing.T) {
	t.Parallel()
	l := newLane()
	started, _ := fill(t, l, start, maxInFlight)
	require.Len(t, started, startLimit)
	now := start
	for range 10 * maxLimit {
		now = now.Add(10 * time.Millisecond)
		next := l.finish(started[0], succeeded, 0, now)
		started = append(started[1:], next...)
		more, _ := fill(t, l, now, maxInFlight)
		started = append(started, more...)
	}
	require.Len(t, started, maxLimit)
}

func TestAReceiverThatHangsHoldsOneRequestAndNoQueue(t *testing.T) {
	t.Parallel()
	l := newLane()
	started, _ := fill(t, l, start, maxInFlight)
	late := start.Add(15 * time.Second)
	l.drain()
	for _, s := range started {
		l.finish(s, overloaded, 0, late)
	}
	started, queued := fill(t, l, late, maxInFlight)
	require.Len(t, started, 1)
	require.Zero(t, queued)
}

func TestWhatIsQueuedBeforeAReceiverThatHangsIsLetGo(t *testing.T) {
	t.Parallel()
	l := newLane()
	_, queued := fill(t, l, start, maxInFlight)
	require.NotZero(t, queued)
	tasks, _ := l.overdue(0, start.Add(time.Millisecond))
	require.Zero(t, len(tasks), "a millisecond says nothing yet")
	tasks, wait := l.overdue(0, start.Add(fullWait))
	require.Equal(t, queued, len(tasks))
	require.Greater(t, wait, fullWait)
}

func TestALaneIsFullWhenItsExpectedWaitExceedsASecond(t *testing.T) {
	t.Parallel()
	l := newLane()
	first := &task{}
	l.offer(first, 0, maxInFlight, start)
	l.finish(first, failed, 0, start.Add(100*time.Millisecond))
	started, queued := fill(t, l, start.Add(100*time.Millisecond), maxInFlight)
	require.Len(t, started, startLimit)
	require.Equal(t, startLimit*10, queued, "8 at a time, 100 ms each: 80 in a second")
}

func TestTheWebhooksOwnConcurrencyIsNeverExceeded(t *testing.T) {
	t.Parallel()
	l := newLane()
	one, two := &task{}, &task{}
	begin, ok, _ := l.offer(one, 1, maxInFlight, start)
	require.True(t, begin && ok)
	begin, ok, _ = l.offer(two, 1, maxInFlight, start)
	require.True(t, !begin && ok)
	require.Equal(t, []*task{two}, l.finish(one, succeeded, 1, start))
}

func TestWhatIsDueGoesBeforeWhatIsFresh(t *testing.T) {
	t.Parallel()
	l := newLane()
	running, fresh, due := &task{}, &task{}, &task{identity: identity{step: 1}}
	l.offer(running, 1, maxInFlight, start)
	l.offer(fresh, 1, maxInFlight, start)
	l.offer(due, 1, maxInFlight, start)
	require.Equal(t, []*task{due}, l.finish(running, succeeded, 1, start))
	require.Equal(t, []*task{fresh}, l.finish(due, succeeded, 1, start))
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
