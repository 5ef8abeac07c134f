package recorder

import (
	"context"
	"time"

	"go.uber.org/zap"
)

// eraseInterval is how often it is seen whether an account was deleted.
const eraseInterval = 10 * time.Second

// erase erases what deleted accounts had, until ctx ends. After each piece it leaves the
// database to others for as long as that took.
func (s *Service) erase(ctx context.Context) {
	// Longer than anything of an account can be read from attempts, of which Kafka keeps
	// a segment until the newest record in it is too old.
	watch := 2 * s.Payloads
	ticker := time.NewTicker(eraseInterval)
	defer ticker.Stop()
	for {
		for more := true; more && ctx.Err() == nil; {
			begun := time.Now()
			var err error
			if more, err = s.Store.Erase(ctx, watch); err != nil && ctx.Err() == nil {
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
