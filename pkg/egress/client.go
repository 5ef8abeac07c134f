package egress

import (
	"context"
	"net"
	"net/http"
	"time"
)

const (
	// connectTimeout bounds the connection to a receiver (DESIGN.md: 2 s).
	connectTimeout = 2 * time.Second
	// idleTimeout is shorter than the 60 s after which most receivers close, so
	// that a request rarely meets a connection that is being closed.
	idleTimeout = 30 * time.Second
	// maxIdle keeps the connections of receivers that are busy. Many webhooks may
	// lead to one host, so there is no lower bound per host; a sender holds at
	// most 10,000 tasks, at about 8 KiB a connection 80 MiB.
	maxIdle = 10_000
	// maxHeaderBytes bounds what a hostile receiver makes us read.
	maxHeaderBytes = 64 << 10
)

// NewClient makes the client that posts deliveries under the policy. It follows
// no redirect, keeps no cookies and uses no proxy of the environment. A request
// is bounded by its context.
func NewClient(p Policy) *http.Client {
	return &http.Client{
		Transport: byScheme{plain: transport(p, true), secure: transport(p, false)},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
}

// byScheme keeps http and https apart, since a dialler cannot see which of them
// an address is dialled for.
type byScheme struct{ plain, secure *http.Transport }

func (s byScheme) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme == "https" {
		return s.secure.RoundTrip(r)
	}
	return s.plain.RoundTrip(r)
}

// CloseIdleConnections lets http.Client.CloseIdleConnections reach both.
func (s byScheme) CloseIdleConnections() {
	s.plain.CloseIdleConnections()
	s.secure.CloseIdleConnections()
}

func transport(p Policy, plain bool) *http.Transport {
	dialer := &net.Dialer{Timeout: connectTimeout, KeepAlive: 15 * time.Second, Control: p.control(plain)}
	return &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, address)
		},
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           maxIdle,
		MaxIdleConnsPerHost:    maxIdle,
		IdleConnTimeout:        idleTimeout,
		TLSHandshakeTimeout:    connectTimeout * 2,
		MaxResponseHeaderBytes: maxHeaderBytes,
		DisableCompression:     true,
	}
}
