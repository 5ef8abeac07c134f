package quota

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/staffetta/staffetta/pkg/hook"
)

// world is some members that do whatever members do, and what came of it.
type world struct {
	counters *memory
	clock    *clock
	ledgers  []*Ledger
	quota    hook.Quota
	// made are the calls of each period, flushed the periods in which the counters
	// were lost, and out those in which they were away.
	made         map[time.Time]int64
	flushed, out map[time.Time]bool
	// promised are what Reserve gave to each member.
	promised []map[time.Time]int64
}

func newWorld(r *rapid.T) *world {
	w := &world{
		counters: newMemory(), clock: newClock(),
		quota: hook.Quota{
			Calls:  rapid.SampledFrom([]int64{1, 5, 20, 100, 1000}).Draw(r, "calls"),
			Period: rapid.SampledFrom([]time.Duration{10 * time.Second, time.Minute, 10 * time.Minute}).Draw(r, "period"),
		},
		made: map[time.Time]int64{}, flushed: map[time.Time]bool{}, out: map[time.Time]bool{},
	}
	w.ledgers = members(w.counters, w.clock, rapid.IntRange(1, 4).Draw(r, "members"))
	for range w.ledgers {
		w.promised = append(w.promised, map[time.Time]int64{})
	}
	return w
}

func (w *world) member(r *rapid.T) int { return rapid.IntRange(0, len(w.ledgers)-1).Draw(r, "member") }

// take lets members take calls at the same time.
func (w *world) take(r *rapid.T) {
	var mu sync.Mutex
	var all sync.WaitGroup
	for range rapid.IntRange(1, 3).Draw(r, "takers") {
		l := w.ledgers[w.member(r)]
		n := rapid.IntRange(1, 60).Draw(r, "calls")
		all.Go(func() {
			for range n {
				if ok, period := l.Take(r.Context(), "acme", w.quota); ok {
					mu.Lock()
					w.made[period]++
					mu.Unlock()
				}
			}
		})
	}
	all.Wait()
}

func (w *world) reserve(r *rapid.T) {
	i := w.member(r)
	for range rapid.IntRange(1, 60).Draw(r, "calls") {
		if period, ok := w.ledgers[i].Reserve(r.Context(), "acme", w.quota, horizon); ok {
			w.made[period]++
			w.promised[i][period]++
		}
	}
}

func (w *world) giveBack(r *rapid.T) {
	i := w.member(r)
	for period, n := range w.promised[i] {
		if n > 0 && w.clock.Now().Before(period) {
			w.ledgers[i].Return("acme", w.quota, period)
			w.promised[i][period]--
			w.made[period]--
		}
	}
}

func (w *world) pass(r *rapid.T) {
	w.clock.pass(rapid.SampledFrom([]time.Duration{
		100 * time.Millisecond, time.Second, 5 * time.Second, time.Minute,
	}).Draw(r, "time"))
	if w.counters.health != answering {
		w.mark(w.out)
	}
	for _, l := range w.ledgers {
		calm(l)
		l.sweep(r.Context())
	}
}

// mark marks this period and all that can be reserved.
func (w *world) mark(in map[time.Time]bool) {
	now := w.clock.Now()
	for from, to := w.quota.At(now); !from.After(now.Add(horizon + time.Minute)); from, to = w.quota.At(to) {
		in[from] = true
	}
}

func (w *world) calm() {
	for _, l := range w.ledgers {
		calm(l)
	}
}

// lose flushes the counters, once in a period.
func (w *world) lose(*rapid.T) {
	from, _ := w.quota.At(w.clock.Now())
	if w.flushed[from] {
		return
	}
	w.calm()
	w.mark(w.flushed)
	w.counters.flush()
}

func (w *world) ail(r *rapid.T) {
	w.calm()
	h := rapid.SampledFrom([]health{answering, away, deaf}).Draw(r, "health")
	if h != answering {
		w.mark(w.out)
	}
	w.counters.become(h)
}

// check is what must hold at any time.
func (w *world) check(r *rapid.T) {
	for period, made := range w.made {
		most := w.quota.Calls
		if w.out[period] {
			// Each member's share, at least one call, beside what the others had.
			most += w.quota.Calls + int64(len(w.ledgers))
		}
		if w.flushed[period] {
			most += w.quota.Calls
		}
		require.LessOrEqual(r, made, most, "%v", period)
	}
}

func TestWhateverHappensTheQuotaIsKept(t *testing.T) {
	t.Parallel()
	for name, faults := range map[string]func(*world) map[string]func(*rapid.T){
		"without faults": func(*world) map[string]func(*rapid.T) { return nil },
		"with flushes":   func(w *world) map[string]func(*rapid.T) { return map[string]func(*rapid.T){"flush": w.lose} },
		"with outages":   func(w *world) map[string]func(*rapid.T) { return map[string]func(*rapid.T){"ail": w.ail} },
		"with everything": func(w *world) map[string]func(*rapid.T) {
			return map[string]func(*rapid.T){"flush": w.lose, "ail": w.ail}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(r *rapid.T) {
				w := newWorld(r)
				actions := faults(w)
				if actions == nil {
					actions = map[string]func(*rapid.T){}
				}
				actions["take"], actions["reserve"], actions["give back"] = w.take, w.reserve, w.giveBack
				actions["pass"], actions[""] = w.pass, w.check
				r.Repeat(actions)
			})
		})
	}
}

func TestWhateverHappenedTheQuotaIsUsedWhileThereIsDemand(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(r)
		r.Repeat(map[string]func(*rapid.T){
			"take": w.take, "reserve": w.reserve, "give back": w.giveBack, "pass": w.pass, "": w.check,
		})
		// A last period of which some was promised; one member demands, the others
		// keep what they hold until it is idle.
		from, to := w.quota.At(w.clock.Now())
		w.clock.pass(to.Sub(from) - w.clock.Now().Sub(from))
		w.take(r)
		for range 4 {
			w.made[to] += takeAll(t, w.ledgers[0], w.quota, 2)
			w.clock.pass(w.quota.Period / 9)
			for _, l := range w.ledgers {
				calm(l)
				l.sweep(r.Context())
			}
		}
		require.GreaterOrEqual(r, 100*w.made[to], 95*w.quota.Calls)
		w.check(r)
	})
}
