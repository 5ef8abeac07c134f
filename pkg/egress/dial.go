package egress

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"syscall"
	"time"
)

// dial connects to a destination, with the deadline set. The error is an *Error.
func (c *Client) dial(to *Destination, deadline time.Time) (*conn, error) {
	dialer := c.secure
	if to.plain {
		dialer = c.plain
	}
	dialer.Deadline = deadline
	begun := time.Now()
	raw, err := dialer.DialContext(context.Background(), "tcp", to.address)
	if err != nil {
		return nil, failure(StageConnect, c.resolving.blame(err, begun))
	}
	k := &conn{Conn: raw, raw: raw, to: to.origin}
	err = errors.ErrUnsupported
	if tcp, ok := raw.(*net.TCPConn); ok {
		var socket syscall.RawConn
		socket, err = tcp.SyscallConn()
		k.look = newLook(socket)
	}
	if err == nil && !to.plain {
		k.records = newRecords(raw)
		k.Conn, err = c.handshake(k.records, to, deadline)
	}
	if err == nil {
		err = k.SetDeadline(deadline)
	}
	if err != nil {
		_ = raw.Close()
		return nil, failure(StageTLS, err)
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
