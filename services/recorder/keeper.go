package recorder

import (
	"context"
	"time"

	"go.uber.org/zap"
)

// keepInterval is how often it is seen whether something in the log, or of the usage,
// is too old: a small part of a day, by which PostgreSQL's log goes.
const keepInterval = 10 * time.Minute

// keepLog looks after the log, the usage and the entries of quarantine until ctx ends. What fails is tried again in
// the next round: somebody may be reading what is to be dropped.
func (s *Service) keepLog(ctx context.Context) {
	ticker := time.NewTicker(keepInterval)
	defer ticker.Stop()
	for {
		for more := true; more && ctx.Err() == nil; {
			var err error
			if more, err = s.Store.KeepLog(ctx, s.Retention); err != nil {
				more = false
				if ctx.Err() == nil {
					s.metrics.failures.Inc()
					s.Log.Warn("looking after the log failed, trying again", zap.Duration("in", keepInterval), zap.Error(err))
				}
			}
		}
		if err := s.Store.ExpireUsage(ctx, s.Now()); err != nil && ctx.Err() == nil {
			s.metrics.failures.Inc()
			s.Log.Warn("old usage was not deleted, trying again", zap.Duration("in", keepInterval), zap.Error(err))
		}
		if err := s.Store.SettleUsage(ctx); err != nil && ctx.Err() == nil {
			s.metrics.failures.Inc()
			s.Log.Warn("usage was not added up, trying again", zap.Duration("in", keepInterval), zap.Error(err))
		}
		if err := s.Store.ExpireQuarantine(ctx, s.Now().Add(-s.Quarantine)); err != nil && ctx.Err() == nil {
			s.metrics.failures.Inc()
			s.Log.Warn("old entries of quarantine were not deleted, trying again", zap.Duration("in", keepInterval), zap.Error(err))
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
