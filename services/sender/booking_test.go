package sender

import (
	"container/heap"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/retry"
)

func TestPlacesLieApartAsTheLaneDrains(t *testing.T) {
	t.Parallel()
	var b booking
	first := b.place(start.Add(time.Second), start, 10)
	require.Equal(t, start.Add(time.Second), first)
	for n := 1; n <= 50; n++ {
		require.Equal(t, first.Add(time.Duration(n)*100*time.Millisecond), b.place(start, start, 10))
	}
}

func TestNoPlaceIsFurtherThan15MinutesAway(t *testing.T) {
	t.Parallel()
	var b booking
	for range 20_000 {
		at := b.place(start, start, 10)
		require.False(t, at.After(start.Add(maxBooking)))
	}
	later := start.Add(time.Minute)
	require.True(t, b.place(later, later, 10).After(start.Add(maxBooking-maxBooking/bookingSpread)), "those behind come back in time to ask again")
}

func TestARateIsHeldAndMadeUseOf(t *testing.T) {
	t.Parallel()
	var p pace
	now, begun := start, 0
	for now.Before(start.Add(10 * time.Second)) {
		if p.wait(1, 100, now) == 0 {
			p.take(100, now)
			begun++
		}
		now = now.Add(3 * time.Millisecond) // a timer that is late now and then
	}
	require.InDelta(t, 1000, begun, 5)
	require.Zero(t, p.wait(1_000, 0, now), "no limit")
	require.InDelta(t, 99*10*time.Millisecond, p.wait(100, 100, now.Add(time.Minute)), float64(rateBurst), "the hundredth waits a second")
}

// simulation is a lane behind the tiers and their walks, in simulated time.
type simulation struct {
	*bench
	limits    bounds
	tiers     hops
	deferrals int
	delivered int
	hopped    int
}

// hop is a task in a tier.
type hop struct {
	*task
	due, notBefore, ends time.Time
}

// hops are those of tasks that wait, the one that ends first on top.
type hops []*hop

func (h hops) Len() int           { return len(h) }
func (h hops) Less(i, j int) bool { return h[i].ends.Before(h[j].ends) }
func (h hops) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *hops) Push(x any) {
	if p, ok := x.(*hop); ok {
		*h = append(*h, p)
	}
}
func (h *hops) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

func (s *simulation) comes(t *task) {
	if what, p := s.offer(t, s.limits); what == full {
		s.park(p)
	}
}

// park is what postpone and deferUntil do.
func (s *simulation) park(p parked) {
	h := &hop{task: p.task, due: p.due, notBefore: p.due.Add(-early)}
	if !p.kept {
		s.deferrals++
		h.notBefore = notBefore(p.due, p.cause, s.now)
	}
	h.booked = true
	s.walk(h)
}

// walk takes a task to its next tier, or back to its lane.
func (s *simulation) walk(h *hop) {
	tier, ready := retry.Hop(s.now, h.due, h.notBefore)
	if ready && h.step > 0 {
		h.since = h.due
		s.comes(h.task)
		return
	}
	h.step++
	s.hopped++
	h.ends = s.now.Add(tier.Delay)
	heap.Push(&s.tiers, h)
}

// run lets time pass in steps of 10 ms until all is delivered; each request takes
// one step.
func (s *simulation) run(until time.Time, total int) {
	for s.delivered < total && s.now.Before(until) {
		s.now = s.now.Add(10 * time.Millisecond)
		for range len(s.running) {
			for _, p := range s.answer(succeeded, 0, 0) {
				s.park(p)
			}
			s.delivered++
		}
		for len(s.tiers) > 0 && !s.tiers[0].ends.After(s.now) {
			first := s.tiers[0]
			heap.Pop(&s.tiers)
			s.walk(first)
		}
		s.mu.Lock()
		if s.queued() > 0 {
			s.goOn(s.now)
		}
		s.mu.Unlock()
		s.startWaiting()
	}
}

func TestABacklogOf200000IsDeferredAtMostThreeTimesATask(t *testing.T) {
	t.Parallel()
	const total, rate = 200_000, 1000
	for name, limits := range map[string]bounds{
		"a limit of 1,000/s":                  {rate: rate},
		"10 at a time, which take 10 ms each": {concurrency: 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &simulation{bench: newBench(t), limits: limits}
			for range total {
				s.comes(&task{}) // at once
			}
			s.run(start.Add(time.Hour), total)
			require.Equal(t, total, s.delivered)
			require.LessOrEqual(t, float64(s.deferrals)/total, 3.0)
			require.LessOrEqual(t, float64(s.hopped)/total, 6.0, "who keeps a place does not hop on and on")
			took := s.now.Sub(start).Seconds()
			require.InDelta(t, total/rate, took, 0.15*total/rate, "and the receiver is kept busy")
		})
	}
}

func TestALimitThatIsRaisedIsFeltWithin15Minutes(t *testing.T) {
	t.Parallel()
	const total = 50_000
	s := &simulation{bench: newBench(t), limits: bounds{rate: 2}}
	for range total {
		s.comes(&task{})
	}
	s.run(start.Add(time.Minute), total)
	require.Less(t, s.delivered, 200)
	s.limits.rate = 1000
	s.run(start.Add(time.Minute+maxBooking+total/1000*time.Second), total)
	require.Equal(t, total, s.delivered)
}

func TestWaitsOfHoursTurnOnceIn15Minutes(t *testing.T) {
	t.Parallel()
	const total = 20_000
	s := &simulation{bench: newBench(t), limits: bounds{rate: 1}}
	for range total {
		s.comes(&task{})
	}
	begun := s.deferrals
	s.run(start.Add(time.Hour), total)
	turns := float64(s.deferrals-begun) / float64(total)
	require.LessOrEqual(t, turns, 4*1.12, "four quarters of an hour, and a tenth since they are spread")
}
