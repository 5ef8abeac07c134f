package egress

import (
	"context"
	"crypto/x509"
	"net"
	"net/netip"
	"time"
)

// Trust lets tests verify receivers of their own.
func (c *Client) Trust(roots *x509.CertPool) { c.tls.RootCAs = roots }

// Idle is the number of idle connections.
func (c *Client) Idle() int {
	c.pool.mu.Lock()
	defer c.pool.mu.Unlock()
	return c.pool.idle
}

// Age makes idle connections older, and closes those that are too old.
func (c *Client) Age(by time.Duration) {
	c.pool.mu.Lock()
	for _, stack := range c.pool.hosts {
		for _, k := range stack {
			k.until = k.until.Add(-by)
		}
	}
	c.pool.mu.Unlock()
	c.pool.sweep()
}

// MaxIdle is the bound of all idle connections.
const MaxIdle = maxIdle

// LookAtIdle is the number of idle connections that are open still.
func (c *Client) LookAtIdle() (usable int) {
	c.pool.mu.Lock()
	defer c.pool.mu.Unlock()
	for _, stack := range c.pool.hosts {
		for _, k := range stack {
			if k.look.open() {
				usable++
			}
		}
	}
	return usable
}

// PutIdle gives the pool a connection.
func (c *Client) PutIdle(address string, raw net.Conn) {
	c.pool.put(&conn{Conn: raw, to: origin{address: address}}, time.Minute)
}

// Address and Head are what a destination is on the wire.
func (d *Destination) Address() string { return d.address }
func (d *Destination) Head() string    { return d.head }

// NarrowIdle lets the sockets of idle connections take little at once.
func (c *Client) NarrowIdle() {
	c.pool.mu.Lock()
	defer c.pool.mu.Unlock()
	for _, stack := range c.pool.hosts {
		for _, k := range stack {
			_ = k.raw.(*net.TCPConn).SetWriteBuffer(1) //nolint:errcheck // it is one
		}
	}
}

// Failure is an error as the client makes it.
func Failure(at Stage, err error) *Error { return failure(at, err) }

// ResolveBy lets names be asked of a name server of the test's.
func (c *Client) ResolveBy(server string) {
	c.resolver.PreferGo = true
	c.resolver.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", server)
	}
}

// Check decides about an address, as Policy does when one is dialled.
func (p Policy) Check(to netip.AddrPort, plain bool) error { return p.check(to, plain) }
