package hook_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

func TestALatencyIsToldByItsClasses(t *testing.T) {
	t.Parallel()
	var none hook.Latency
	require.Zero(t, none.Mean())
	require.Zero(t, none.Percentile(99))

	var one hook.Latency
	one.Note(12 * time.Millisecond)
	for _, percent := range []float64{50, 99, 100} {
		require.Equal(t, 12*time.Millisecond, max(one.Mean(), one.Percentile(percent)), "none is longer than all together")
	}

	var many, others hook.Latency
	for range 90 {
		many.Note(40 * time.Millisecond)
	}
	for range 10 {
		others.Note(800 * time.Millisecond)
	}
	many.Add(&others)
	require.EqualValues(t, 100, many.Count())
	require.Equal(t, 116*time.Millisecond, many.Mean(), "exact")
	within := func(from, to time.Duration, percent float64) {
		t.Helper()
		got := many.Percentile(percent)
		require.Greater(t, got, from)
		require.LessOrEqual(t, got, to)
	}
	within(25*time.Millisecond, 50*time.Millisecond, 50)
	within(25*time.Millisecond, 50*time.Millisecond, 90)
	within(500*time.Millisecond, time.Second, 90.1)
	within(500*time.Millisecond, time.Second, 99)
	require.Equal(t, time.Second, many.Percentile(100))

	many.Note(time.Minute)
	require.Equal(t, hook.MaxTimeout, many.Percentile(100), "what is beyond")
}

func TestABoundIsInItsClass(t *testing.T) {
	t.Parallel()
	for class, bound := range hook.LatencyBounds {
		require.Equal(t, class, hook.LatencyClass(bound))
		require.Equal(t, class+1, hook.LatencyClass(bound+time.Microsecond))
	}
	require.Zero(t, hook.LatencyClass(0))
}
