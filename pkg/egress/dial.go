package egress

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/staffetta/staffetta/pkg/hook"
)

// dial connects to a destination, with the deadline set. The error is an *Error, and
// says nothing of what it took.
func (c *Client) dial(to *Destination, deadline time.Time) (k *conn, took hook.Timing, err error) {
	if c.proxy != nil {
		k, err = c.through(c.proxy, to, deadline, &took)
	} else {
		k, err = c.direct(to, deadline, &took)
	}
	if err != nil {
		return nil, took, err
	}
	if !to.plain {
		begun := time.Now()
		if k.tunnel != nil {
			k.outer = k.records
		}
		below := k.Conn
		k.records = newRecords(below)
		k.Conn, err = c.secured(k.records, to.serverName, to.certificate, deadline)
		took.TLS = time.Since(begun)
	}
	if err == nil {
		err = k.SetDeadline(deadline)
	}
	if err != nil {
		_ = k.raw.Close()
		return nil, took, failure(StageTLS, err)
	}
	return k, took, nil
}

// direct connects without a proxy. The error is an *Error.
func (c *Client) direct(to *Destination, deadline time.Time, took *hook.Timing) (*conn, error) {
	dialer := c.secure
	if to.plain {
		dialer = c.plain
	}
	dialer.Deadline = deadline
	begun := time.Now()
	// The name is resolved when the first of its addresses is about to be tried, of
	// which there may be two at a time.
	var resolved atomic.Int64
	control := dialer.Control
	dialer.Control = func(network, address string, c syscall.RawConn) error {
		resolved.CompareAndSwap(0, int64(time.Since(begun)))
		return control(network, address, c)
	}
	raw, err := dialer.DialContext(context.Background(), "tcp", to.address)
	share(took, time.Since(begun), time.Duration(resolved.Load()), to.named)
	if err != nil {
		return nil, failure(StageConnect, c.resolving.blame(err, begun))
	}
	k, err := newConn(raw)
	if err != nil {
		_ = raw.Close()
		return nil, failure(StageConnect, err)
	}
	k.to = to.origin
	return k, nil
}

// share says what of a time was a name's resolution, of which 0 is known if it did not
// end, and what the way to a connection. Addresses need none.
func share(took *hook.Timing, all, resolved time.Duration, named bool) {
	switch {
	case !named:
		took.Connect = all
	case resolved == 0:
		took.DNS = all
	default:
		took.DNS, took.Connect = resolved, all-resolved
	}
}

func newConn(raw net.Conn) (*conn, error) {
	tcp, ok := raw.(*net.TCPConn)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	var socket syscall.RawConn
	socket, err := tcp.SyscallConn()
	return &conn{Conn: raw, raw: raw, look: newLook(socket)}, err
}

// secured verifies that the other end is who serverName says, and presents the
// client's certificate, unless it is nil, to who asks for one.
func (c *Client) secured(raw net.Conn, serverName string, certificate *tls.Certificate, deadline time.Time) (*tls.Conn, error) {
	if patience := time.Now().Add(handshakeTimeout); patience.Before(deadline) {
		deadline = patience
	}
	if err := raw.SetDeadline(deadline); err != nil {
		return nil, err
	}
	config := c.tls.Clone()
	config.ServerName = serverName
	if certificate != nil {
		// Whatever authorities the server names: it says more clearly what it lacks.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return certificate, nil }
		config.ClientSessionCache = nil // a session would be resumed as who began it
	}
	secured := tls.Client(raw, config)
	// The deadline of the connection ends it; a context would take a goroutine.
	return secured, secured.HandshakeContext(context.Background())
}
