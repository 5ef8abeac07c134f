package stock_test

import (
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// moved is a movement as the model keeps it.
type moved struct {
	kind      string
	milli     int64 // quantity, in thousandths
	equipment int
	store, to string
}

func (m moved) body() string {
	text := fmt.Sprintf(`"quantity": %s, "equipment": %d, "store": %q`, decimal.New(m.milli, -3), m.equipment, m.store)
	if m.kind != "" {
		text += `, "type": "` + m.kind + `"`
	}
	if m.to != "" {
		text += `, "toStore": "` + m.to + `"`
	}
	return "{" + text + "}"
}

// model is what levels are: the sum of all movements that there are, told anew each
// time, with nothing of how the service keeps them.
type model struct {
	live     map[int]moved
	last     int
	negative bool
}

func (m *model) levels(live map[int]moved) map[string]int64 {
	sums := make(map[string]int64)
	add := func(equipment int, store string, milli int64) { sums[fmt.Sprintf("%d/%s", equipment, store)] += milli }
	for _, one := range live {
		switch one.kind {
		case "unload":
			add(one.equipment, one.store, -one.milli)
		case "transfer":
			add(one.equipment, one.store, -one.milli)
			add(one.equipment, one.to, one.milli)
		default:
			add(one.equipment, one.store, one.milli)
		}
	}
	return sums
}

// become reports whether the movements may become these, and makes them so.
func (m *model) become(next map[int]moved) bool {
	before, after := m.levels(m.live), m.levels(next)
	if !m.negative {
		places := maps.Clone(before)
		maps.Copy(places, after)
		for at := range places {
			if after[at] < 0 && after[at] < before[at] {
				return false
			}
		}
	}
	m.live = next
	return true
}

func drawn(t *rapid.T) moved {
	stores := []string{"7", "8", "9"}
	m := moved{
		kind:      rapid.SampledFrom([]string{"load", "unload", "transfer", "adjustment", ""}).Draw(t, "type"),
		milli:     rapid.Int64Range(1, 5000).Draw(t, "quantity"),
		equipment: rapid.IntRange(1, 2).Draw(t, "equipment"),
		store:     rapid.SampledFrom(stores).Draw(t, "store"),
	}
	if m.kind == "transfer" {
		m.to = rapid.SampledFrom(stores).Filter(func(s string) bool { return s != m.store }).Draw(t, "to")
	}
	if (m.kind == "adjustment" || m.kind == "") && rapid.Bool().Draw(t, "less") {
		m.milli = -m.milli
	}
	return m
}

// Whatever movements are made, changed and deleted, one at a time or several, the
// levels are those of the model, and what is refused is what the model refuses.
func TestLevelsAreThoseOfAModel(t *testing.T) {
	t.Parallel()
	handler := open(t)
	var accounts atomic.Int64
	rapid.Check(t, func(t *rapid.T) {
		s := shop{"account-" + strconv.FormatInt(accounts.Add(1), 10), handler}
		s.must(t, 201, "POST", "/equipment", `[{"name": "Farina"}, {"name": "Vino"}]`)
		m := &model{live: map[int]moved{}}
		for range rapid.IntRange(1, 6).Draw(t, "changes") {
			m.step(t, s)
			want := map[string]string{}
			for at, milli := range m.levels(m.live) {
				want[at] = decimal.New(milli, -3).String()
			}
			got := s.levels(t)
			for at, quantity := range got {
				if _, ok := want[at]; !ok {
					require.Equal(t, "0", quantity, "nothing is at %s any more", at)
					delete(got, at)
				}
			}
			require.Equal(t, want, got)
		}
	})
}

func (m *model) step(t *rapid.T, s shop) {
	next := maps.Clone(m.live)
	ids := make([]int, 0, len(next))
	for id := 1; id <= m.last; id++ {
		if _, ok := next[id]; ok {
			ids = append(ids, id)
		}
	}
	expect := func(ok bool, success, refusal int, method, target, body string) {
		status := success
		if !ok {
			status = refusal
		}
		s.must(t, status, method, target, body)
	}
	what := rapid.IntRange(0, 9).Draw(t, "what")
	switch {
	case what == 0:
		m.negative = !m.negative
		s.must(t, http.StatusOK, "PATCH", "/stock-settings", fmt.Sprintf(`{"allowNegative": %t}`, m.negative))
	case what < 4 && len(ids) > 0:
		id := rapid.SampledFrom(ids).Draw(t, "id")
		next[id] = drawn(t)
		body := next[id].body()
		if next[id].to == "" {
			body = `{"toStore": null, ` + body[1:]
		}
		if next[id].kind == "" {
			body = `{"type": null, ` + body[1:]
		}
		expect(m.become(next), 200, 422, "PATCH", fmt.Sprintf("%s/%d", movements, id), body)
	case what < 6 && len(ids) > 0:
		id := rapid.SampledFrom(ids).Draw(t, "id")
		delete(next, id)
		expect(m.become(next), 204, 409, "DELETE", fmt.Sprintf("%s/%d", movements, id), "")
	default:
		// Refused or not, an id that was tried is not given again only if it was kept.
		next[m.last+1] = drawn(t)
		ok := m.become(next)
		expect(ok, 201, 422, "POST", movements, next[m.last+1].body())
		if ok {
			m.last++
		}
	}
}
