package recorder

import (
	"context"
	"time"

	"go.uber.org/zap"
)

// expiryInterval is how often old usage is deleted, so that it is little each time.
const expiryInterval = 10 * time.Minute

// expireUsage deletes old usage until ctx ends, if this member has the partition
// whose owner does it for all.
func (s *Service) expireUsage(ctx context.Context, tails map[int]*tail) {
	if tails[finisher] == nil {
		return
	}
	ticker := time.NewTicker(expiryInterval)
	defer ticker.Stop()
	for {
		if err := s.Store.ExpireUsage(ctx, s.Now()); err != nil && ctx.Err() == nil {
			s.Log.Warn("old usage was not deleted, trying again later", zap.Error(err))
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
