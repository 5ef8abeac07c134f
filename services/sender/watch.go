package sender

import (
	"context"
	"maps"
	"runtime/pprof"
	"slices"
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
	// maxStacks bounds the goroutines' stacks in the log.
	maxStacks = 64 << 10
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
			s.mu.Lock()
			owners := slices.Collect(maps.Values(s.owners))
			s.mu.Unlock()
			for _, o := range owners {
				s.look(o, now)
			}
		}
	}
}

// look begins the owner's partition anew if its oldest task has been open for
// too long although Kafka answers. Only a defect of ours makes that happen; a
// task at which it happens again and again goes to quarantine.
func (s *Service) look(o *owner, now time.Time) {
	oldest, ok := o.memory.oldest()
	if !ok || now.Sub(oldest.at) < s.HungAfter || !s.lease.holds() {
		return
	}
	var stacks strings.Builder
	_ = pprof.Lookup("goroutine").WriteTo(&stacks, 1) // a builder takes everything
	s.metrics.hung.Inc()
	s.Log.Error("partition hangs; it begins anew", zap.Int("partition", o.partition),
		zap.String("delivery", oldest.task.delivery), zap.Duration("open", now.Sub(oldest.at)),
		zap.String("stacks", stacks.String()[:min(stacks.Len(), maxStacks)]))
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.owners[o.partition] != o {
		return // it has moved meanwhile
	}
	s.hung[oldest.task.identity]++
	s.anyHung.Store(true)
	s.end(o, errHung)
	for _, t := range o.memory.all() {
		o.drop(t) // whoever hangs gives nothing back
	}
	anew := newOwner(s, o.partition, maps.Clone(o.committed))
	s.owners[o.partition] = anew
	anew.begin(s.logEnds())
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
