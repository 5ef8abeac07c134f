package egress

import (
	"sync"
	"time"
)

// sweepInterval is how much longer than it should a connection may be idle.
const sweepInterval = 5 * time.Second

// pool holds idle connections: those of an origin in the order in which they
// became idle, and the last goes out first, so that those which a quiet receiver
// does not need grow old. Nothing runs for an idle connection: whoever uses one
// looks at it. A look is a system call, a thirtieth of a request, and spares none:
// what came since the last answer would be taken for the next one, and so would
// every answer be for the request before its own.
//
// Closing may wait for a receiver, so it is done without the lock.
type pool struct {
	mu    sync.Mutex
	hosts map[origin][]*conn
	idle  int
	// sweeping says that a sweep is to come.
	sweeping bool
	// closed says that nothing is taken in any more.
	closed bool
}

// take gives an idle connection to an origin, with the deadline set, or nil. It is
// open, or will be looked at when it is written to.
func (p *pool) take(to origin, deadline time.Time) *conn {
	for {
		c := p.pop(to)
		if c == nil {
			return nil
		}
		if time.Now().Before(c.until) && (c.looks() || c.look.open()) && c.SetDeadline(deadline) == nil {
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

// put takes a connection in for some time, or closes it.
func (p *pool) put(c *conn, idle time.Duration) {
	c.until = time.Now().Add(idle)
	if surplus := p.push(c); surplus != nil {
		_ = surplus.Close()
	}
}

// push gives the connection for which there is no room.
func (p *pool) push(c *conn) (surplus *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return c
	}
	if p.idle >= maxIdle {
		surplus = p.evict()
	}
	p.hosts[c.to] = append(p.hosts[c.to], c)
	p.idle++
	if !p.sweeping {
		p.sweeping = true
		time.AfterFunc(sweepInterval, p.sweep)
	}
	return surplus
}

// evict gives up the oldest connection of some origin: to know the oldest of all
// would cost every request, and this happens to nobody but who has thousands of
// receivers.
func (p *pool) evict() *conn {
	for to, stack := range p.hosts {
		if len(stack) > 0 {
			oldest := stack[0]
			p.shrink(to, stack, 0, 1)
			return oldest
		}
	}
	return nil
}

// sweep closes what has been idle for too long.
func (p *pool) sweep() { closeAll(p.expire(time.Now())) }

func (p *pool) expire(now time.Time) (expired []*conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for to, stack := range p.hosts {
		old := 0
		for old < len(stack) && !now.Before(stack[old].until) {
			old++
		}
		expired = append(expired, stack[:old]...)
		p.shrink(to, stack, 0, old)
		if old == len(stack) {
			delete(p.hosts, to)
		}
	}
	if p.sweeping = len(p.hosts) > 0; p.sweeping {
		time.AfterFunc(sweepInterval, p.sweep)
	}
	return expired
}

// shrink takes stack[from:to] out of an origin's connections. An origin without
// any stays until the next sweep: it will be back at once.
func (p *pool) shrink(of origin, stack []*conn, from, to int) {
	p.idle -= to - from
	rest := append(stack[:from], stack[to:]...)
	clear(stack[len(rest):])
	p.hosts[of] = rest
}

func (p *pool) close() { closeAll(p.drain()) }

// drain gives up everything, for good.
func (p *pool) drain() (all []*conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, stack := range p.hosts {
		all = append(all, stack...)
	}
	clear(p.hosts)
	p.idle = 0
	p.closed = true
	return all
}

func closeAll(conns []*conn) {
	for _, c := range conns {
		_ = c.Close()
	}
}
