//go:build unix

package egress

import "syscall"

// BreakIdle makes idle connections fail before they take anything, though a look
// at them tells nothing.
func (c *Client) BreakIdle() {
	c.pool.mu.Lock()
	defer c.pool.mu.Unlock()
	for _, stack := range c.pool.hosts {
		for _, k := range stack {
			k.look.tcp = broken{k.look.tcp}
		}
	}
}

// broken is a socket that is shut for writing between a look and what follows.
type broken struct{ syscall.RawConn }

func (b broken) Read(f func(uintptr) bool) error {
	_ = b.Control(func(fd uintptr) { _ = syscall.Shutdown(int(fd), syscall.SHUT_WR) })
	return b.RawConn.Read(f)
}
