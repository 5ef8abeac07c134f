package sender

import (
	"context"
	"sync/atomic"
	"time"
)

const (
	// sightTimeout is how long a task waits for a newer snapshot; the mirror polls
	// every second.
	sightTimeout = 2 * time.Second
	// blindness is how long nobody waits for one any more after that.
	blindness = 2 * time.Second
)

// sight waits for newer snapshots, but not task after task while there is none
// to be had: those who wait hold room that others could use.
type sight struct {
	blindUntil atomic.Int64 // Unix nanoseconds
}

// sync reports whether the snapshot is newer than the call now.
func (s *sight) sync(ctx context.Context, snapshot Snapshot) bool {
	if time.Now().UnixNano() < s.blindUntil.Load() {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, sightTimeout)
	defer cancel()
	if err := snapshot.Sync(ctx); err != nil {
		s.blindUntil.Store(time.Now().Add(blindness).UnixNano())
		return false
	}
	return true
}
