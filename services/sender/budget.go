package sender

import (
	"context"
	"fmt"
	"sync/atomic"

	"golang.org/x/sync/semaphore"
)

const (
	// maxInFlight is the most tasks that a sender holds (DESIGN.md, rule 1).
	maxInFlight = 10_000
	// share is the bytes of a change that go with one of them; a larger change
	// counts as several. So what is in flight stays below 80 MB and its overhead.
	share = 8 << 10
)

// budget counts what is in flight: handed out, and not yet decided for good.
type budget struct {
	sem  *semaphore.Weighted
	used atomic.Int64
}

func newBudget() *budget { return &budget{sem: semaphore.NewWeighted(maxInFlight)} }

// weight is what a task takes of the budget.
func weight(t *task) int64 { return 1 + int64(t.bytes/share) }

// take waits for room for a task, until ctx ends.
func (b *budget) take(ctx context.Context, t *task) error {
	if err := b.sem.Acquire(ctx, weight(t)); err != nil {
		return context.Cause(ctx)
	}
	b.used.Add(weight(t))
	return nil
}

func (b *budget) give(t *task) {
	b.used.Add(-weight(t))
	b.sem.Release(weight(t))
}

// drain waits until nothing is in flight, until ctx ends.
func (b *budget) drain(ctx context.Context) error {
	if err := b.sem.Acquire(ctx, maxInFlight); err != nil {
		return fmt.Errorf("%d in flight: %w", b.used.Load(), context.Cause(ctx))
	}
	b.sem.Release(maxInFlight)
	return nil
}

// idle reports whether nothing is in flight.
func (b *budget) idle() bool { return b.used.Load() == 0 }
