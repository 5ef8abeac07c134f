package recorder

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/bus"
)

const (
	// eraseInterval is how often it is seen whether an account was deleted.
	eraseInterval = 10 * time.Second
	// eraseWatch is how long after its deletion an account is looked at again: longer
	// than anything of it can be read from attempts, of which Kafka keeps a segment
	// until the newest record in it is too old.
	eraseWatch = 2 * bus.PayloadRetention
)

// erase erases what deleted accounts had, until ctx ends. After each piece it leaves the
// database to others for as long as that took.
func (s *Service) erase(ctx context.Context) {
	ticker := time.NewTicker(eraseInterval)
	defer ticker.Stop()
	for {
		for more := true; more && ctx.Err() == nil; {
			begun := time.Now()
			var err error
			if more, err = s.Store.Erase(ctx, eraseWatch); err != nil && ctx.Err() == nil {
				s.metrics.failures.Inc()
				s.Log.Warn("what a deleted account had was not erased, trying again", zap.Duration("in", eraseInterval), zap.Error(err))
			}
			if more {
				rest(ctx, time.Since(begun))
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// rest waits for so long, or until ctx ends.
func rest(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
