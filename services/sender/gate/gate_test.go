package gate_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/sender/gate"
)

var (
	ordered   = gate.Rules{Order: true}
	coalesced = gate.Rules{Coalesce: true}
	both      = gate.Rules{Order: true, Coalesce: true}
	at        = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
)

func newGate() *gate.Gate[string] {
	return gate.New[string](&gate.Room{MaxEntries: 1000, MaxWaiting: 100})
}

// change is the n-th of the source, of some items.
func change(n int, items ...string) gate.Change {
	return gate.Change{
		Webhook: "wh", Delivery: "dlv" + strconv.Itoa(n), ItemType: "Contact", Items: items, Type: hook.Update,
		Source: hook.Coordinates{Topic: "events", Offset: int64(n)}, Published: at.Add(time.Duration(n) * time.Millisecond),
	}
}

// enter gives a change its place.
func enter(t *testing.T, g *gate.Gate[string], c gate.Change, r gate.Rules) *gate.Entry[string] {
	t.Helper()
	e, what := g.Enter(c, r)
	require.Equal(t, gate.In, what)
	return e
}

func pass(g *gate.Gate[string], e *gate.Entry[string], r gate.Rules) gate.Verdict {
	return g.Pass(e, e.Run, r, e.Delivery, at).Verdict
}

func TestLaterChangesOfAnItemWaitForTheFirst(t *testing.T) {
	t.Parallel()
	g := newGate()
	a, b, other := enter(t, g, change(1, "7"), ordered), enter(t, g, change(2, "7"), ordered), enter(t, g, change(3, "8"), ordered)
	require.Equal(t, gate.Wait, pass(g, b, ordered), "the first has arrived, though it is not decided on")
	require.Equal(t, gate.Go, pass(g, a, ordered))
	require.Equal(t, gate.Go, pass(g, other, ordered))
	require.Equal(t, []string{"dlv2"}, g.Leave(a, 0))
	require.Equal(t, gate.Go, pass(g, b, ordered))
}

func TestOneThatIsParkedClosesItsItem(t *testing.T) {
	t.Parallel()
	g := newGate()
	a, b := enter(t, g, change(1, "7"), ordered), enter(t, g, change(2, "7"), ordered)
	require.Equal(t, gate.Go, pass(g, a, ordered))
	require.Equal(t, gate.Wait, pass(g, b, ordered))
	due := at.Add(10 * time.Hour)
	require.Equal(t, []string{"dlv2"}, g.Park(a, a.Run, due), "it is parked too")
	answer := g.Pass(b, 0, ordered, "dlv2", at)
	require.Equal(t, gate.Later, answer.Verdict)
	require.Equal(t, due, answer.Due)
	require.Empty(t, g.Park(b, b.Run, due))

	enter(t, g, change(1, "7"), ordered)
	require.Equal(t, gate.Go, pass(g, a, ordered))
	require.Empty(t, g.Leave(a, 0))
	enter(t, g, change(2, "7"), ordered)
	require.Equal(t, gate.Go, pass(g, b, ordered))
}

func TestAnEventOfSeveralItemsWaitsForAllOfThem(t *testing.T) {
	t.Parallel()
	g := newGate()
	a, b := enter(t, g, change(1, "7"), ordered), enter(t, g, change(2, "8"), ordered)
	all := enter(t, g, change(3, "7", "8", "8"), ordered)
	require.Equal(t, gate.Go, pass(g, a, ordered))
	require.Equal(t, gate.Go, pass(g, b, ordered))
	require.Equal(t, gate.Wait, pass(g, all, ordered))
	require.Equal(t, []string{"dlv3"}, g.Leave(a, 0))
	require.Equal(t, gate.Wait, pass(g, all, ordered))
	require.Equal(t, []string{"dlv3"}, g.Leave(b, 0))
	require.Equal(t, gate.Go, pass(g, all, ordered))
	require.Equal(t, gate.Wait, pass(g, enter(t, g, change(4, "8"), ordered), ordered))
}

func TestWhatComesLateGoesWhereItsSourceBelongs(t *testing.T) {
	t.Parallel()
	g := newGate()
	b := enter(t, g, change(2, "7"), ordered)
	a := enter(t, g, change(1, "7"), ordered)
	require.Equal(t, gate.Wait, pass(g, b, ordered))
	require.Equal(t, gate.Go, pass(g, a, ordered))
	elsewhere := change(0, "7")
	elsewhere.Delivery, elsewhere.Source.Partition = "dlvX", 1
	require.Equal(t, gate.Wait, pass(g, enter(t, g, elsewhere, ordered), ordered), "of another partition: as it came")
	require.Equal(t, []string{"dlv2"}, g.Leave(a, 0))
}

