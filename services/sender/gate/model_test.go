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

	"github.com/staffetta/staffetta/services/sender/gate"
)

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
