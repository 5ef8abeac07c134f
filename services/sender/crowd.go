package sender

import (
	"context"
	"time"
)

const (
	// fastDrain is how many tasks a second a lane starts that makes room faster
	// than a task is parked: to write it to a tier, to read it again and to take it
	// in a second time costs a quarter of a millisecond on a busy machine, and it is
	// full because the machine is. So who reads its tasks waits for room, and what
	// is behind them waits about as long as it would while each was parked.
	fastDrain = 4000.0
	// crowdStep is how much room is waited for at a time: 16 ms at most, if the lane
	// is as fast as it was.
	crowdStep = 64
	// crowdPatience bounds one wait; if it was in vain nobody waits again for
	// crowdPause.
	crowdPatience = 50 * time.Millisecond
	crowdPause    = time.Second
)

// crowd is whoever waits for room in a lane. It belongs to the lane.
type crowd struct {
	// room is closed when no more than so many are queued; nil if nobody waits.
	room   chan struct{}
	queued int
	// vain is when somebody waited in vain.
	vain time.Time
}

// worth reports whether it is worth while to wait for room in a lane that drains
// at such a rate.
func (c *crowd) worth(rate float64, now time.Time) bool {
	return rate >= fastDrain && now.Sub(c.vain) >= crowdPause
}

// shrinks lets those in who wait, if so few tasks are queued now.
func (c *crowd) shrinks(queued int) {
	if c.room != nil && queued <= c.queued {
		close(c.room)
		c.room = nil
	}
}

// makeRoom waits until some of what is queued was started, for a while at most.
func (l *lane) makeRoom(ctx context.Context) {
	l.mu.Lock()
	if l.queued() <= crowdStep { // it has emptied, or was closed, meanwhile
		l.mu.Unlock()
		return
	}
	if l.crowd.room == nil {
		l.crowd.room, l.crowd.queued = make(chan struct{}), l.queued()-crowdStep
	}
	room := l.crowd.room
	l.mu.Unlock()
	patience := time.NewTimer(crowdPatience)
	defer patience.Stop()
	select {
	case <-room:
	case now := <-patience.C:
		l.mu.Lock()
		l.crowd.vain = now
		l.mu.Unlock()
	case <-ctx.Done():
	}
}
