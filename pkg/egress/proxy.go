package egress

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"time"

	"github.com/staffetta/staffetta/pkg/hook"
)

// ErrProxyRefused says that the egress proxy did not make a connection, and would not
// for another receiver's sake: it refused us, or the address.
var ErrProxyRefused = errors.New("the egress proxy refused")

const (
	// tunnelTimeout bounds the wait for what a proxy says to CONNECT, which takes it as
	// long as its own way to the receiver.
	tunnelTimeout = 4 * time.Second
	// maxTried is how many addresses of a name a proxy is asked for.
	maxTried = 3
)

// proxy makes connections for us (RFC 9110, 9.3.6). It is asked for addresses, never
// for names: what a name resolves to is checked here, and would be resolved again
// there, to something else perhaps. Its own address is not checked, as an operator
// gave it.
type proxy struct {
	address, serverName string
	secure              bool
	// authorization is a line of the header, or empty.
	authorization string
	dialer        net.Dialer
}

func newProxy(u *url.URL, resolver *net.Resolver) *proxy {
	if u == nil {
		return nil
	}
	p := &proxy{
		serverName: u.Hostname(), secure: u.Scheme == "https",
		dialer: net.Dialer{Timeout: connectTimeout, KeepAlive: 15 * time.Second, Resolver: resolver},
	}
	port := u.Port()
	if port == "" {
		port = map[bool]string{true: "443", false: "80"}[p.secure]
	}
	p.address = net.JoinHostPort(p.serverName, port)
	if u.User != nil {
		password, _ := u.User.Password()
		p.authorization = "Proxy-Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(u.User.Username()+":"+password)) + "\r\n"
	}
	return p
}

// through asks the proxy for a connection to a destination. The error is an *Error.
func (c *Client) through(p *proxy, to *Destination, deadline time.Time, took *hook.Timing) (*conn, error) {
	begun := time.Now()
	addresses, err := c.resolve(to, deadline)
	resolved := time.Since(begun)
	defer func() { share(took, time.Since(begun), resolved, to.named) }()
	if err != nil {
		return nil, err
	}
	var k *conn
	for _, address := range addresses[:min(len(addresses), maxTried)] {
		if k, err = c.ask(p, address, deadline); err == nil {
			k.to = to.origin
			return k, nil
		}
		var fault *Error
		if errors.As(err, &fault) && fault.Stage == StageProxy {
			return nil, err // another address will not help
		}
	}
	return nil, err
}

// resolve gives the addresses of a destination that may be reached.
func (c *Client) resolve(to *Destination, deadline time.Time) ([]netip.AddrPort, error) {
	if soon := time.Now().Add(connectTimeout); soon.Before(deadline) {
		deadline = soon
	}
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	begun := time.Now()
	host, _, err := net.SplitHostPort(to.address)
	if err != nil {
		return nil, failure(StageConnect, err)
	}
	found, err := c.resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, failure(StageConnect, c.resolving.blame(err, begun))
	}
	var allowed []netip.AddrPort
	var forbidden error
	for _, addr := range found {
		address := netip.AddrPortFrom(addr.Unmap(), to.port)
		if err := c.policy.check(address, to.plain); err != nil {
			forbidden = err
			continue
		}
		allowed = append(allowed, address)
	}
	if len(allowed) == 0 {
		return nil, failure(StageConnect, forbidden)
	}
	return allowed, nil
}

// ask connects to the proxy and has it connect to an address.
func (c *Client) ask(p *proxy, to netip.AddrPort, deadline time.Time) (*conn, error) {
	dialer := p.dialer
	dialer.Deadline = deadline
	begun := time.Now()
	raw, err := dialer.DialContext(context.Background(), "tcp", p.address)
	if err != nil {
		return nil, failure(StageProxy, c.resolving.blame(err, begun))
	}
	k, err := newConn(raw)
	if err == nil && p.secure {
		k.records = newRecords(raw)
		var secured *tls.Conn
		secured, err = c.secured(k.records, p.serverName, nil, deadline)
		k.Conn, k.tunnel = secured, secured
	}
	if err != nil {
		_ = raw.Close()
		return nil, failure(StageProxy, err)
	}
	if err := k.connect(p, to, deadline); err != nil {
		_ = k.Close()
		return nil, err
	}
	return k, nil
}

// connect has the proxy at the other end connect to an address. The error is an *Error.
func (c *conn) connect(p *proxy, to netip.AddrPort, deadline time.Time) error {
	if soon := time.Now().Add(tunnelTimeout); soon.Before(deadline) {
		deadline = soon
	}
	if err := c.SetDeadline(deadline); err != nil {
		return failure(StageProxy, err)
	}
	if _, err := io.WriteString(c.Conn, "CONNECT "+to.String()+" HTTP/1.1\r\nHost: "+to.String()+"\r\n"+p.authorization+"\r\n"); err != nil {
		return failure(StageProxy, err)
	}
	in := bufio.NewReader(io.LimitReader(c.Conn, maxHeaderBytes))
	for range maxInformational + 1 {
		answer, err := http.ReadResponse(in, connecting) //nolint:bodyclose // there is none, or the connection is closed
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return failure(StageConnect, err) // it is on its way to the receiver
		case err != nil:
			return failure(StageProxy, err)
		case answer.StatusCode < http.StatusOK:
		case answer.StatusCode < http.StatusMultipleChoices && in.Buffered() > 0:
			return failure(StageProxy, fmt.Errorf("%w: it spoke for the receiver", ErrMalformed))
		case answer.StatusCode < http.StatusMultipleChoices:
			return nil
		case answer.StatusCode == http.StatusBadGateway, answer.StatusCode == http.StatusServiceUnavailable, answer.StatusCode == http.StatusGatewayTimeout:
			return failure(StageConnect, fmt.Errorf("the egress proxy did not reach it: status %d", answer.StatusCode))
		default:
			return failure(StageProxy, fmt.Errorf("%w: status %d", ErrProxyRefused, answer.StatusCode))
		}
	}
	return failure(StageProxy, ErrMalformed)
}

// connecting is what http.ReadResponse wants to know.
var connecting = &http.Request{Method: http.MethodConnect}
