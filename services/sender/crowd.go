package sender

import (
	"context"
	"sync"
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
	// crowdPatience bounds one wait, to twice what it takes a lane that is just fast
	// enough; if it was in vain nobody waits again for crowdPause.
	crowdPatience = 32 * time.Millisecond
	crowdPause    = time.Second
	// maxPatience is how long a partition's reader waits at a stretch, all waits
	// together, and a patienceShare-th of the time it gains anew. So a flood that
	// passes is waited for; a lane that gets more than it can take for longer keeps
	// what is behind it back by so much, once, and is parked for as any other is.
	maxPatience   = 5 * time.Second
	patienceShare = 10
)

// patience is what a reader has left of it. It is safe for concurrent use.
type patience struct {
	mu    sync.Mutex
	spent time.Duration
	at    time.Time // when spent was right
}

// left reports whether there is any.
func (p *patience) left(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.spent = max(0, p.spent-now.Sub(p.at)/patienceShare)
	p.at = now
	return p.spent < maxPatience
}

// spend takes off what was waited.
func (p *patience) spend(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.spent += d
}

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
