package sender

import (
	"context"
	"fmt"
	"sync/atomic"

	"golang.org/x/sync/semaphore"
)

// maxInFlight is the most tasks that a sender holds (DESIGN.md, rule 1). At
// 2 KiB an event with its overhead this is about 40 MiB.
const maxInFlight = 10_000

// budget counts what is in flight: handed out, and not yet decided for good.
type budget struct {
	sem  *semaphore.Weighted
	used atomic.Int64
}

func newBudget() *budget { return &budget{sem: semaphore.NewWeighted(maxInFlight)} }

// take waits for room for one task, until ctx ends.
func (b *budget) take(ctx context.Context) error {
	if err := b.sem.Acquire(ctx, 1); err != nil {
		return context.Cause(ctx)
	}
	b.used.Add(1)
	return nil
}

func (b *budget) give() {
	b.used.Add(-1)
	b.sem.Release(1)
}

// drain waits until nothing is in flight, until ctx ends.
func (b *budget) drain(ctx context.Context) error {
	if err := b.sem.Acquire(ctx, maxInFlight); err != nil {
		return fmt.Errorf("%d tasks in flight: %w", b.used.Load(), context.Cause(ctx))
	}
	b.sem.Release(maxInFlight)
	return nil
}

func (b *budget) room() int { return maxInFlight - int(b.used.Load()) }
