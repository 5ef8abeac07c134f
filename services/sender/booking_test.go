package sender

import (
	"container/heap"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
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

// simulation is a lane behind tiers, in simulated time.
type simulation struct {
	*bench
	limits    bounds
	parked    dues
	deferrals int
	delivered int
}

// dues are tasks that wait, the first due on top.
type dues []*parked

func (d dues) Len() int           { return len(d) }
func (d dues) Less(i, j int) bool { return d[i].due.Before(d[j].due) }
func (d dues) Swap(i, j int)      { d[i], d[j] = d[j], d[i] }
func (d *dues) Push(x any) {
	if p, ok := x.(*parked); ok {
		*d = append(*d, p)
	}
}
func (d *dues) Pop() any {
	last := (*d)[len(*d)-1]
	*d = (*d)[:len(*d)-1]
	return last
}

// comes offers a task. A walk down the tiers ends late, by up to a second.
func (s *simulation) comes(t *task) {
	if what, p := s.offer(t, s.limits); what == full {
		s.park(p)
	}
}

func (s *simulation) park(p parked) {
	s.deferrals++
	p.step++
	p.due = p.due.Add(time.Duration(s.deferrals%10) * 100 * time.Millisecond)
	heap.Push(&s.parked, &p)
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
		for len(s.parked) > 0 && !s.parked[0].due.After(s.now) {
			first := s.parked[0]
			heap.Pop(&s.parked)
			s.comes(first.task)
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
