package recorder

import (
	"context"
	"time"

	"go.uber.org/zap"
)

const (
	// minPause and maxPause bound the wait between two tries; it doubles.
	minPause = 100 * time.Millisecond
	maxPause = 5 * time.Second
)

// persist tries until it succeeds, or gives false once ctx has ended. SQL may
// be away for as long as it likes: Kafka keeps what is to be recorded.
func (s *Service) persist(ctx context.Context, what string, try func() error) bool {
	for pause := minPause; ctx.Err() == nil; pause = min(2*pause, maxPause) {
		err := try()
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		s.metrics.failures.Inc()
		s.Log.Warn(what+" failed, trying again", zap.Duration("in", pause), zap.Error(err))
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	return false
}
