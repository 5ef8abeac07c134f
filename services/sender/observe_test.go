package sender

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/bus"
)

func TestTheOldestIsTheOneThatHasBeenDueLongest(t *testing.T) {
	t.Parallel()
	now := time.Now()
	m := newMemory()
	require.Zero(t, m.since())
	for delivery, age := range map[string]time.Duration{"dlv_1": time.Second, "dlv_2": time.Minute, "dlv_3": time.Hour} {
		m.admit(&task{identity: identity{delivery: delivery}, since: now.Add(-age), finished: func() {}}, now)
	}
	require.Equal(t, now.Add(-time.Hour), m.since())
	m.finish(identity{delivery: "dlv_3"}, true)
	require.Equal(t, now.Add(-time.Minute), m.since())
}

func TestWhatIsNotReadIsAsOldAsItCanBe(t *testing.T) {
	t.Parallel()
	now := time.Now().Truncate(time.Millisecond)
	var r reading
	r.note(&bus.Batch{Next: 10, Records: []bus.Record{{Time: now.Add(-time.Hour)}}})
	require.Equal(t, now.Add(-time.Hour), r.since(12, now), "it came after the last one that was read")
	require.Zero(t, r.since(10, now), "all is read")
	require.Equal(t, now, r.since(12, now.Add(time.Minute)), "it came after all was seen to be read")
}

func TestABreakerIsShownAndNotMoved(t *testing.T) {
	t.Parallel()
	b := newBreaker(time.Hour, func(circuit, time.Duration) {})
	require.Equal(t, circuitClosed, b.shown(time.Now()))
	for range tripRow {
		tell, ok := b.allow()
		require.True(t, ok)
		tell(away)
	}
	require.Equal(t, circuitOpen, b.shown(time.Now()))
	require.Equal(t, circuitHalfOpen, b.shown(time.Now().Add(time.Minute)), "its time is over")
	state, _ := b.state()
	require.Equal(t, circuitOpen, state, "nobody has asked for a request")
}
