package api

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/hook"
)

// Cache is the copy of the system of record from which routers and senders
// work. It may lose everything at any moment.
type Cache interface {
	// Publish writes accounts into the copy, unless it has newer versions.
	Publish(ctx context.Context, states []hook.AccountState) error
	// Digest sums the copy up; ok is false if there is no complete one.
	Digest(ctx context.Context) (d hook.StateDigest, ok bool, err error)
	// Refill makes a new copy from everything that the walk yields.
	Refill(ctx context.Context, walk func(yield func([]hook.AccountState) error) error) error
}

// pageSize is how many accounts are read at a time: at 100 webhooks each and
// about 1 KB a webhook this is 10 MB.
const pageSize = 100

// publisher brings every change from the store to the cache. Versions come from
// the store, so several may do it at the same time.
type publisher struct {
	store    hook.Publications
	cache    Cache
	interval time.Duration
	log      *zap.Logger
	stale    prometheus.Gauge
	woken    chan struct{}
	// differed is whether the last comparison found a difference; one alone may
	// be a publication of another member that is under way.
	differed bool

	mu      sync.Mutex
	problem error
}

func newPublisher(store hook.Publications, cache Cache, interval time.Duration, log *zap.Logger) *publisher {
	return &publisher{
		store: store, cache: cache, interval: interval, log: log, woken: make(chan struct{}, 1),
		stale: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "staffetta_api_cache_stale",
			Help: "1 while the cache may lack changes of the store, because one of them does not answer.",
		}),
		problem: errCacheUnknown,
	}
}

// wake makes the publisher look for changes now.
func (p *publisher) wake() {
	select {
	case p.woken <- struct{}{}:
	default: // it will look anyway
	}
}

// state is nil if the last round succeeded.
func (p *publisher) state() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.problem
}

func (p *publisher) run(ctx context.Context) error {
	ticker := time.NewTicker(p.interval)
	defer ticker.Stop()
	for compare := true; ; {
		err := p.round(ctx, compare)
		if ctx.Err() != nil {
			return nil
		}
		p.note(err)
		woken := p.woken
		if err != nil {
			woken = nil // what does not answer is asked again at the next tick
		}
		select {
		case <-ctx.Done():
			return nil
		case <-woken:
			compare = false
		case <-ticker.C:
			compare = true
		}
	}
}

// round publishes what is queued and, if asked to, compares the two sides.
func (p *publisher) round(ctx context.Context, compare bool) error {
	_, complete, err := p.cache.Digest(ctx)
	if err != nil {
		return fmt.Errorf("ask the cache: %w", err)
	}
	if !complete {
		if err := p.refill(ctx, "the cache is empty"); err != nil {
			return err
		}
	}
	if err := p.publish(ctx); err != nil || !compare {
		return err
	}
	stored, settled, err := p.store.Digest(ctx)
	if err != nil {
		return fmt.Errorf("ask the store: %w", err)
	}
	cached, complete, err := p.cache.Digest(ctx)
	if err != nil {
		return fmt.Errorf("ask the cache: %w", err)
	}
	if !settled || complete && cached == stored {
		p.differed = false
		return nil
	}
	if !p.differed {
		p.differed = true
		return nil
	}
	p.differed = false
	return p.refill(ctx, "the cache differs from the store")
}

// publish brings what is queued to the cache.
func (p *publisher) publish(ctx context.Context) error {
	for {
		states, err := p.store.Unpublished(ctx, pageSize)
		if err != nil {
			return fmt.Errorf("read unpublished accounts: %w", err)
		}
		if len(states) == 0 {
			return nil
		}
		if err := p.cache.Publish(ctx, states); err != nil {
			return fmt.Errorf("publish to the cache: %w", err)
		}
		if err := p.store.Published(ctx, states); err != nil {
			return fmt.Errorf("confirm publications: %w", err)
		}
	}
}

// refill makes a whole new copy.
func (p *publisher) refill(ctx context.Context, why string) error {
	start, accounts := time.Now(), 0
	err := p.cache.Refill(ctx, func(yield func([]hook.AccountState) error) error {
		for after := ""; ; {
			states, err := p.store.States(ctx, after, pageSize)
			if err != nil {
				return fmt.Errorf("read accounts: %w", err)
			}
			if len(states) == 0 {
				return nil
			}
			if err := yield(states); err != nil {
				return err
			}
			accounts += len(states)
			after = states[len(states)-1].Account.ID
		}
	})
	if err != nil {
		return fmt.Errorf("refill the cache: %w", err)
	}
	p.log.Info("filled the cache", zap.String("why", why), zap.Int("accounts", accounts), zap.Duration("took", time.Since(start)))
	return nil
}

// note keeps the outcome of a round and logs it where it turned.
func (p *publisher) note(err error) {
	p.mu.Lock()
	before := p.problem
	p.problem = err
	p.mu.Unlock()
	switch {
	case err != nil && (before == nil || errors.Is(before, errCacheUnknown)):
		p.stale.Set(1)
		p.log.Warn("changes do not reach the cache; retrying", zap.Error(err))
	case err == nil && before != nil:
		p.stale.Set(0)
		p.log.Info("changes reach the cache")
	}
}
