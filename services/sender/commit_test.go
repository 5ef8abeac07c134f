package sender

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/retry"
	"github.com/staffetta/staffetta/services/sender/gate"
)

// Rule 6: "each commit notes, for attempts and each tier, the end offset at the
// moment the oldest still open task was handed out".
func TestACommitNotesWhereTopicsEndedWhenTheOldestOpenTaskWasHandedOut(t *testing.T) {
	t.Parallel()
	o := &owner{
		trackers: map[string]*bus.Tracker{bus.Deliveries: bus.NewTracker(100)}, committed: map[string]bus.Committed{},
		memory: newMemory(), ends: newEnds(make(positions, len(written))), known: make(chan struct{}),
		gate: gate.New[*task](&gate.Room{}),
	}
	require.Empty(t, o.position(), "nothing, before it is known what owners before have done")
	close(o.known)
	noted := func() (at bus.Committed, n note) {
		at = o.position()[bus.Deliveries]
		n, err := readNote(at.Metadata, at.Offset)
		require.NoError(t, err)
		return at, n
	}
	// Each of three tasks is handed out when attempts and the first tier end one
	// further.
	tasks := make([]*task, 3)
	for i := range tasks {
		mark := o.trackers[bus.Deliveries].Start(int64(100 + i))
		tasks[i] = &task{
			identity: identity{delivery: string(rune('a' + i))},
			finished: o.handed.open(o.ends.share(), func() { o.trackers[bus.Deliveries].Done(mark) }),
		}
		require.Equal(t, fresh, o.memory.admit(tasks[i], time.Now()))
		o.ends.acknowledge(bus.Attempts, int64(10*i))
		o.ends.acknowledge(written[1], int64(20*i))
	}
	finish := func(i int) {
		o.memory.finish(tasks[i].identity, false)
		tasks[i].finished()
	}
	at, n := noted()
	require.Equal(t, int64(100), at.Offset)
	require.Equal(t, []int64{0, 0}, []int64(n.since[:2]))

	finish(1)
	at, n = noted()
	require.Equal(t, int64(100), at.Offset)
	require.Equal(t, []int64{0, 0}, []int64(n.since[:2]), "the oldest is the first still")
	require.Equal(t, []bus.Span{{From: 101, To: 102}}, n.done)

	finish(0)
	at, n = noted()
	require.Equal(t, int64(102), at.Offset)
	require.Equal(t, []int64{11, 21}, []int64(n.since[:2]))
	require.Empty(t, n.done)

	finish(2)
	at, n = noted()
	require.Equal(t, int64(103), at.Offset)
	require.Equal(t, []int64{21, 41}, []int64(n.since[:2]), "with nothing open, what is written later")

	o.past.Store(&past{since: append(positions{5, 50}, make(positions, len(written)-2)...)})
	_, n = noted()
	require.Equal(t, []int64{5, 41}, []int64(n.since[:2]), "what was open at an owner before may be met again")
}

// Rule 6: what owners before did is known until everything that they may have
// handed out was met again.
func TestThePastIsOverWhenEverythingOfItWasMetAgain(t *testing.T) {
	t.Parallel()
	o := &owner{trackers: map[string]*bus.Tracker{bus.Deliveries: bus.NewTracker(bus.FirstOffset)}, gate: gate.New[*task](&gate.Room{})}
	for _, tier := range retry.Tiers {
		o.trackers[tier.Topic] = bus.NewTracker(bus.FirstOffset)
		o.tiers = append(o.tiers, &queue{tier: tier})
	}
	p := &past{readAt: time.Now(), ends: make(positions, len(written)), upTo: 1}
	p.ends[1] = 1 // a record in the first tier
	o.past.Store(p)
	over := func() bool {
		o.pastIsOver()
		return o.past.Load() == nil
	}
	require.False(t, over(), "there is a record of deliveries")
	mark := o.trackers[bus.Deliveries].Start(0)
	require.False(t, over())
	o.trackers[bus.Deliveries].Done(mark)
	require.False(t, over(), "there is one in a tier")
	mark = o.trackers[retry.Tiers[0].Topic].Start(0)
	o.tiers[0].records = []entry{{Record: bus.Record{Time: time.Now()}, mark: mark}}
	require.False(t, over(), "which is due soon")
	o.tiers[0].records[0].hold = time.Now().Add(2 * clockSlack)
	require.True(t, over(), "tiers that are empty and were never committed do not matter, nor what was not due before")

	o.past.Store(p)
	o.tiers[0].records = nil
	require.False(t, over())
	o.trackers[retry.Tiers[0].Topic].Done(mark)
	require.True(t, over())
}
