package sender

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// crowdedLane is one that drained at a rate and is full.
func crowdedLane(t *testing.T, perSecond float64) *bench {
	t.Helper()
	b := provenLane(t, 10*time.Millisecond)
	b.limit = maxLimit
	b.drain.rate = perSecond
	b.fill(bounds{})
	require.Greater(t, b.queued(), crowdStep)
	return b
}

func TestWhoReadsForAQuickLaneWaitsForRoom(t *testing.T) {
	t.Parallel()
	b := crowdedLane(t, fastDrain)
	what, _ := b.offer(&task{}, bounds{})
	require.Equal(t, full, what, "who is not patient gets a place")

	b.patient = true
	what, _ = b.offer(&task{}, bounds{})
	require.Equal(t, crowded, what)
	what, _ = b.offer(&task{identity: identity{step: 1}}, bounds{})
	require.NotEqual(t, crowded, what, "a task that comes from a tier is not waited for")
	limit := b.queued()
	waited := make(chan struct{})
	go func() {
		b.makeRoom(t.Context())
		close(waited)
	}()
	require.Eventually(t, func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.crowd.room != nil
	}, time.Minute, time.Millisecond)
	for limit-b.queued() < crowdStep {
		b.finish(succeeded, 0)
	}
	<-waited
	what, _ = b.offer(&task{}, bounds{})
	require.Equal(t, queued, what)
}

func TestNobodyWaitsForALaneThatIsSlowOrFullForAnotherReason(t *testing.T) {
	t.Parallel()
	slow := crowdedLane(t, fastDrain-1)
	slow.patient = true
	what, _ := slow.offer(&task{}, bounds{})
	require.Equal(t, full, what)

	limited := crowdedLane(t, 2*fastDrain)
	limited.patient = true
	what, p := limited.offer(&task{}, bounds{rate: 10})
	require.Equal(t, full, what)
	require.Equal(t, causeRate, p.cause)
}

func TestWhoWaitedInVainDoesNotWaitAgainForAWhile(t *testing.T) {
	t.Parallel()
	b := crowdedLane(t, fastDrain)
	b.patient = true
	begun := time.Now()
	b.makeRoom(t.Context())
	require.GreaterOrEqual(t, time.Since(begun), crowdPatience)
	b.now = b.crowd.vain.Add(crowdPause - 1)
	require.False(t, b.crowd.worth(fastDrain, b.now))
	require.True(t, b.crowd.worth(fastDrain, b.now.Add(1)))
}

func TestAWaitForRoomEndsWithTheIntakeAndWithTheQueue(t *testing.T) {
	t.Parallel()
	b := crowdedLane(t, fastDrain)
	stopped, stop := context.WithCancel(t.Context())
	stop()
	b.makeRoom(stopped)
	waited := make(chan struct{})
	go func() {
		b.makeRoom(t.Context())
		close(waited)
	}()
	b.close()
	<-waited
	require.True(t, b.crowd.vain.IsZero())
}

func TestAReadersPatienceIsBounded(t *testing.T) {
	t.Parallel()
	var p patience
	now := start
	waited := time.Duration(0)
	for until := start.Add(time.Minute); now.Before(until); {
		if !p.left(now) {
			now = now.Add(time.Millisecond)
			continue
		}
		p.spend(crowdPatience)
		now, waited = now.Add(crowdPatience), waited+crowdPatience
	}
	require.InDelta(t, (maxPatience + time.Minute/patienceShare).Seconds(), waited.Seconds(), 0.1)
}
