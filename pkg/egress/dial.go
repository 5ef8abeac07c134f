package egress

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"
)

// dial connects to a destination, with the deadline set. The error is an *Error.
func (c *Client) dial(to *Destination, deadline time.Time) (*conn, error) {
	dialer := c.secure
	if to.plain {
		dialer = c.plain
	}
	dialer.Deadline = deadline
	raw, err := dialer.DialContext(context.Background(), "tcp", to.address)
	if err != nil {
		return nil, &Error{Stage: StageConnect, Err: err}
	}
	k := &conn{Conn: raw, to: to.origin}
	if tcp, ok := raw.(*net.TCPConn); ok {
		k.tcp, err = tcp.SyscallConn()
	} else {
		err = errors.ErrUnsupported
	}
	if err == nil && !to.plain {
		k.Conn, err = c.handshake(raw, to, deadline)
	}
	if err == nil {
		err = k.SetDeadline(deadline)
	}
	if err != nil {
		_ = raw.Close()
		return nil, &Error{Stage: StageTLS, Err: err}
	}
	return k, nil
}

// handshake verifies that the receiver is who the URL names.
func (c *Client) handshake(raw net.Conn, to *Destination, deadline time.Time) (net.Conn, error) {
	if patience := time.Now().Add(handshakeTimeout); patience.Before(deadline) {
		deadline = patience
	}
	if err := raw.SetDeadline(deadline); err != nil {
		return nil, err
	}
	config := c.tls.Clone()
	config.ServerName = to.serverName
	secured := tls.Client(raw, config)
	// The deadline of the connection ends it; a context would take a goroutine.
	return secured, secured.HandshakeContext(context.Background())
}
