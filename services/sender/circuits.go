package sender

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"
)

const (
	// reportInterval is how late a breaker's new state is seen by people at most.
	reportInterval = 200 * time.Millisecond
	// reportTimeout bounds one report: nothing depends on it.
	reportTimeout = time.Second
	// reportMargin is how long a state is shown beyond the time that it should
	// last, before its sender is taken for dead.
	reportMargin = time.Minute
)

// Circuit is the state of one webhook's breaker, in the words of CONTRACT.md:
// "closed", "open" or "half_open".
type Circuit struct {
	Webhook string
	State   string
	// For is how long the state is worth showing.
	For time.Duration
}

// Circuits shows breakers to people.
type Circuits interface {
	Report(ctx context.Context, states []Circuit) error
}

// reporter passes the breakers' changes on, the newest of each webhook.
type reporter struct {
	to  Circuits
	log *zap.Logger

	mu      sync.Mutex
	changed map[string]Circuit
}

func newReporter(to Circuits, log *zap.Logger) *reporter {
	return &reporter{to: to, log: log, changed: map[string]Circuit{}}
}

// note takes a change; it never waits.
func (r *reporter) note(webhook string, state circuit, lasts time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changed[webhook] = Circuit{Webhook: webhook, State: string(state), For: lasts + reportMargin}
}

// run reports until ctx ends. What cannot be reported is tried again.
func (r *reporter) run(ctx context.Context) {
	tick := time.NewTicker(reportInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			r.flush(ctx)
		}
	}
}

func (r *reporter) flush(ctx context.Context) {
	r.mu.Lock()
	changed := r.changed
	r.changed = map[string]Circuit{}
	r.mu.Unlock()
	if len(changed) == 0 {
		return
	}
	states := make([]Circuit, 0, len(changed))
	for _, c := range changed {
		states = append(states, c)
	}
	ctx, cancel := context.WithTimeout(ctx, reportTimeout)
	defer cancel()
	if err := r.to.Report(ctx, states); err != nil {
		r.log.Debug("circuits are not reported yet", zap.Error(err))
		r.mu.Lock()
		defer r.mu.Unlock()
		for webhook, c := range changed {
			if _, newer := r.changed[webhook]; !newer {
				r.changed[webhook] = c
			}
		}
	}
}
