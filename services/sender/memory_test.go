package sender

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// known makes a task that calls count when it is finished.
func known(id identity, count func()) *task { return &task{identity: id, finished: count} }

func TestATwinIsNotPostedAgain(t *testing.T) {
	t.Parallel()
	m := newMemory()
	id := identity{delivery: "dlv_1"}
	calls := 0
	count := func() { calls++ }
	require.Equal(t, fresh, m.admit(known(id, count), start))
	require.Equal(t, twin, m.admit(known(id, count), start), "open")
	require.Zero(t, calls, "a twin shares the fate of the one that is open")
	m.finish(id, false)
	require.Equal(t, 1, calls)
	require.Equal(t, twin, m.admit(known(id, count), start), "finished")
	require.Equal(t, 2, calls)
	require.Equal(t, fresh, m.admit(known(identity{delivery: "dlv_1", step: 1}, count), start), "the next step is another task")
	require.Equal(t, fresh, m.admit(known(identity{delivery: "dlv_1", run: 5}, count), start), "and so is another run")
}

// A sender that had stalled may write a task to a tier which somebody else has
// delivered meanwhile.
func TestNothingComesAfterAFinalFate(t *testing.T) {
	t.Parallel()
	for last := range 2 {
		m := newMemory()
		ignored := func() {}
		id := identity{delivery: "dlv_1", step: last}
		require.Equal(t, fresh, m.admit(known(id, ignored), start))
		m.finish(id, true)
		m.finish(id, true)
		m.forget(id)
		require.Equal(t, twin, m.admit(known(id, ignored), start))
		require.Equal(t, twin, m.admit(known(identity{delivery: "dlv_1", step: last + 1}, ignored), start))
		require.Equal(t, fresh, m.admit(known(identity{delivery: "dlv_1", run: 9}, ignored), start), "another run")
		require.Len(t, m.all(), 1)
	}
}

func TestANewerRunTakesTheOldersPlace(t *testing.T) {
	t.Parallel()
	m := newMemory()
	ignored := func() {}
	require.Equal(t, fresh, m.admit(known(identity{delivery: "dlv_1", run: 5}, ignored), start))
	require.Equal(t, outrun, m.admit(known(identity{delivery: "dlv_1", step: 3}, ignored), start))
	require.Equal(t, fresh, m.admit(known(identity{delivery: "dlv_1", run: 6}, ignored), start))
	m.run("dlv_2", 9) // at an owner before
	require.Equal(t, outrun, m.admit(known(identity{delivery: "dlv_2", run: 8}, ignored), start))
}

func TestTheMemoryOfFinishedTasksIsBounded(t *testing.T) {
	t.Parallel()
	m := newMemory()
	ignored := func() {}
	for step := range memorySpan + 10 {
		id := identity{delivery: "dlv_1", step: step, run: 1}
		require.Equal(t, fresh, m.admit(known(id, ignored), start))
		m.finish(id, false)
	}
	require.Len(t, m.known, memorySpan)
	require.Len(t, m.ring, memorySpan)
	require.Empty(t, m.all())
	require.LessOrEqual(t, len(m.runs), 1)
	require.Equal(t, fresh, m.admit(known(identity{delivery: "dlv_1", step: 9, run: 1}, ignored), start), "the oldest are forgotten")
	require.Equal(t, twin, m.admit(known(identity{delivery: "dlv_1", step: 10, run: 1}, ignored), start))
}

func TestTheOldestOpenTaskIsTheOneThatWasHandedOutFirst(t *testing.T) {
	t.Parallel()
	m := newMemory()
	oldest, _ := m.oldest()
	require.Nil(t, oldest)
	for n := range 3 {
		m.admit(known(identity{step: n}, func() {}), start.Add(time.Duration(n)))
	}
	m.finish(identity{step: 1}, false)
	m.finish(identity{step: 0}, false)
	oldest, at := m.oldest()
	require.Equal(t, 2, oldest.step)
	require.Equal(t, start.Add(2), at)
	m.admit(known(identity{step: 3}, func() {}), start.Add(3))
	require.Len(t, m.all(), 2)
	m.forget(identity{step: 3})
	m.forget(identity{step: 3})
	require.Equal(t, []*task{oldest}, m.all())
}