func TestThoseThatWouldWaitForEachOtherGoOneAfterTheOther(t *testing.T) {
	t.Parallel()
	g := newGate()
	elsewhere := change(5, "7", "8")
	elsewhere.Source.Partition = 1
	second, b := enter(t, g, change(2, "7"), ordered), enter(t, g, elsewhere, ordered)
	// It comes late, and so before its successor in one queue, and last in the other.
	first := enter(t, g, change(1, "7", "8"), ordered)
	last := enter(t, g, change(3, "8"), ordered)
	require.Equal(t, gate.Wait, pass(g, second, ordered))
	require.Equal(t, gate.Wait, pass(g, last, ordered))
	require.Equal(t, gate.Go, pass(g, first, ordered))
	require.Equal(t, gate.Wait, pass(g, b, ordered), "one of them is under way")
	require.ElementsMatch(t, []string{"dlv2", "dlv5", "dlv3"}, g.Park(first, 0, at))
	require.Equal(t, gate.Later, pass(g, second, ordered), "behind its predecessor")
	require.Equal(t, gate.Go, pass(g, b, ordered))
	require.Equal(t, gate.Wait, pass(g, first, ordered))
	require.Equal(t, []string{"dlv1"}, g.Leave(b, 0))
	require.Equal(t, gate.Go, pass(g, first, ordered))
	require.Empty(t, g.Leave(first, 0), "nobody is in memory")
	require.Equal(t, gate.Go, pass(g, second, ordered))
	require.Equal(t, gate.Go, pass(g, last, ordered))
}

func TestWhoWaitsForTooLongIsParked(t *testing.T) {
	t.Parallel()
	g := newGate()
	a, b := enter(t, g, change(1, "7"), ordered), enter(t, g, change(2, "7"), ordered)
	require.Equal(t, gate.Go, pass(g, a, ordered))
	require.Equal(t, gate.Wait, pass(g, b, ordered))
	require.Empty(t, g.Overdue(at.Add(time.Second)))
	require.Equal(t, []string{"dlv2"}, g.Overdue(at.Add(3*time.Second)))
	require.Equal(t, gate.Later, pass(g, b, ordered))
	g.Park(b, b.Run, at)
	enter(t, g, change(2, "7"), ordered)
	require.Equal(t, gate.Wait, pass(g, b, ordered), "until it comes again")
}

func TestMemoryHoldsSoManyWhoWait(t *testing.T) {
	t.Parallel()
	g := gate.New[string](&gate.Room{MaxEntries: 1000, MaxWaiting: 2})
	pass(g, enter(t, g, change(1, "7"), ordered), ordered)
	require.Equal(t, gate.Wait, pass(g, enter(t, g, change(2, "7"), ordered), ordered))
	require.Equal(t, gate.Wait, pass(g, enter(t, g, change(3, "7"), ordered), ordered))
	require.Equal(t, gate.Later, pass(g, enter(t, g, change(4, "7"), ordered), ordered))
}

// "when full, an ordered webhook's whole lane waits": it is held, and released in
// its order.
func TestWhatHasNoRoomIsHeldAndAllThatComesAfterIt(t *testing.T) {
	t.Parallel()
	g := gate.New[string](&gate.Room{MaxEntries: 1, MaxWaiting: 2})
	a := enter(t, g, change(1, "7"), ordered)
	_, what := g.Enter(change(2, "8"), ordered)
	require.Equal(t, gate.Full, what)
	g.Leave(a, 0)
	c := enter(t, g, change(3, "9"), ordered)
	require.Equal(t, gate.Hold, pass(g, c, ordered), "though there is room by now")
	g.Hold(c, c.Run, at)
	released := change(2, "8")
	released.Run = 5
	require.Equal(t, gate.Go, pass(g, enter(t, g, released, ordered), ordered))
	g.Leave(g.Find("wh", "dlv2"), 5)
	released = change(3, "9")
	released.Run = 5
	require.Equal(t, gate.Go, pass(g, enter(t, g, released, ordered), ordered))
	g.Leave(g.Find("wh", "dlv3"), 5)
	require.Equal(t, gate.Go, pass(g, enter(t, g, change(4, "9"), ordered), ordered), "the last that was held has come")
}

// What is held while it has others behind it keeps its place: those may be
// released already.
func TestOneThatIsHeldLateKeepsItsPlace(t *testing.T) {
	t.Parallel()
	g := newGate()
	head, next := enter(t, g, change(1, "7"), ordered), enter(t, g, change(2, "7"), ordered)
	require.Equal(t, gate.Go, pass(g, head, ordered))
	require.Equal(t, gate.Wait, pass(g, next, ordered))
	require.Equal(t, []string{"dlv2"}, g.Hold(head, head.Run, at))
	require.Equal(t, gate.Hold, pass(g, next, ordered), "it comes after what is held")
	g.Hold(next, next.Run, at)
	released := change(2, "7")
	released.Run = 5
	require.Equal(t, gate.Later, pass(g, enter(t, g, released, ordered), ordered), "its head is held still")
	released = change(1, "7")
	released.Run = 6
	require.Equal(t, gate.Go, pass(g, enter(t, g, released, ordered), ordered))
}

