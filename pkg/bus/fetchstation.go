package bus

import (
	"cmp"
	"slices"
	"time"
)

const (
	// coolAfter is how long after its last record, or its addition, a partition
	// counts as busy. A handover costs a request, so it is much longer than
	// pauses in a steady trickle.
	coolAfter = 5 * time.Second
	// sides is how many requests there are beside the two main ones, at most.
	sides = 3
	// shortWait is how long a broker may hold a request that ought to make room
	// for another soon: the last that there may be, or one in the place of a
	// main one that is late.
	shortWait = 10 * time.Millisecond
	// margin is how long before a main request a side one ends.
	margin = 2 * time.Millisecond
)

// station has the requests to one broker, each for partitions of its own. A
// broker looks at every partition of a request twice, when it comes and when
// it is answered, so those that have something new all the time are not asked
// for together with the many, empty tiers for example, that have not. A
// partition that is added or resumed while the request that it belongs to is
// under way gets one on the side. That ends when the other one does, which
// then takes it over. No request is ever given up: that costs a connection,
// and the answer if it was on its way.
type station struct {
	fetcher *Fetcher
	broker  int32
	busy    *fetchLoop // partitions that had records lately
	quiet   *fetchLoop // the others
	sides   []*fetchLoop
}

func (f *Fetcher) newStation(broker int32) *station {
	s := &station{fetcher: f, broker: broker}
	s.busy, s.quiet = s.newLoop(), s.newLoop()
	for range sides {
		s.sides = append(s.sides, s.newLoop())
	}
	for _, l := range s.loops() {
		f.done.Go(l.run)
	}
	return s
}

func (s *station) newLoop() *fetchLoop {
	return &fetchLoop{station: s, wake: make(chan struct{}, 1)}
}

func (s *station) loops() []*fetchLoop { return append([]*fetchLoop{s.busy, s.quiet}, s.sides...) }

// main is the loop that a partition belongs to. Under Fetcher.mu, as all below.
func (s *station) main(p *fetching, now time.Time) *fetchLoop {
	if now.Sub(p.stirred) < coolAfter {
		return s.busy
	}
	return s.quiet
}

// call wakes a loop for a partition that can be fetched: its own, or, while
// that waits for an answer, one on the side.
func (s *station) call(p *fetching, now time.Time) {
	if l := s.main(p, now); !l.flying {
		signal(l.wake)
		return
	}
	for _, l := range s.sides {
		if !l.flying {
			signal(l.wake)
			return
		}
	}
}

// callAll wakes all loops.
func (s *station) callAll() {
	for _, l := range s.loops() {
		signal(l.wake)
	}
}

// board takes the partitions that a loop is to ask for, and how long the broker
// may hold the request. Those that waited longest come first: of partitions
// whose next batch is over the limit a broker sends only one, if it comes
// first.
func (s *station) board(l *fetchLoop, now time.Time) (taken []*fetching, hold time.Duration) {
	f := s.fetcher
	if f.full() {
		return nil, 0 // until Poll makes room
	}
	hold = f.cfg.MaxWait
	if l == s.sides[sides-1] {
		hold = min(hold, shortWait)
	}
	for _, p := range f.partitions {
		if p.leader != s.broker || p.paused || p.flying || p.queued >= f.cfg.PartitionMaxBytes {
			continue
		}
		switch main := s.main(p, now); {
		case main == l:
		case l == s.busy || l == s.quiet || !main.flying:
			s.call(p, now)
			continue
		default:
			switch left := main.until.Sub(now); {
			case left >= 2*margin:
				hold = min(hold, left-margin)
			case left >= 0:
				continue // it is about to be taken over
			default: // the answer is late
				hold = min(hold, shortWait)
			}
		}
		taken = append(taken, p)
	}
	if len(taken) == 0 {
		return nil, 0
	}
	slices.SortFunc(taken, func(a, b *fetching) int { return cmp.Compare(a.served, b.served) })
	for _, p := range taken {
		p.flying = true
	}
	l.flying, l.until = true, now.Add(hold)
	return taken, hold
}

// land lets go of what a loop took.
func (s *station) land(l *fetchLoop, taken []*fetching) {
	l.flying = false
	for _, p := range taken {
		p.flying = false
	}
}
