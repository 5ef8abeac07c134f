package egress

import (
	"sync"
	"time"
)

const (
	// sweepInterval is how much longer than it should a connection may be idle.
	sweepInterval = 5 * time.Second
	// lookAfter is the idle time from which a connection is looked at before it is
	// used. A look is a system call, a thirtieth of a request: at full speed it is
	// spared, and at 100 requests a second nobody feels it.
	lookAfter = 5 * time.Millisecond
)

// pool holds idle connections: those of an origin in the order in which they
// became idle, and the last goes out first, so that those which a quiet receiver
// does not need grow old. Nothing runs for an idle connection: whoever takes one
// looks whether it is still open.
type pool struct {
	mu    sync.Mutex
	hosts map[origin][]*conn
	idle  int
	// sweeping says that a sweep is to come.
	sweeping bool
}

// take gives an open connection to an origin, with the deadline set, or nil.
func (p *pool) take(to origin, deadline time.Time) *conn {
	for {
		c := p.pop(to)
		if c == nil {
			return nil
		}
		now := time.Now()
		if now.Before(c.until) && c.SetDeadline(deadline) == nil && (now.Sub(c.since) < lookAfter || open(c.tcp)) {
			return c
		}
		_ = c.Close()
	}
}

func (p *pool) pop(to origin) *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	stack := p.hosts[to]
	if len(stack) == 0 {
		return nil
	}
	c := stack[len(stack)-1]
	p.shrink(to, stack, len(stack)-1, len(stack))
	return c
}

// put takes a connection in for some time.
func (p *pool) put(c *conn, idle time.Duration) {
	c.since = time.Now()
	c.until = c.since.Add(idle)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.idle >= maxIdle {
		p.evict()
	}
	p.hosts[c.to] = append(p.hosts[c.to], c)
	p.idle++
	if !p.sweeping {
		p.sweeping = true
		time.AfterFunc(sweepInterval, p.sweep)
	}
}

// evict closes the oldest connection of some origin: to know the oldest of all
// would cost every request, and this happens to nobody but who has thousands of
// receivers.
func (p *pool) evict() {
	for to, stack := range p.hosts {
		if len(stack) > 0 {
			_ = stack[0].Close()
			p.shrink(to, stack, 0, 1)
			return
		}
	}
}

// sweep closes what has been idle for too long.
func (p *pool) sweep() {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	for to, stack := range p.hosts {
		old := 0
		for old < len(stack) && !now.Before(stack[old].until) {
			_ = stack[old].Close()
			old++
		}
		p.shrink(to, stack, 0, old)
		if old == len(stack) {
			delete(p.hosts, to)
		}
	}
	if p.sweeping = len(p.hosts) > 0; p.sweeping {
		time.AfterFunc(sweepInterval, p.sweep)
	}
}

// shrink takes stack[from:to] out of an origin's connections. An origin without
// any stays until the next sweep: it will be back at once.
func (p *pool) shrink(of origin, stack []*conn, from, to int) {
	p.idle -= to - from
	rest := append(stack[:from], stack[to:]...)
	clear(stack[len(rest):])
	p.hosts[of] = rest
}

func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, stack := range p.hosts {
		for _, c := range stack {
			_ = c.Close()
		}
	}
	clear(p.hosts)
	p.idle = 0
}
