package bench

import (
	"context"
	"sync"
	"time"
)

// flow is a steady load that goes on until it is stopped.
type flow struct {
	// from is the number of its first event.
	from int
	stop func() (published int, err error)
}

// flow publishes events at an even rate from now on. stop lets the second that
// has begun pass, and returns how many were published; it may be called again.
func (t *trial) flow(ctx context.Context, perSecond float64) flow {
	f := flow{from: t.next}
	ending := make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		// In pieces of about a second.
		piece := max(1, int(perSecond))
		p := publisher{load: t.load, producer: t.producer}
		for {
			if err := p.steady(ctx, t.next, piece, perSecond); err != nil {
				ended <- err
				return
			}
			t.next += piece
			select {
			case <-ending:
				ended <- nil
				return
			default:
			}
		}
	}()
	f.stop = sync.OnceValues(func() (int, error) {
		close(ending)
		err := <-ended
		return t.next - f.from, err
	})
	return f
}

// pause waits, unless the span has passed already.
func pause(ctx context.Context, span time.Duration) error {
	timer := time.NewTimer(max(span, 0))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
