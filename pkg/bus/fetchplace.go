package bus

import (
	"errors"
	"time"

	"github.com/segmentio/kafka-go"
	"go.uber.org/zap"
)

// clockSlack is how far the clocks of brokers and of this process may differ,
// and how much is read twice after a broker lost the end of its log.
const clockSlack = 5 * time.Minute

// settle lets a row of Adds be placed together.
const settle = time.Millisecond

// findLeaders gives partitions to the loops of their leaders.
func (f *Fetcher) findLeaders() {
	wait := minBackoff
	for {
		select {
		case <-f.homeless:
		case <-f.ctx.Done():
			return
		}
		// More may follow at once, and shall go into the same request.
		if pause(f.ctx, settle) != nil {
			return
		}
		err := f.place()
		if err == nil {
			wait = minBackoff
			continue
		}
		if f.ctx.Err() != nil {
			return
		}
		f.log.Warn("partitions wait for their leader", zap.Error(firstOf(err)))
		if pause(f.ctx, wait) != nil {
			return
		}
		wait = min(2*wait, maxBackoff)
		f.client.layout.expire()
		signal(f.homeless)
	}
}

// place finds a leader for every partition that has none, and its position if
// that is unknown or out of range. It does what can be done and returns what
// could not.
func (f *Fetcher) place() error {
	f.mu.Lock()
	var homeless, astray []*fetching
	for _, p := range f.partitions {
		if p.leader == noLeader {
			homeless = append(homeless, p)
			if p.offset < 0 || p.lost {
				astray = append(astray, p)
			}
		}
	}
	f.mu.Unlock()

	positions, faults := f.positions(astray)
	leaders := make(map[*fetching]int32, len(homeless))
	for _, p := range homeless {
		leader, err := f.client.layout.leader(f.ctx, p.topic, p.partition)
		if err != nil {
			faults = errors.Join(faults, err)
			continue
		}
		leaders[p] = leader
	}
	f.home(leaders, positions)
	return faults
}

// positions finds where to go on in partitions without a position or with one
// that is out of range, as AddSince says. Nothing changes these partitions
// meanwhile, since nobody fetches them.
func (f *Fetcher) positions(astray []*fetching) (map[topicPartition]int64, error) {
	first, last, since := map[topicPartition]int64{}, map[topicPartition]int64{}, map[topicPartition]int64{}
	for _, p := range astray {
		first[p.topicPartition] = kafka.FirstOffset
		if p.lost && !p.since.IsZero() {
			last[p.topicPartition] = kafka.LastOffset
			since[p.topicPartition] = max(0, p.since.Add(-clockSlack).UnixMilli())
		}
	}
	positions, err := f.client.offsets(f.ctx, first)
	// The ends before the times: what is written in between is found by its time.
	ends, endsErr := f.client.offsets(f.ctx, last)
	found, foundErr := f.client.offsets(f.ctx, since)
	for _, p := range astray {
		key := p.topicPartition
		start, ok := positions[key]
		if _, timed := since[key]; !timed || !ok || p.offset < start {
			continue // the start, if it is known
		}
		at, hasAt := found[key]
		end, hasEnd := ends[key]
		switch {
		case !hasAt || !hasEnd:
			delete(positions, key)
		case at < 0: // there is nothing so late
			positions[key] = max(start, end)
		default:
			positions[key] = max(start, at)
		}
	}
	return positions, errors.Join(err, endsErr, foundErr)
}

// home gives partitions to their leaders' stations, if their positions are
// known; all at a time, so that they go into one request.
func (f *Fetcher) home(leaders map[*fetching]int32, positions map[topicPartition]int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	for p, leader := range leaders {
		if p.offset < 0 || p.lost {
			position, ok := positions[p.topicPartition]
			if !ok {
				continue
			}
			p.offset, p.reset, p.lost = position, p.lost, false
		}
		p.leader = leader
		s := f.stations[leader]
		if s == nil {
			s = f.newStation(leader)
			f.stations[leader] = s
		}
		if !p.flying {
			s.call(p, now)
		}
	}
}
