package gate_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/services/sender/gate"
)

func TestWhatIsGoneOrLostIsForgotten(t *testing.T) {
	t.Parallel()
	g := newGate()
	a := enter(t, g, change(1, "7"), ordered)
	b := enter(t, g, change(2, "7"), ordered)
	pass(g, a, ordered)
	g.Park(a, a.Run, at)
	pass(g, b, ordered)
	g.Park(b, b.Run, at.Add(time.Hour))
	standing := gate.Unseen
	look := func(string, string) gate.Standing { return standing }
	for minute := range 61 {
		n, _ := g.Sweep(at.Add(time.Duration(minute)*time.Minute), look)
		require.Zero(t, n)
	}
	n, _ := g.Sweep(at.Add(61*time.Minute), look)
	require.Equal(t, 1, n, "it did not come back")
	require.Equal(t, gate.Go, pass(g, enter(t, g, change(2, "7"), ordered), ordered))
	standing = gate.Absent
	for range 3 {
		require.NotNil(t, g.Find("wh", "dlv2"))
		_, _ = g.Sweep(at, look)
	}
	require.Nil(t, g.Find("wh", "dlv2"))
	enter(t, g, change(3, "7"), ordered)
	standing = gate.Gone
	_, _ = g.Sweep(at, look)
	require.Nil(t, g.Find("wh", "dlv3"))
}

func gated(string, string) gate.Standing { return gate.Gated }

func TestNothingIsLostForWantOfAnybodyToComeBackTo(t *testing.T) {
	t.Parallel()
	g := newGate()
	a := enter(t, g, change(1, "7"), ordered)
	pass(g, a, ordered)
	g.Park(a, a.Run, at)
	_, _ = g.Sweep(at, gated)
	n, _ := g.Sweep(at.Add(5*time.Hour), gated)
	require.Zero(t, n, "nobody swept meanwhile, so nothing could come back")
	for minute := range 60 {
		n, _ = g.Sweep(at.Add(5*time.Hour+time.Duration(minute)*time.Minute), gated)
		require.Zero(t, n)
	}
	n, _ = g.Sweep(at.Add(6*time.Hour+time.Minute), gated)
	require.Equal(t, 1, n)
}

func TestACheckpointKnowsUntilWhenOneIsParked(t *testing.T) {
	t.Parallel()
	g := newGate()
	a := enter(t, g, change(1, "7"), ordered)
	pass(g, a, ordered)
	_, before := g.Save()
	g.Park(a, a.Run, at.Add(10*time.Hour))
	all, version := g.Save()
	require.Greater(t, version, before, "it is to be saved anew")
	require.Equal(t, at.Add(10*time.Hour), all[0].Due)
	other := newGate()
	other.Restore(all[0], at)
	for minute := range 9 * 60 {
		n, _ := other.Sweep(at.Add(time.Duration(minute)*time.Minute), gated)
		require.Zero(t, n)
	}
	b := enter(t, other, change(2, "7"), ordered)
	require.Equal(t, gate.Later, pass(other, b, ordered))
}

func TestOneWebhookLeavesRoomForTheOthers(t *testing.T) {
	t.Parallel()
	g := gate.New[string](&gate.Room{MaxEntries: 160, MaxWaiting: 10})
	many := 0
	for n := range 160 {
		if _, what := g.Enter(change(n, strconv.Itoa(n)), ordered); what == gate.In {
			many++
		}
	}
	require.Equal(t, 80, many)
	for n := range 10 {
		c := change(1000+n, "7")
		c.Webhook = "wh2"
		_, what := g.Enter(c, ordered)
		require.Equal(t, gate.In, what)
	}
}

func TestWhatIsReleasedWithOneThatFindsNoRoomDoesNotOvertakeIt(t *testing.T) {
	t.Parallel()
	g := gate.New[string](&gate.Room{MaxEntries: 1, MaxWaiting: 10})
	first := enter(t, g, change(0, "0"), ordered)
	full := func(c gate.Change) {
		t.Helper()
		_, what := g.Enter(c, ordered)
		require.Equal(t, gate.Full, what)
	}
	a, b := change(1, "7"), change(2, "7")
	full(a)
	full(b)
	full(change(3, "7")) // what is held last stays the mark

	a.Run, b.Run = 1, 1 // the recorder releases the first two
	full(a)
	g.Leave(first, 0)
	e := enter(t, g, b, ordered)
	require.Equal(t, gate.Hold, pass(g, e, ordered))
	g.Hold(e, e.Run, at)

	restored := gate.New[string](&gate.Room{MaxEntries: 10, MaxWaiting: 10})
	all, _ := g.Save()
	for _, s := range all {
		restored.Restore(s, at)
	}
	b.Run = 2
	require.Equal(t, gate.Hold, pass(restored, enter(t, restored, b, ordered), ordered), "a takeover knows it too")
	a.Run = 3
	require.Equal(t, gate.Go, pass(restored, enter(t, restored, a, ordered), ordered))
}

func TestAnOlderRunThatIsParkedLateIsOutrunWhenItComes(t *testing.T) {
	t.Parallel()
	g := newGate()
	c := change(1, "7")
	old := enter(t, g, c, ordered)
	pass(g, old, ordered)
	c.Run = 5
	e := enter(t, g, c, ordered)
	require.Equal(t, gate.Go, pass(g, e, ordered))
	g.Leave(e, 5)
	g.Park(e, 0, at.Add(10*time.Hour))
	for minute := range 10 * 60 {
		_, _ = g.Sweep(at.Add(time.Duration(minute)*time.Minute), gated)
	}
	_, what := g.Enter(change(1, "7"), ordered)
	require.Equal(t, gate.Outrun, what)
	require.Nil(t, g.Find("wh", "dlv1"))
}

func TestAChangeOfNoItemStopsNothing(t *testing.T) {
	t.Parallel()
	g := newGate()
	e := enter(t, g, change(1), both)
	require.Equal(t, gate.Go, pass(g, e, both))
}
