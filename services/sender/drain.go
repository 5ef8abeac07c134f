package sender

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/staffetta/staffetta/pkg/hook"
	"go.uber.org/zap"
)

// leaveUnlessServing leaves the group if the sender stops while it has no
// assignment. One that waits for the next, to drain on, does not wait for a
// Kafka that is away: nothing can be written down, so it is repeated anyway.
func (s *Service) leaveUnlessServing(member context.Context, leave func(), serving *sync.Mutex) {
	tick := time.NewTicker(commitInterval / 5)
	defer tick.Stop()
	for member.Err() == nil {
		if serving.TryLock() {
			if s.drained() || !s.lease.holds() {
				leave()
			}
			serving.Unlock()
		}
		select {
		case <-tick.C:
		case <-member.Done():
		}
	}
}

// drained reports whether a sender that stops has nothing under way any more, or
// has waited for it for as long as one request may last.
func (s *Service) drained() bool { return s.budget.idle() || time.Now().After(s.stopsBy()) }

// stopsBy is until when a sender drains; whoever asks first sets it.
func (s *Service) stopsBy() time.Time {
	s.stopBy.CompareAndSwap(0, time.Now().Add(hook.MaxTimeout).UnixNano())
	return time.Unix(0, s.stopBy.Load())
}

// drain takes nothing new and waits until the fate of every task that was started
// is durable, for as long as one request may last since the sender was stopped. If the partitions
// are revoked meanwhile it goes on in the next generation.
func (s *Service) drain(ctx context.Context) {
	revoked := ctx
	ctx, cancel := context.WithDeadline(ctx, s.stopsBy())
	defer cancel()
	s.mu.Lock()
	owners := slices.Collect(maps.Values(s.owners))
	s.mu.Unlock()
	for _, o := range owners {
		o.stop()
	}
	for _, o := range owners {
		select {
		case <-o.stopped:
			// What is queued is the next owner's: it reads it again.
			o.closeLanes()
		case <-ctx.Done():
		}
	}
	if err := s.budget.drain(ctx); err != nil && revoked.Err() == nil {
		s.Log.Warn("some requests were still under way when the sender stopped; they are repeated", zap.Error(err))
	}
}
