package bus

import (
	"time"

	"go.uber.org/zap"
)

// fetchLoop keeps a request outstanding for partitions of one broker.
type fetchLoop struct {
	station *station
	wake    chan struct{} // capacity 1: there may be something to fetch
	decode  decoder
	spare   []byte // the memory of the last answer

	// Guarded by Fetcher.mu.
	flying bool      // a request is under way
	until  time.Time // when it ends at the latest, if all goes well
}

func (l *fetchLoop) run() {
	f := l.station.fetcher
	wait := minBackoff
	for f.ctx.Err() == nil {
		sent := time.Now()
		f.mu.Lock()
		taken, hold := l.station.board(l, sent)
		want := wish(taken)
		f.mu.Unlock()
		if len(taken) == 0 {
			select {
			case <-l.wake:
			case <-f.ctx.Done():
			}
			continue
		}
		some, ok := l.fetch(want, hold, sent)
		f.mu.Lock()
		l.station.land(l, taken)
		f.mu.Unlock()
		if ok {
			wait = minBackoff
			if some && f.cfg.Rest > 0 && pause(f.ctx, f.cfg.Rest) != nil {
				return
			}
			continue
		}
		if pause(f.ctx, wait) != nil {
			return
		}
		wait = min(2*wait, maxBackoff)
	}
}

// wish is what to ask for, at the partitions' positions. Under Fetcher.mu.
func wish(taken []*fetching) []wanted {
	want := make([]wanted, len(taken))
	for i, p := range taken {
		want[i] = wanted{topic: p.topic, partition: p.partition, offset: p.offset}
	}
	return want
}

// fetch asks the broker and takes its answer: some says that there were records
// in it. ok is false if asking again at once would not help.
func (l *fetchLoop) fetch(want []wanted, hold time.Duration, sent time.Time) (some, ok bool) {
	f := l.station.fetcher
	got, err := f.client.fetchFrom(f.ctx, l.station.broker, want, hold, f.cfg.MaxBytes, f.cfg.PartitionMaxBytes, l.spare)
	l.spare = nil // lost, if there is an error
	if err != nil {
		if f.ctx.Err() == nil {
			f.log.Warn("fetch failed, trying again", zap.Int32("broker", l.station.broker), zap.Error(err))
			l.evict(want)
		}
		return false, false
	}
	some, ok = l.take(want, got.partitions, sent)
	// The last answer's memory is the next one's, unless one record larger than
	// all limits has blown it up.
	if cap(got.body) <= 2*f.cfg.MaxBytes {
		l.spare = got.body
	}
	return some, ok
}

// evict makes the partitions ask for their leader again.
func (l *fetchLoop) evict(want []wanted) {
	f := l.station.fetcher
	f.client.layout.expire()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, w := range want {
		if p := f.partitions[topicPartition{w.topic, w.partition}]; p != nil && p.leader == l.station.broker {
			p.leader = noLeader
		}
	}
	signal(f.homeless)
}
