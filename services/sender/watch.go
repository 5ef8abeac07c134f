package sender

import (
	"context"
	"maps"
	"runtime/pprof"
	"strings"
	"time"

	"go.uber.org/zap"
)

const (
	// DefaultHungAfter is how old an open task is that shows that its partition
	// hangs: no request lasts longer than 30 s, and nothing waits for a turn longer
	// than some seconds.
	DefaultHungAfter = 2 * time.Minute
	// maxHung is how often a task may hang a partition before it is put away.
	maxHung = 3
	// ackPatience is how long Kafka may take to acknowledge a record before whoever
	// waits for it is excused.
	ackPatience = 5 * time.Second
	// oldPatience bounds the wait for an owner that was replaced to take nothing
	// in any more.
	oldPatience = 5 * time.Second
	// maxStacks bounds the goroutines' stacks in the log.
	maxStacks = 256 << 10
)

// watch begins partitions anew that hang, until ctx ends.
func (s *Service) watch(ctx context.Context) {
	tick := time.NewTicker(s.HungAfter / 8)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			for _, o := range s.owned() {
				s.look(o, now)
			}
		}
	}
}

// look begins the owner's partition anew if its oldest task has been open for
// too long although Kafka answers. Only a defect of ours makes that happen; a
// task at which it happens again and again goes to quarantine.
func (s *Service) look(o *owner, now time.Time) {
	if o.waitsForKafka(now) || !s.lease.holds() {
		o.excused.Store(now.UnixNano())
		return
	}
	oldest, at := o.memory.oldest()
	since := latest(at, time.Unix(0, o.excused.Load()))
	if oldest == nil || now.Sub(since) < s.HungAfter || !o.hangs.CompareAndSwap(false, true) {
		return
	}
	var stacks strings.Builder
	_ = pprof.Lookup("goroutine").WriteTo(&stacks, 1) // a builder takes everything
	s.metrics.hung.Inc()
	s.Log.Error("partition hangs; it begins anew", zap.Int("partition", o.partition),
		zap.String("delivery", oldest.delivery), zap.Duration("open", now.Sub(at)),
		zap.String("stacks", stacks.String()[:min(stacks.Len(), maxStacks)]))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hung[oldest.identity]++
	s.anyHung.Store(true)
	s.hanging = append(s.hanging, o)
	if s.interrupt != nil {
		s.interrupt()
	}
}

// waitsForKafka reports whether something that the owner wrote has been waiting
// for its acknowledgement for long: that is no hang of ours.
func (o *owner) waitsForKafka(now time.Time) bool {
	for _, l := range o.lags {
		if l.age(now) > ackPatience {
			return true
		}
	}
	return false
}

// beginAnew replaces the owners that hang. It belongs to whoever polls, so that
// nothing that was fetched for the old one reaches the new one.
func (s *Service) beginAnew() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.hanging {
		if s.owners[o.partition] != o {
			continue // it has moved meanwhile
		}
		s.end(o, errHung)
		for _, t := range o.memory.all() {
			o.drop(t) // whoever hangs gives nothing back
		}
		anew := newOwner(s, o.partition, maps.Clone(o.committed))
		s.owners[o.partition] = anew
		anew.begin(s.logEnds(), o)
	}
	s.hanging = nil
}

// forgive forgets that a task hung, since it has come to its end.
func (s *Service) forgive(t *task) {
	if s.anyHung.Load() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.hung, t.identity)
	}
}

// hopeless reports whether a task has hung its partition too often.
func (s *Service) hopeless(t *task) bool {
	if !s.anyHung.Load() {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hung[t.identity] >= maxHung
}
