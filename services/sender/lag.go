package sender

import (
	"context"
	"sync"
	"time"
)

// maxLag is how long an answer may wait for its record in attempts before no
// more requests are started: whatever is answered and not written down is
// repeated if the sender dies.
const maxLag = 50 * time.Millisecond

// lag follows the records of one partition of a topic that are written and not
// acknowledged. They are acknowledged in the order in which they are written.
type lag struct {
	mu   sync.Mutex
	open []time.Time
	// caught is closed when the oldest is acknowledged; nil while nobody waits.
	caught chan struct{}
}

// begin notes that a record is written.
func (l *lag) begin(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open = append(l.open, now)
}

// end notes that the oldest is acknowledged, or given up.
func (l *lag) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open = l.open[1:]
	if l.caught != nil {
		close(l.caught)
		l.caught = nil
	}
}

// age is how long the oldest has been waiting; 0: there is none.
func (l *lag) age(now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.open) == 0 {
		return 0
	}
	return now.Sub(l.open[0])
}

// wait returns once no record has been waiting for longer than maxLag; an error
// means that ctx ended before.
func (l *lag) wait(ctx context.Context) error {
	for {
		l.mu.Lock()
		if len(l.open) == 0 || time.Since(l.open[0]) <= maxLag {
			l.mu.Unlock()
			return nil
		}
		if l.caught == nil {
			l.caught = make(chan struct{})
		}
		caught := l.caught
		l.mu.Unlock()
		select {
		case <-caught:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
