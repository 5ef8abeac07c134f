package sender

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

// streakOf counts the requests of a lane as the recorder does, by what settle writes
// down of them: the oldest ones end, as many as are given.
func (b *bench) streakOf(s *hook.Streak, went ...verdict) {
	b.t.Helper()
	for _, v := range went {
		t := b.running[0]
		b.finish(v, 0)
		if v == succeeded {
			s.Succeed()
			continue
		}
		a := hook.Attempt{Number: 1, Opening: t.opening, At: b.now}
		if v == away {
			a.Volley = t.volley
		}
		s.Fail(&a)
	}
}

// busy is a lane with that many requests under way.
func busy(t *testing.T, requests int) *bench {
	t.Helper()
	b := provenLane(t, time.Millisecond)
	b.now = time.Now() // the breaker has a clock of its own
	b.limit = float64(requests)
	b.fill(bounds{concurrency: requests})
	require.Len(t, b.running, requests)
	return b
}

func times(n int, v verdict) []verdict {
	all := make([]verdict, n)
	for i := range all {
		all[i] = v
	}
	return all
}

// CONTRACT.md: 64 requests that meet a restart are one failure.
func TestRequestsThatMeetARestartAreOneFailure(t *testing.T) {
	clocked(t, func(t *testing.T) {
		b := busy(t, 64)
		s := &hook.Streak{}
		b.streakOf(s, times(64, away)...)
		require.Empty(t, b.running)
		require.Equal(t, 1, s.Failures)
		state, _ := b.breaker.state()
		require.Equal(t, circuitOpen, state)
	})
}

func TestAnAnswerInBetweenIsPartOfARestart(t *testing.T) {
	clocked(t, func(t *testing.T) {
		b := busy(t, 64)
		s := &hook.Streak{}
		b.streakOf(s, append(times(5, away), times(59, failed)...)...)
		require.Equal(t, 1, s.Failures)
	})
}

func TestAnswersOf500CountEach(t *testing.T) {
	clocked(t, func(t *testing.T) {
		b := busy(t, 40)
		s := &hook.Streak{}
		b.streakOf(s, times(40, failed)...)
		require.Equal(t, 40, s.Failures)
		require.Equal(t, 40, s.Certain())
	})
}

// Those that fail one after the other are as many, also those that open the breaker;
// and so are its probes.
func TestFailuresOneAfterTheOtherCountEach(t *testing.T) {
	clocked(t, func(t *testing.T) {
		b := newBench(t)
		s := &hook.Streak{}
		for n := range 2 * tripRow {
			if n >= tripRow {
				requireHalfOpen(t, b.breaker)
			}
			b.now = time.Now() // the breaker has a clock of its own
			what, _ := b.offer(&task{}, bounds{})
			require.Equal(t, started, what)
			b.streakOf(s, away)
			require.Equal(t, n+1, s.Failures)
			require.Equal(t, n+1, s.Certain())
		}
	})
}

func TestALateAnswerBelongsToTheOpeningThatItMet(t *testing.T) {
	clocked(t, func(t *testing.T) {
		b := busy(t, 8)
		s := &hook.Streak{}
		late := b.running[7]
		b.running = b.running[:7]
		b.streakOf(s, times(7, away)...)
		require.Equal(t, 1, s.Failures)
		b.running = []*task{late}
		b.streakOf(s, away)
		require.Equal(t, 1, s.Failures)
	})
}

func TestNumbersOfALaneAreNotThoseOfTheOneBefore(t *testing.T) {
	t.Parallel()
	seen := map[int64]bool{}
	for range 3 {
		b := busy(t, 8)
		tasks := append([]*task{}, b.running...)
		b.streakOf(&hook.Streak{}, times(8, away)...)
		require.Equal(t, tasks[0].volley, tasks[7].volley)
		require.Equal(t, tasks[5].opening, tasks[7].opening)
		for _, number := range []int64{tasks[0].volley, tasks[7].opening} {
			require.False(t, seen[number])
			seen[number] = true
		}
	}
}
