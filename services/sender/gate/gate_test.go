package gate_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
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

// The gate against a world that does anything at any time: receivers fail, webhooks
// pause, senders die between any two steps.
func TestNoWorldSeesAnOlderChangeAfterANewerOne(t *testing.T) {
	t.Parallel()
	for _, r := range []gate.Rules{ordered, coalesced, both} {
		for seed := range uint64(40) {
			t.Run(fmt.Sprintf("%+v/%d", r, seed), func(t *testing.T) {
				newModel(t, r, seed).run()
			})
		}
	}
}

// model is a sender and its receivers.
type model struct {
	t     *testing.T
	r     gate.Rules
	rand  *rand.Rand
	g     *gate.Gate[string]
	all   map[string]gate.Change
	entry map[string]*gate.Entry[string]
	// ready are to be decided on, flying are posted, tiered are in a tier, held are
	// in the log.
	ready, flying, tiered, held map[string]bool
	ended                       map[string]bool
	seen                        map[string][]int // by item
	by                          map[string]string
	clock                       time.Time
	run64                       int64
	paused                      bool
}

func newModel(t *testing.T, r gate.Rules, seed uint64) *model {
	t.Helper()
	return &model{
		t: t, r: r, rand: rand.New(rand.NewPCG(seed, 1)), g: newGate(), clock: at,
		all: map[string]gate.Change{}, entry: map[string]*gate.Entry[string]{},
		ready: map[string]bool{}, flying: map[string]bool{}, tiered: map[string]bool{}, held: map[string]bool{},
		ended: map[string]bool{}, seen: map[string][]int{}, by: map[string]string{},
	}
}

func (m *model) any(of map[string]bool) string {
	return slices.Sorted(maps.Keys(of))[m.rand.IntN(len(of))]
}

func (m *model) run() {
	const changes = 60
	for n := 0; n < changes || len(m.ended) < changes; {
		m.clock = m.clock.Add(100 * time.Millisecond)
		m.ask(m.g.Overdue(m.clock))
		switch dice := m.rand.IntN(100); {
		case dice < 25 && n < changes:
			n++
			c := change(n, strconv.Itoa(m.rand.IntN(3)))
			if m.rand.IntN(5) == 0 {
				c.Items = append(c.Items, strconv.Itoa(m.rand.IntN(3)))
			}
			m.all[c.Delivery] = c
			m.handOut(c.Delivery)
		case dice < 50 && len(m.flying) > 0:
			m.answer(m.any(m.flying))
		case dice < 70 && len(m.tiered) > 0:
			d := m.any(m.tiered)
			delete(m.tiered, d)
			m.handOut(d)
		case dice < 90 && len(m.ready) > 0:
			m.decide(m.any(m.ready))
		case dice < 93:
			m.paused = !m.paused && n < changes
		case dice < 97 && !m.paused:
			m.release()
		case dice >= 98:
			m.die()
		}
	}
	for item, seen := range m.seen {
		last := 0
		for _, c := range m.all {
			if slices.Contains(c.Items, item) {
				last = max(last, int(c.Source.Offset))
			}
		}
		if m.r.Order {
			require.True(m.t, slices.IsSorted(seen), "item %s: %v", item, seen)
		}
		require.Contains(m.t, seen, last, "item %s: its last state is delivered", item)
		if !m.r.Coalesce {
			require.Empty(m.t, m.by)
		}
	}
	for d, by := range m.by {
		require.Less(m.t, m.all[d].Source.Offset, m.all[by].Source.Offset)
	}
	_, version := m.g.Save()
	require.Equal(m.t, version, m.g.Version())
	require.Nil(m.t, m.g.Find("wh", "dlv1"))
}

func (m *model) handOut(d string) {
	e, what := m.g.Enter(m.all[d], m.r)
	require.Equal(m.t, gate.In, what)
	m.entry[d], m.ready[d] = e, true
}

func (m *model) ask(again []string) {
	for _, d := range again {
		m.ready[d] = true
	}
}

func (m *model) decide(d string) {
	delete(m.ready, d)
	e := m.entry[d]
	if m.paused {
		m.hold(d)
		return
	}
	switch answer := m.g.Pass(e, m.all[d].Run, m.r, d, m.clock); answer.Verdict {
	case gate.Go:
		m.flying[d] = true
	case gate.Wait:
	case gate.Later:
		m.park(d)
	case gate.Hold:
		m.hold(d)
	case gate.Superseded:
		m.by[d] = answer.By
		m.ended[d] = true
		m.ask(m.g.Leave(e, m.all[d].Run))
	case gate.Late, gate.Closed:
		require.FailNow(m.t, "nothing is outrun, and nobody closed it")
	}
}

func (m *model) park(d string) {
	m.tiered[d] = true
	m.ask(m.g.Park(m.entry[d], m.all[d].Run, m.clock))
}

func (m *model) hold(d string) {
	m.held[d] = true
	m.ask(m.g.Hold(m.entry[d], m.all[d].Run, m.clock))
}

// release hands out what is held, oldest first.
func (m *model) release() {
	m.run64++
	all := slices.SortedFunc(maps.Keys(m.held), func(a, b string) int { return int(m.all[a].Source.Offset - m.all[b].Source.Offset) })
	for _, d := range all[:min(len(all), 1+m.rand.IntN(4))] {
		delete(m.held, d)
		c := m.all[d]
		c.Run = m.run64
		m.all[d] = c
		m.handOut(d)
	}
}

func (m *model) answer(d string) {
	delete(m.flying, d)
	if m.rand.IntN(3) == 0 {
		m.park(d)
		return
	}
	c := m.all[d]
	for _, item := range slices.Compact(slices.Sorted(slices.Values(c.Items))) {
		m.seen[item] = append(m.seen[item], int(c.Source.Offset))
	}
	m.ended[d] = true
	m.ask(m.g.Leave(m.entry[d], c.Run))
}

// die lets another gate go on with what was saved; what was handed out is handed
// out again, in its order.
func (m *model) die() {
	saved, _ := m.g.Save()
	m.rand.Shuffle(len(saved), func(i, j int) { saved[i], saved[j] = saved[j], saved[i] })
	m.g = newGate()
	for _, s := range saved {
		m.g.Restore(s, m.clock)
	}
	m.g.Restored(func(string, string) gate.Rules { return m.r })
	var open []string
	for d := range m.all {
		if !m.ended[d] && !m.tiered[d] && !m.held[d] {
			open = append(open, d)
		}
	}
	slices.SortFunc(open, func(a, b string) int { return int(m.all[a].Source.Offset - m.all[b].Source.Offset) })
	clear(m.ready)
	clear(m.flying)
	m.entry = map[string]*gate.Entry[string]{}
	for _, d := range open {
		m.handOut(d)
	}
}
