package sender

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
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

// clocked runs a test of a breaker, which reads the clock itself, on a clock that
// stands while the test works, however busy the machine is.
func clocked(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, test)
}

// requireHalfOpen waits until the opening is over.
func requireHalfOpen(t *testing.T, b *breaker) {
	t.Helper()
	state, until := b.state()
	require.Equal(t, circuitOpen, state)
	<-time.After(time.Until(until) + time.Nanosecond)
	state, _ = b.state()
	require.Equal(t, circuitHalfOpen, state)
}

func TestTheBreakerOpensAfterFiveFailuresInARow(t *testing.T) {
	clocked(t, func(t *testing.T) {
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
	})
}

func TestTheBreakerOpensWhenHalfOfTwentyFail(t *testing.T) {
	clocked(t, func(t *testing.T) {
		b := newBreaker(time.Minute, ignore)
		for n := range tripOf - 1 {
			told(t, b, []verdict{succeeded, away}[n%2])
		}
		state, _ := b.state()
		require.Equal(t, circuitClosed, state)
		told(t, b, away)
		state, _ = b.state()
		require.Equal(t, circuitOpen, state)
	})
}

func TestOneProbeDecidesAndEachOpeningIsTwiceAsLong(t *testing.T) {
	clocked(t, func(t *testing.T) {
		b := newBreaker(time.Minute, ignore)
		for range tripRow {
			told(t, b, away)
		}
		requireHalfOpen(t, b)
		probe, ok := b.allow()
		require.True(t, ok)
		_, ok = b.allow()
		require.False(t, ok, "one probe at a time")
		probe(untried)
		told(t, b, away)
		state, _ := b.state()
		require.Equal(t, circuitOpen, state)

		requireHalfOpen(t, b)
		told(t, b, succeeded)
		state, _ = b.state()
		require.Equal(t, circuitClosed, state)
		require.Zero(t, b.opened)
	})
}

func TestOpeningsDoubleUpToTheLongest(t *testing.T) {
	clocked(t, func(t *testing.T) {
		b := newBreaker(time.Minute, ignore)
		for range tripRow {
			told(t, b, away)
		}
		for _, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
			want *= time.Second
			_, until := b.state()
			require.WithinRange(t, until, time.Now().Add(want), time.Now().Add(want*11/10))
			requireHalfOpen(t, b)
			told(t, b, away)
		}
	})
}

func TestAnAnswerFromBeforeTheOpeningChangesNothing(t *testing.T) {
	clocked(t, func(t *testing.T) {
		b := newBreaker(time.Minute, ignore)
		late, ok := b.allow()
		require.True(t, ok)
		for range tripRow {
			told(t, b, away)
		}
		requireHalfOpen(t, b)
		told(t, b, away) // opens again, as a breaker of its own
		late(succeeded)
		state, _ := b.state()
		require.Equal(t, circuitOpen, state)
	})
}

func TestEveryChangeOfABreakerIsTold(t *testing.T) {
	clocked(t, func(t *testing.T) {
		var states []circuit
		b := newBreaker(time.Minute, func(state circuit, _ time.Duration) { states = append(states, state) })
		for range tripRow {
			told(t, b, away)
		}
		requireHalfOpen(t, b)
		told(t, b, away)
		requireHalfOpen(t, b)
		told(t, b, succeeded)
		require.Equal(t, []circuit{circuitOpen, circuitHalfOpen, circuitOpen, circuitHalfOpen, circuitClosed}, slices.Compact(states))
	})
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
