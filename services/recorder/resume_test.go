package recorder_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

// "Resume delivers the held ones oldest first, also those that the recorder had
// not yet logged at that moment."
func TestWhatWasHeldWhileTheRecorderWasAwayIsReleasedOldestFirst(t *testing.T) {
	f := newFixture(t)
	f.webhook("wh_a", hook.Paused)
	held := []hook.Attempt{f.hold(2, "wh_a"), f.hold(1, "wh_a")}
	f.setStatus("wh_a", hook.Resuming)
	held = append(held, f.hold(3, "wh_a")) // the sender does not know yet
	f.mark("wh_a")
	held = append(held, f.hold(4, "wh_a")) // older ones go first

	f.run()
	for i, b := range f.released("wh_a", 4) {
		require.Equal(t, []string{"evt_00001", "evt_00002", "evt_00003", "evt_00004"}[i], b.Change.Event.Id)
	}
	f.eventually(func() bool { return f.statusOf("wh_a") == hook.Active }, "nothing is held any more")
	for _, a := range held {
		require.Equal(t, hook.FateRetrying, f.delivery(a).Status)
	}
}

// Redis away: the sender goes on holding, as of a paused webhook, and would hold
// again whatever came.
func TestAResumptionOfWhichTheSenderHasNotHeardGoesOn(t *testing.T) {
	f := newFixture(t)
	f.webhook("wh_a", hook.Paused)
	f.webhook("wh_b", hook.Active)
	early := f.hold(1, "wh_a")
	f.run()
	f.setStatus("wh_a", hook.Resuming)
	for n := range 3 { // rounds
		f.hold(10+n, "wh_b")
		f.released("wh_b", n+1)
	}
	require.Equal(t, hook.FateHeld, f.delivery(early).Status)
	require.Equal(t, hook.Resuming, f.statusOf("wh_a"))

	f.hold(2, "wh_a")
	f.mark("wh_a")
	for i, b := range f.released("wh_a", 2) {
		require.Equal(t, []string{"evt_00001", "evt_00002"}[i], b.Change.Event.Id)
	}
	f.eventually(func() bool { return f.statusOf("wh_a") == hook.Active }, "and ends")
}
