package router

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/hook"
)

// FilterFailure says that a webhook's filter had no answer for some items of an
// event, which it therefore does not get.
type FilterFailure struct {
	Webhook string
	// Items is their number, and Err what was wrong with the first.
	Items int
	Err   error
}

// FilterErrors shows the failures of filters to people. Nothing depends on it.
type FilterErrors interface {
	Report(ctx context.Context, reported []hook.FilterError) error
}

const (
	// showInterval is how late people see a failure at most.
	showInterval = time.Second
	// showTimeout bounds one report.
	showTimeout = time.Second
	// maxFailing bounds the webhooks whose failures wait for a report, while Redis is
	// away: at 500 bytes each these are 5 MB. Those of more are counted, not shown.
	maxFailing = 10_000
)

// failures collects what goes wrong with filters between two reports.
type failures struct {
	to    FilterErrors
	count prometheus.Counter
	log   *zap.Logger

	mu   sync.Mutex
	last map[string]hook.FilterError
}

func newFailures(to FilterErrors, count prometheus.Counter, log *zap.Logger) *failures {
	return &failures{to: to, count: count, log: log, last: map[string]hook.FilterError{}}
}

// note takes the failures at one event; it never waits.
func (f *failures) note(event string, failed []FilterFailure) {
	if len(failed) == 0 {
		return
	}
	for _, one := range failed {
		f.count.Add(float64(one.Items))
	}
	if f.to == nil {
		return
	}
	now, event := time.Now(), strings.Clone(event)
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, one := range failed {
		f.add(hook.FilterError{Webhook: one.Webhook, Count: int64(one.Items), At: now, Event: event, Message: one.Err.Error()})
	}
}

// add puts a failure on top of the others of its webhook.
func (f *failures) add(e hook.FilterError) {
	before, known := f.last[e.Webhook]
	if !known && len(f.last) >= maxFailing {
		return
	}
	if before.At.After(e.At) {
		e, before = before, e
	}
	e.Count += before.Count
	f.last[e.Webhook] = e
}

// run reports until ctx ends, and then what is left.
func (f *failures) run(ctx context.Context) {
	tick := time.NewTicker(showInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			f.flush(context.WithoutCancel(ctx))
			return
		case <-tick.C:
			f.flush(ctx)
		}
	}
}

// flush reports what there is. What cannot be reported waits for the next time.
func (f *failures) flush(ctx context.Context) {
	f.mu.Lock()
	last := f.last
	f.last = map[string]hook.FilterError{}
	f.mu.Unlock()
	if len(last) == 0 {
		return
	}
	report := make([]hook.FilterError, 0, len(last))
	for _, e := range last {
		report = append(report, e)
	}
	ctx, cancel := context.WithTimeout(ctx, showTimeout)
	defer cancel()
	if err := f.to.Report(ctx, report); err != nil {
		f.log.Debug("failures of filters are not shown yet", zap.Error(err))
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, e := range report {
			f.add(e)
		}
	}
}
