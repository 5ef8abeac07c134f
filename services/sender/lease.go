package sender

import (
	"context"
	"sync"
	"time"
)

// lease is the right to start requests: it is renewed by commits and lasts half
// a session, so that a sender which stalled, or which the group has put out,
// does not post what is somebody else's by now (DESIGN.md, rule 7).
type lease struct {
	now func() time.Time

	mu      sync.Mutex
	until   time.Time
	renewed chan struct{} // closed when it is renewed
}

func newLease(now func() time.Time) *lease {
	return &lease{now: now, renewed: make(chan struct{})}
}

// renew makes the lease last for half a session from when the commit was sent.
func (l *lease) renew(sent time.Time, session time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if until := sent.Add(session / 2); until.After(l.until) {
		l.until = until
		close(l.renewed)
		l.renewed = make(chan struct{})
	}
}

// holds reports whether requests may be started now.
func (l *lease) holds() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now().Before(l.until)
}

// wait returns once the lease holds; an error means that ctx ended before.
func (l *lease) wait(ctx context.Context) error {
	for ctx.Err() == nil {
		l.mu.Lock()
		held, renewed := l.now().Before(l.until), l.renewed
		l.mu.Unlock()
		if held {
			return nil
		}
		select {
		case <-renewed:
		case <-ctx.Done():
		}
	}
	return context.Cause(ctx)
}
