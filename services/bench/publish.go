package bench

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
)

// publisher produces the events of a load as upstream does. Each carries the
// time at which it was handed to the producer.
type publisher struct {
	load     load
	producer *bus.Producer
}

// flood publishes the events of the numbers from … from+count-1 as fast as Kafka
// takes them, from several goroutines, and returns when all are acknowledged.
func (p publisher) flood(ctx context.Context, from, count, goroutines int) error {
	return p.publish(ctx, count, func(ctx context.Context, send func(number int) error) error {
		var next atomic.Int64
		group, ctx := errgroup.WithContext(ctx)
		for range goroutines {
			group.Go(func() error {
				for n := int(next.Add(1)) - 1; n < count && ctx.Err() == nil; n = int(next.Add(1)) - 1 {
					if err := send(from + n); err != nil {
						return err
					}
				}
				return nil
			})
		}
		return group.Wait()
	})
}

// shortestTick bounds how often steady looks whether events are due: above
// 1,000/s it publishes several at a time.
const shortestTick = time.Millisecond

// steady publishes events at an even rate and returns when all are acknowledged.
// What it could not publish in time it publishes as soon as it can.
func (p publisher) steady(ctx context.Context, from, count int, perSecond float64) error {
	every := time.Duration(float64(time.Second) / perSecond)
	return p.publish(ctx, count, func(ctx context.Context, send func(number int) error) error {
		tick := time.NewTicker(max(every, shortestTick))
		defer tick.Stop()
		begun := time.Now()
		for n := 0; n < count; {
			for due := min(count, int(time.Since(begun).Seconds()*perSecond)+1); n < due; n++ {
				if err := send(from + n); err != nil {
					return err
				}
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		return nil
	})
}

// publish lets sending hand count events to the producer and waits for their
// acknowledgements.
func (p publisher) publish(
	ctx context.Context, count int, sending func(ctx context.Context, send func(number int) error) error,
) error {
	if count == 0 {
		return nil
	}
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	acknowledged := make(chan struct{})
	left := count // touched by done functions only, which run one at a time
	err := sending(ctx, func(number int) error {
		return p.produce(ctx, number, func(err error) {
			if err != nil {
				fail(fmt.Errorf("publish event %d: %w", number, err))
			}
			if left--; left == 0 {
				close(acknowledged)
			}
		})
	})
	if err != nil {
		return err
	}
	select {
	case <-acknowledged:
	case <-ctx.Done():
	}
	return context.Cause(ctx)
}

func (p publisher) produce(ctx context.Context, number int, done func(error)) error {
	err := p.producer.Produce(ctx, p.load.record(number, time.Now()), func(_ hook.Coordinates, err error) { done(err) })
	if err != nil {
		return fmt.Errorf("publish event %d: %w", number, err)
	}
	return nil
}
