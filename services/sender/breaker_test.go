package sender

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
)

// ignore is for breakers that nobody looks at.
func ignore(circuit, time.Duration) {}

// told asks for a request and says how it went.
func told(t *testing.T, b *breaker, went verdict) {
	t.Helper()
	tell, ok := b.allow()
	require.True(t, ok)
	tell(went)
}

// requireState waits for a state, which only time brings.
func requireState(t *testing.T, b *breaker, want circuit) {
	t.Helper()
	require.Eventually(t, func() bool { got, _ := b.state(); return got == want }, 10*time.Second, time.Millisecond)
}

func TestTheBreakerOpensAfterFiveFailuresInARow(t *testing.T) {
	t.Parallel()
	b := newBreaker(time.Minute, ignore)
	for range tripRow - 1 {
		told(t, b, away)
	}
	told(t, b, failed) // it is there
	for range tripRow - 1 {
		told(t, b, away)
	}
	state, _ := b.state()
	require.Equal(t, circuitClosed, state)
	told(t, b, away)
	state, until := b.state()
	require.Equal(t, circuitOpen, state)
	require.WithinRange(t, until, time.Now(), time.Now().Add(firstOpen*11/10))
	_, ok := b.allow()
	require.False(t, ok)
}

func TestTheBreakerOpensWhenHalfOfTwentyFail(t *testing.T) {
	t.Parallel()
	b := newBreaker(time.Minute, ignore)
	for n := range tripOf - 1 {
		told(t, b, []verdict{succeeded, away}[n%2])
	}
	state, _ := b.state()
	require.Equal(t, circuitClosed, state)
	told(t, b, away)
	state, _ = b.state()
	require.Equal(t, circuitOpen, state)
}

func TestOneProbeDecidesAndEachOpeningIsTwiceAsLong(t *testing.T) {
	t.Parallel()
	// firstOpen would make this slow; the longest opening bounds it.
	b := newBreaker(20*time.Millisecond, ignore)
	for range tripRow {
		told(t, b, away)
	}
	requireState(t, b, circuitHalfOpen)
	probe, ok := b.allow()
	require.True(t, ok)
	_, ok = b.allow()
	require.False(t, ok, "one probe at a time")
	probe(untried)
	told(t, b, away)
	state, _ := b.state()
	require.Equal(t, circuitOpen, state)

	requireState(t, b, circuitHalfOpen)
	told(t, b, succeeded)
	state, _ = b.state()
	require.Equal(t, circuitClosed, state)
	require.Zero(t, b.opened)
}

func TestOpeningsDoubleUpToTheLongest(t *testing.T) {
	t.Parallel()
	b := newBreaker(time.Minute, ignore)
	for range tripRow {
		told(t, b, away)
	}
	for n, want := range []time.Duration{2 * time.Second, 4 * time.Second, 8 * time.Second, time.Minute, time.Minute} {
		b.mu.Lock()
		b.opened = []int{1, 2, 3, 10, 29}[n]
		before := time.Now()
		b.reopen(firstOpen << b.opened)
		b.mu.Unlock()
		state, until := b.state()
		require.Equal(t, circuitOpen, state)
		require.WithinRange(t, until, before.Add(want), time.Now().Add(want*11/10))
	}
}

func TestAnAnswerFromBeforeTheOpeningChangesNothing(t *testing.T) {
	t.Parallel()
	b := newBreaker(10*time.Millisecond, ignore)
	late, ok := b.allow()
	require.True(t, ok)
	for range tripRow {
		told(t, b, away)
	}
	requireState(t, b, circuitHalfOpen)
	told(t, b, away) // opens again, as a breaker of its own
	late(succeeded)
	state, _ := b.state()
	require.Equal(t, circuitOpen, state)
}

func TestEveryChangeOfABreakerIsTold(t *testing.T) {
	t.Parallel()
	var states []circuit
	b := newBreaker(10*time.Millisecond, func(state circuit, _ time.Duration) { states = append(states, state) })
	for range tripRow {
		told(t, b, away)
	}
	requireState(t, b, circuitHalfOpen)
	told(t, b, away)
	requireState(t, b, circuitHalfOpen)
	told(t, b, succeeded)
	require.Equal(t, circuitOpen, states[0])
	require.Equal(t, circuitHalfOpen, states[1])
	require.Equal(t, circuitOpen, states[2])
	require.Equal(t, circuitClosed, states[len(states)-1])
}

func TestTheNewestStateOfEachWebhookIsReportedUntilItIsTaken(t *testing.T) {
	t.Parallel()
	to := &circuitsInMemory{fail: true}
	r := newReporter(to, zap.NewNop())
	r.note("wh_1", circuitOpen, time.Second)
	r.flush(t.Context())
	r.note("wh_1", circuitHalfOpen, 0)
	r.note("wh_2", circuitOpen, time.Second)
	to.fail = false
	r.flush(t.Context())
	require.ElementsMatch(t, []Circuit{
		{Webhook: "wh_1", State: "half_open", For: reportMargin},
		{Webhook: "wh_2", State: "open", For: time.Second + reportMargin},
	}, to.states)
	to.states = nil
	r.flush(t.Context())
	require.Empty(t, to.states)
}

type circuitsInMemory struct {
	fail   bool
	states []Circuit
}

func (c *circuitsInMemory) Report(_ context.Context, states []Circuit) error {
	if c.fail {
		return errors.New("away")
	}
	c.states = append(c.states, states...)
	return nil
}
