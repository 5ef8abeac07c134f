package retry_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/retry"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// walk follows a task down the tiers until it is ready. Each hop takes the
// tier's delay and the lag of its reader.
func walk(now, due, notBefore time.Time, lag time.Duration) (at time.Time, hops int) {
	for {
		tier, ready := retry.Hop(now, due, notBefore)
		if ready {
			return now, hops
		}
		now = now.Add(tier.Delay + lag)
		hops++
	}
}

func TestTheTiersRiseAndAreNamedAfterTheirDelay(t *testing.T) {
	t.Parallel()
	require.True(t, slices.IsSortedFunc(retry.Tiers[:], func(a, b retry.Tier) int { return int(a.Delay - b.Delay) }))
	for _, tier := range retry.Tiers {
		var n int
		var unit string
		_, err := fmt.Sscanf(tier.Topic, "retry.%d%s", &n, &unit)
		require.NoError(t, err)
		named, err := time.ParseDuration(fmt.Sprint(n, unit))
		require.NoError(t, err)
		require.Equal(t, tier.Delay, named, tier.Topic)
	}
}

func TestADefaultStepTakesFewHopsAndMeetsItsTime(t *testing.T) {
	t.Parallel()
	const tasks = 2000
	for attempt, delay := range hook.DefaultRetrySchedule {
		t.Run(delay.String(), func(t *testing.T) {
			t.Parallel()
			total := 0
			for i := range tasks {
				lag := time.Duration(i%20) * time.Millisecond
				due, notBefore := retry.Next(start, delay, false, retry.Seed{Delivery: fmt.Sprint("dlv_", i), Attempt: attempt})
				at, hops := walk(start, due, notBefore, lag)
				require.False(t, at.Before(notBefore))
				require.LessOrEqual(t, at.Sub(due), time.Second+time.Duration(hops)*lag, "overshoot")
				total += hops
			}
			mean := float64(total) / tasks
			require.GreaterOrEqual(t, mean, 1.0)
			require.LessOrEqual(t, mean, 3.5) // 24h needs the most: 3.42
		})
	}
}

func TestAnyDelayIsMet(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		delay := time.Duration(rapid.Int64Range(0, int64(hook.MaxRetrySpan)).Draw(t, "delay"))
		hard := rapid.Bool().Draw(t, "hard")
		lag := time.Duration(rapid.Int64Range(0, int64(50*time.Millisecond)).Draw(t, "lag"))
		seed := retry.Seed{Delivery: rapid.String().Draw(t, "delivery"), Run: rapid.Int64().Draw(t, "run"), Attempt: rapid.Int().Draw(t, "attempt")}

		due, notBefore := retry.Next(start, delay, hard, seed)
		require.GreaterOrEqual(t, due.Sub(start), delay, "jitter only lengthens")
		require.LessOrEqual(t, due.Sub(start), delay+delay/10)
		require.GreaterOrEqual(t, notBefore.Sub(start), delay-delay/10-1)
		if hard {
			require.Equal(t, delay, notBefore.Sub(start), "never undershot")
		}

		at, hops := walk(start, due, notBefore, lag)
		require.False(t, at.Before(notBefore))
		require.LessOrEqual(t, at.Sub(due), time.Second+time.Duration(hops)*lag, "overshoot")
	})
}

func TestTwinsHaveTheSameJitterAndOthersAreSpread(t *testing.T) {
	t.Parallel()
	const delay = time.Hour
	seed := retry.Seed{Delivery: "dlv_1", Run: 7, Attempt: 2}
	due, _ := retry.Next(start, delay, false, seed)
	twin, _ := retry.Next(start, delay, false, seed)
	require.Equal(t, due, twin)

	// A thousand tasks that differ in one digit fill each tenth of the span.
	var tenths [10]int
	for attempt := range 1000 {
		due, _ := retry.Next(start, delay, false, retry.Seed{Delivery: "dlv_1", Attempt: attempt})
		tenths[due.Sub(start.Add(delay))*10/(delay/10)]++
	}
	for _, n := range tenths {
		require.InDelta(t, 100, n, 50)
	}
}

func TestHopTakesTheLargestTierThatFits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rest  time.Duration
		topic string
	}{
		{0, "retry.1s"},
		{500 * time.Millisecond, "retry.1s"},
		{time.Second, "retry.1s"},
		{3*time.Second - 1, "retry.1s"},
		{3 * time.Second, "retry.3s"},
		{5 * time.Minute, "retry.5m"},
		{10*time.Hour - 1, "retry.3h"},
		{240 * time.Hour, "retry.10h"},
	} {
		due := start.Add(c.rest)
		tier, ready := retry.Hop(start, due, start.Add(1))
		require.False(t, ready)
		require.Equal(t, c.topic, tier.Topic, c.rest)
		_, ready = retry.Hop(start, due, start)
		require.True(t, ready, "at notBefore")
	}
}