func TestANewerRunTakesThePlaceOfTheOlder(t *testing.T) {
	t.Parallel()
	g := newGate()
	head, next := enter(t, g, change(1, "7"), ordered), enter(t, g, change(2, "7"), ordered)
	pass(g, head, ordered)
	g.Park(head, head.Run, at.Add(10*time.Hour))
	require.Equal(t, gate.Later, pass(g, next, ordered))
	again := change(1, "7")
	again.Run = 9
	require.Equal(t, gate.Go, pass(g, enter(t, g, again, ordered), ordered))
	require.Equal(t, gate.Wait, pass(g, next, ordered))
	require.Equal(t, []string{"dlv2"}, g.Leave(head, 9))
	require.Equal(t, gate.Go, pass(g, next, ordered))
	_, what := g.Enter(change(1, "7"), ordered)
	require.Equal(t, gate.Outrun, what, "hours later, out of its tier")
	require.Nil(t, g.Find("wh", "dlv1"))
}

func TestALaterChangeSupersedesThoseThatWait(t *testing.T) {
	t.Parallel()
	for _, r := range []gate.Rules{coalesced, both} {
		g := newGate()
		a := enter(t, g, change(1, "7"), r)
		require.Equal(t, gate.Go, pass(g, a, r))
		g.Park(a, a.Run, at.Add(time.Minute))
		b := enter(t, g, change(2, "7"), r)
		require.Equal(t, gate.Go, pass(g, b, r), "it does not wait for what is not posted")
		g.Leave(b, 0)
		answer := g.Pass(enter(t, g, change(1, "7"), r), 0, r, "dlv1", at)
		require.Equal(t, gate.Superseded, answer.Verdict)
		require.Equal(t, "dlv2", answer.By)
		g.Leave(a, 0)
		require.Equal(t, gate.Go, pass(g, enter(t, g, change(3, "7"), r), r))
	}
}

func TestOneThatFailsIsSupersededByWhatWaitsBehindIt(t *testing.T) {
	t.Parallel()
	g := newGate()
	a, b := enter(t, g, change(1, "7"), both), enter(t, g, change(2, "7"), both)
	require.Equal(t, gate.Go, pass(g, a, both))
	require.Equal(t, gate.Wait, pass(g, b, both))
	require.Equal(t, []string{"dlv2"}, g.Park(a, a.Run, at.Add(time.Minute)))
	require.Equal(t, gate.Go, pass(g, b, both))
	require.Equal(t, gate.Superseded, pass(g, a, both))
}

func TestAnEventIsSupersededOnlyIfAllItsItemsAre(t *testing.T) {
	t.Parallel()
	g := newGate()
	a := enter(t, g, change(1, "7", "8"), coalesced)
	pass(g, a, coalesced)
	g.Park(a, a.Run, at)
	enter(t, g, change(2, "7"), coalesced)
	require.Equal(t, gate.Go, pass(g, enter(t, g, change(1, "7", "8"), coalesced), coalesced))
	g.Park(a, a.Run, at)
	enter(t, g, change(3, "8"), coalesced)
	require.Equal(t, gate.Superseded, pass(g, enter(t, g, change(1, "7", "8"), coalesced), coalesced))
}

func TestACreateThatWasNeverDeliveredStaysACreate(t *testing.T) {
	t.Parallel()
	created := change(1, "7")
	created.Type = hook.Create
	parkedCreate := func(t *testing.T, g *gate.Gate[string]) {
		t.Helper()
		a := enter(t, g, created, both)
		pass(g, a, both)
		g.Park(a, a.Run, at)
	}
	t.Run("as the update that took its place", func(t *testing.T) {
		t.Parallel()
		g := newGate()
		parkedCreate(t, g)
		b := enter(t, g, change(2, "7"), both)
		require.Equal(t, gate.Answer{Verdict: gate.Go, Type: hook.Create}, g.Pass(b, 0, both, "", at))
		g.Park(b, b.Run, at)
		require.Equal(t, gate.Answer{Verdict: gate.Go, Type: hook.Create}, g.Pass(enter(t, g, change(3, "7"), both), 0, both, "", at))
	})
	t.Run("a delete is delivered as one", func(t *testing.T) {
		t.Parallel()
		g := newGate()
		parkedCreate(t, g)
		deleted := change(2, "7")
		deleted.Type = hook.Delete
		require.Equal(t, gate.Answer{Verdict: gate.Go, Type: hook.Delete}, g.Pass(enter(t, g, deleted, both), 0, both, "", at))
		require.Equal(t, gate.Superseded, pass(g, enter(t, g, created, both), both))
	})
	t.Run("an update of other items too cannot become one", func(t *testing.T) {
		t.Parallel()
		g := newGate()
		parkedCreate(t, g)
		require.Equal(t, gate.Later, pass(g, enter(t, g, change(2, "7", "8"), both), both))
		require.Equal(t, gate.Go, pass(g, enter(t, g, created, both), both))
	})
}
