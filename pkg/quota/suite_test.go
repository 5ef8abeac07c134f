package quota

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

// within bounds what happens at once.
const within = 10 * time.Second

// began is the start of a period of any length used here.
var began = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

var errAway = errors.New("the counters are away")

// health is how counters in memory behave.
type health int

const (
	answering health = iota
	// away does nothing.
	away
	// deaf does it and does not say so.
	deaf
)

// memory is counters in memory that can fail, be slow and forget.
type memory struct {
	mu     sync.Mutex
	health health
	sums   map[string]int64
	// lowest is the least that a counter ever was.
	lowest   int64
	requests int
	// busy are the requests under way of each counter, most the highest number of
	// them that there was.
	busy map[string]int
	most int
	// held, if not nil, holds requests up until it is closed.
	held chan struct{}
}

func newMemory() *memory { return &memory{sums: map[string]int64{}, busy: map[string]int{}} }

func key(account string, period time.Time) string {
	return fmt.Sprintf("%s@%d", account, period.Unix())
}

func (m *memory) Add(ctx context.Context, account string, period time.Time, n int64, _ time.Time) (int64, error) {
	k := key(account, period)
	m.mu.Lock()
	m.requests++
	m.busy[k]++
	m.most = max(m.most, m.busy[k])
	held := m.held
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		m.busy[k]--
		m.mu.Unlock()
	}()
	if held != nil {
		select {
		case <-held:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.health == away {
		return 0, errAway
	}
	m.sums[k] += n
	m.lowest = min(m.lowest, m.sums[k])
	if m.health == deaf {
		return 0, errAway
	}
	return m.sums[k], nil
}

func (m *memory) become(h health) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.health = h
}

func (m *memory) flush() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sums = map[string]int64{}
}

func (m *memory) sum(period time.Time) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sums[key("acme", period)]
}

func (m *memory) asked() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.requests
}

// clock is a time that a test sets.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: began} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// members makes ledgers of equal share on the same counters and clock. They have
// patience: a busy machine is no outage.
func members(c Counters, clk *clock, n int) []*Ledger {
	ledgers := make([]*Ledger, n)
	for i := range ledgers {
		ledgers[i] = New(c, func() float64 { return 1 / float64(n) }, clk.Now, nil)
		ledgers[i].timeout = within
	}
	return ledgers
}

func member(c Counters, clk *clock) *Ledger { return members(c, clk, 1)[0] }

// calm waits until no request of the ledger is under way.
func calm(l *Ledger) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		var busy *holding
		for _, a := range l.accounts {
			for _, h := range a.periods {
				if h.flight != nil {
					busy = h
				}
			}
		}
		if busy == nil {
			return
		}
		l.await(busy)
	}
}

func take(t testing.TB, l *Ledger, q hook.Quota) bool {
	t.Helper()
	ok, _ := l.Take(t.Context(), "acme", q)
	return ok
}

// takeAll takes until nothing is left, with that many takers at once, and returns
// how many calls there were.
func takeAll(t testing.TB, l *Ledger, q hook.Quota, takers int) int64 {
	t.Helper()
	var mu sync.Mutex
	var sum int64
	var all sync.WaitGroup
	for range takers {
		all.Go(func() {
			n := int64(0)
			for take(t, l, q) {
				n++
			}
			mu.Lock()
			sum += n
			mu.Unlock()
		})
	}
	all.Wait()
	return sum
}

func requireTaken(t *testing.T, l *Ledger, q hook.Quota, n int) {
	t.Helper()
	for range n {
		require.True(t, take(t, l, q))
	}
}
