package apiauth

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/hook"
)

const (
	// noteInterval is how late it is written that a key was used.
	noteInterval = time.Second
	// noteTimeout bounds the last write.
	noteTimeout = 2 * time.Second
)

// Uses notes when keys were used, those of each second together, and each key once in
// hook.KeyUseGrain: no request waits for a write. What a process that dies has not
// written is lost; nothing but what people are shown depends on it. A nil Uses notes
// nothing. It is safe for concurrent use.
type Uses struct {
	store KeysUsed
	log   *zap.Logger

	mu    sync.Mutex
	fresh map[string]time.Time
}

// KeysUsed is where uses are written: see hook.Keys.
type KeysUsed interface {
	KeysUsed(ctx context.Context, uses map[string]time.Time) error
}

// NewUses makes a Uses; Run writes.
func NewUses(store KeysUsed, log *zap.Logger) *Uses {
	return &Uses{store: store, log: log, fresh: make(map[string]time.Time)}
}

// note takes in that a key was used, unless that is known well enough.
func (u *Uses) note(k *hook.Key, now time.Time) {
	if u == nil || now.Sub(k.LastUsedAt) < hook.KeyUseGrain {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.fresh[k.ID] = now
}

// Run writes until ctx ends, then the rest.
func (u *Uses) Run(ctx context.Context) {
	ticker := time.NewTicker(noteInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTimeout)
			defer cancel()
			u.write(last)
			return
		case <-ticker.C:
			u.write(ctx)
		}
	}
}

// write writes what is new. What fails is noted again when the key is used again.
func (u *Uses) write(ctx context.Context) {
	u.mu.Lock()
	uses := u.fresh
	u.fresh = make(map[string]time.Time)
	u.mu.Unlock()
	if len(uses) == 0 {
		return
	}
	if err := u.store.KeysUsed(ctx, uses); err != nil && ctx.Err() == nil {
		u.log.Warn("that keys were used is not noted", zap.Int("keys", len(uses)), zap.Error(err))
	}
}
