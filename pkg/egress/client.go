package egress

import (
	"bufio"
	"crypto/tls"
	"net"
	"sync"
	"time"

	"github.com/staffetta/staffetta/pkg/hook"
)

const (
	// connectTimeout bounds the way to a connection, the name's resolution too
	// (DESIGN.md: 2 s).
	connectTimeout = 2 * time.Second
	// handshakeTimeout bounds the TLS handshake, which may take a receiver's
	// processor longer than the network.
	handshakeTimeout = 4 * time.Second
	// idleTimeout is shorter than the 60 s after which most receivers close, so
	// that a request rarely meets a connection that is being closed.
	idleTimeout = 30 * time.Second
	// maxIdle keeps the connections of receivers that are busy. An idle one holds
	// a descriptor and about 1 KiB, by TLS 10 KiB: at most 100 MB.
	maxIdle = 10_000
	// maxSessions of TLS are remembered, at about 10 KiB with the certificates
	// 20 MB: a receiver's next connection skips half of the handshake.
	maxSessions = 2_000
	// maxHeaderBytes bounds what a hostile receiver makes us read before the body.
	maxHeaderBytes = 64 << 10
	// maxInformational answers (1xx) may come before the one that counts, as in
	// net/http.
	maxInformational = 5
	// maxKept is how much of an answer's body is kept.
	maxKept = 4 << 10
	// maxDrained is how much more of it is read so that the connection can be used
	// again; beyond that a new one is cheaper.
	maxDrained = 64 << 10
)

// Request is one POST.
type Request struct {
	To *Destination
	// Header lines, as they go on the wire and in that order; Host and
	// Content-Length come before them by themselves.
	Header []hook.Header
	// Body is not kept.
	Body []byte
	// Deadline bounds all of it: name, connection, handshake, request, answer.
	// It is required.
	Deadline time.Time
	// Keep is how much of the answer's body is kept; 0: 4 KiB.
	Keep int
}

// Answer is a receiver's final answer; an interim one (1xx) is passed over.
type Answer struct {
	Status int
	// Header lines, sorted by name, names in canonical form. The list is its
	// receiver's.
	Header []hook.Header
	// Body is its beginning; see Request.Keep.
	Body []byte
	// Broken is why the body ended early or did not end in time, if so. The status
	// arrived nevertheless.
	Broken error
	// Timing is told beside an error too, as far as it came.
	Timing hook.Timing
}

// Client posts requests under a policy. It is safe for concurrent use.
type Client struct {
	plain, secure net.Dialer
	tls           tls.Config
	pool          pool
	resolver      net.Resolver
	policy        Policy
	// proxy is nil if connections are made directly.
	proxy     *proxy
	resolving resolving
}

// NewClient makes a client that obeys the policy.
func NewClient(p Policy) *Client {
	c := &Client{
		tls: tls.Config{
			ClientSessionCache: tls.NewLRUClientSessionCache(maxSessions),
			NextProtos:         []string{"http/1.1"},
			RootCAs:            p.Roots,
		},
		pool:   pool{hosts: map[origin][]*conn{}},
		policy: p,
	}
	c.resolver.Dial = c.resolving.dial
	dialer := func(plain bool) net.Dialer {
		return net.Dialer{
			Timeout: connectTimeout, KeepAlive: 15 * time.Second, Control: p.control(plain),
			Resolver: &c.resolver,
		}
	}
	c.plain, c.secure = dialer(true), dialer(false)
	c.proxy = newProxy(p.Proxy, &c.resolver)
	return c
}

// Close closes the connections that are idle. Requests under way go on, and close
// theirs when they end.
func (c *Client) Close() { c.pool.close() }

// buffers are what a request needs while it is under way, and an idle connection
// does not.
type buffers struct {
	out []byte
	in  *bufio.Reader
	// sized is the body that is being read, if its length is known.
	sized sized
	// began is when the first byte of the answer came; zero: none has.
	began time.Time
	body  [maxKept]byte
}

var free = sync.Pool{New: func() any { return &buffers{in: bufio.NewReader(nil)} }}

// maxPooled keeps a rare large header from living on in the pool.
const maxPooled = 2 * maxJoined

// Post makes one request. An error means that there is no answer: it is an *Error
// or wraps ErrHeader.
//
// A request is sent again, on another connection, only if not a byte of it was
// taken by a connection that had been idle: nobody can have received it. What
// may have been received is never repeated here.
func (c *Client) Post(r Request) (Answer, error) {
	b, ok := free.Get().(*buffers)
	if !ok { // nothing else is put there
		b = &buffers{in: bufio.NewReader(nil)}
	}
	defer func() {
		b.in.Reset(nil)
		if cap(b.out) <= maxPooled {
			free.Put(b)
		}
	}()
	var err error
	if b.out, err = r.appendHead(b.out[:0]); err != nil {
		return Answer{}, err
	}
	for {
		var took hook.Timing
		k := c.pool.take(r.To.origin, r.Deadline)
		reused := k != nil
		if !reused {
			if k, took, err = c.dial(r.To, r.Deadline); err != nil {
				return Answer{Timing: took}, err
			}
		}
		begun := time.Now()
		answer, sent, err := k.exchange(b, r.Body, r.Keep)
		if !b.began.IsZero() {
			took.FirstByte = b.began.Sub(begun)
		}
		answer.Timing = took
		switch {
		case err == nil && answer.idle > 0:
			c.pool.put(k, answer.idle)
		default:
			_ = k.Close()
		}
		if err != nil && reused && !sent && time.Now().Before(r.Deadline) {
			continue
		}
		return answer.Answer, err
	}
}
