package bus

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"go.uber.org/zap"
)

const (
	// settle lets a row of Adds or Resumes go into one request.
	settle = time.Millisecond
	// shortWait is how long a broker may hold a request that leaves out a
	// partition whose buffer is full: it may be wanted again at any moment.
	shortWait = 10 * time.Millisecond
)

// fetchLoop keeps one request outstanding at one broker.
type fetchLoop struct {
	fetcher *Fetcher
	broker  int32
	wake    chan struct{} // capacity 1: partitions were added or resumed
	drained chan struct{} // capacity 1: there is room for more
	decode  decoder
	spare   []byte // the memory of the last answer
}

func (l *fetchLoop) run() {
	f := l.fetcher
	wait := minBackoff
	for f.ctx.Err() == nil {
		want, full := l.collect()
		if len(want) == 0 {
			select {
			case <-l.wake:
			case <-l.drained:
			case <-f.ctx.Done():
			}
			continue
		}
		hold := f.cfg.MaxWait
		if full {
			hold = min(hold, shortWait)
		}
		sent := time.Now()
		got, err := l.fetch(want, hold)
		switch {
		case err == nil:
			wait = minBackoff
			ok := l.take(want, got.partitions, sent)
			l.spare = got.body
			if ok {
				continue
			}
		case errors.Is(err, context.Canceled):
			continue // woken: ask again with the partitions as they are now
		default:
			f.log.Warn("fetch failed, trying again", zap.Int32("broker", l.broker), zap.Error(err))
			l.evict(want)
		}
		if pause(f.ctx, wait) != nil {
			return
		}
		wait = min(2*wait, maxBackoff)
	}
}

// collect lists what to ask the broker for, those first that waited longest:
// of partitions whose next batch is over the limit a broker sends only one, if
// it comes first. full tells that some were left out because nobody polls.
func (l *fetchLoop) collect() (want []wanted, full bool) {
	f := l.fetcher
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.full() {
		return nil, true
	}
	var due []*fetching
	for _, p := range f.partitions {
		switch {
		case p.leader != l.broker || p.paused:
		case p.queued >= f.cfg.PartitionMaxBytes:
			full = true
		default:
			due = append(due, p)
		}
	}
	slices.SortFunc(due, func(a, b *fetching) int { return cmp.Compare(a.served, b.served) })
	want = make([]wanted, len(due))
	for i, p := range due {
		want[i] = wanted{topic: p.topic, partition: p.partition, offset: p.offset}
	}
	return want, full
}

// fetch asks the broker; it gives up with context.Canceled when a partition is
// added or resumed, so that this one need not wait for the others.
func (l *fetchLoop) fetch(want []wanted, hold time.Duration) (*answer, error) {
	f := l.fetcher
	spare := l.spare
	l.spare = nil // a request that is given up may still write to it
	ctx, cancel := context.WithCancel(f.ctx)
	defer cancel()
	type result struct {
		got *answer
		err error
	}
	results := make(chan result, 1)
	go func() {
		got, err := f.client.fetchFrom(ctx, l.broker, want, hold, f.cfg.MaxBytes, f.cfg.PartitionMaxBytes, spare)
		results <- result{got, err}
	}()
	select {
	case r := <-results:
		return r.got, r.err
	case <-l.wake:
	}
	// Not at once: more may follow, and the answer may be on its way.
	timer := time.NewTimer(settle)
	defer timer.Stop()
	select {
	case r := <-results:
		signal(l.wake)
		return r.got, r.err
	case <-timer.C:
		return nil, context.Canceled
	}
}

// evict makes the partitions ask for their leader again.
func (l *fetchLoop) evict(want []wanted) {
	f := l.fetcher
	f.client.layout.expire()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, w := range want {
		if p := f.partitions[topicPartition{w.topic, w.partition}]; p != nil && p.leader == l.broker {
			p.leader = noLeader
		}
	}
	signal(f.homeless)
}
