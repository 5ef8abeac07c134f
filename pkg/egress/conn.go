package egress

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/staffetta/staffetta/pkg/hook"
)

// conn is one connection to a receiver, used by one request at a time.
type conn struct {
	net.Conn // TLS over raw, or raw itself
	raw      net.Conn
	// records is nil without TLS.
	records *records
	look    *look
	to      origin
	// tunnel is TLS to a proxy, below that to the receiver or alone; mostly nil.
	tunnel *tls.Conn
	// outer are the records of tunnel, if it is below.
	outer *records
	// until is when it has been idle for too long.
	until time.Time
	// readable is what may still be read; see maxHeaderBytes.
	readable int
	// ended is why nothing more can be read.
	ended error
}

// Read makes conn the source of its bufio.Reader.
func (c *conn) Read(p []byte) (int, error) {
	if c.readable <= 0 {
		c.ended = fmt.Errorf("%w: header above %d bytes", ErrMalformed, maxHeaderBytes)
		return 0, c.ended
	}
	n, err := c.Conn.Read(p[:min(len(p), c.readable)])
	c.readable -= n
	c.ended = err
	return n, err
}

// exchanged is an answer and for how long its connection may be idle; 0: it
// cannot be used again.
type exchanged struct {
	Answer
	idle time.Duration
}

// post is the request that http.ReadResponse wants to know the method of.
var post = &http.Request{Method: http.MethodPost}

// exchange sends what stands in b.out and the body, and reads the answer. sent
// says that the receiver may have got some of it. keep is Request.Keep.
func (c *conn) exchange(b *buffers, body []byte, keep int) (answer exchanged, sent bool, err error) {
	b.began = time.Time{}
	sending, taken := c.send(b, body)
	if sending.err != nil && taken == 0 {
		return exchanged{}, false, failure(StageSend, sending.err)
	}
	c.readable = maxHeaderBytes
	b.in.Reset(c)
	got, err := c.readFinal(b)
	if err != nil {
		// Who answers before the whole request has come (a 413, say) and closes,
		// makes sending fail; if there is no answer either that was the cause.
		if sendErr := sending.end(err); sendErr != nil {
			return exchanged{}, true, failure(StageSend, sendErr)
		}
		return exchanged{}, true, failure(StageAnswer, err)
	}
	answer.Status, answer.Header = got.status, got.header
	c.readable = math.MaxInt
	whole := false
	room := b.body[:]
	if keep > 0 {
		room = make([]byte, keep)
	}
	answer.Body, whole, err = readBody(got.body, room)
	sendErr := sending.end(err)
	if err != nil {
		answer.Broken = failure(StageBody, err)
		return answer, true, nil
	}
	if whole && sendErr == nil && !got.close && answer.Status >= http.StatusOK && c.quiet(b.in) {
		answer.idle = keepAlive(got.header)
	}
	return answer, true, nil
}

// quiet reports whether nothing came after an answer, as far as it has been read:
// what comes unasked for is no answer to the next request. What has not been read
// is seen before the connection is used again.
func (c *conn) quiet(in *bufio.Reader) bool {
	if in.Buffered() > 0 {
		return false
	}
	secured, ok := c.Conn.(*tls.Conn)
	return (!ok || c.records.quiet(secured)) && (c.outer == nil || c.outer.quiet(c.tunnel))
}

// response is an answer's head, and its body as it is yet to be read.
type response struct {
	status int
	header []hook.Header
	body   io.Reader
	// close says that nothing comes after the body.
	close bool
}

// readFinal reads answers up to the first that is none in between. 101 is final:
// nobody asked for another protocol, so nothing comes after it.
func (c *conn) readFinal(b *buffers) (response, error) {
	for range maxInformational + 1 {
		// Told apart: closed before an answer, and in the midst of one.
		if _, err := b.in.Peek(1); err != nil {
			return response{}, err
		}
		if b.began.IsZero() {
			b.began = time.Now()
		}
		if p, ok := readPlain(b.in); ok {
			b.sized = sized{in: b.in, left: p.length}
			return response{status: p.status, header: p.header, body: &b.sized}, nil
		}
		r, err := http.ReadResponse(b.in, post) //nolint:bodyclose // Close would read the rest, however much; the connection is closed instead
		if err != nil {
			return response{}, c.blame(err)
		}
		switch status := r.StatusCode; {
		case status < http.StatusContinue:
			return response{}, fmt.Errorf("%w: status %03d", ErrMalformed, status)
		case status >= http.StatusOK, status == http.StatusSwitchingProtocols:
			return response{status: status, header: listed(r.Header), body: r.Body, close: r.Close}, nil
		}
	}
	return response{}, fmt.Errorf("%w: more than %d informational answers", ErrMalformed, maxInformational)
}

// blame says why an answer could not be read: a line that was cut off is no
// malformed one.
func (c *conn) blame(err error) error {
	switch {
	case errors.Is(c.ended, io.EOF):
		return io.ErrUnexpectedEOF
	case c.ended != nil:
		return c.ended
	default:
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
}

// readBody reads a body to its end, if that is not too far. kept is a copy of its
// beginning.
func readBody(body io.Reader, room []byte) (kept []byte, whole bool, err error) {
	n := 0
	for n < len(room) && err == nil {
		var more int
		more, err = body.Read(room[n:])
		n += more
	}
	if n > 0 {
		kept = bytes.Clone(room[:n])
	}
	for drained := 0; drained < maxDrained && err == nil; drained += n {
		n, err = body.Read(room)
	}
	if errors.Is(err, io.EOF) {
		return kept, true, nil
	}
	return kept, false, err
}

// keepAlive is for how long a connection may be idle: less than its receiver says
// that it keeps it, so that no request meets its closing. Node.js says 5 s.
func keepAlive(header []hook.Header) time.Duration {
	for i := range header {
		if header[i].Name != "Keep-Alive" {
			continue
		}
		for parameter := range strings.SplitSeq(header[i].Value, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(parameter), "=")
			if !strings.EqualFold(name, "timeout") {
				continue
			}
			if seconds, err := strconv.Atoi(value); err == nil {
				return min(idleTimeout, time.Duration(max(0, min(seconds, 60)-1))*time.Second)
			}
		}
	}
	return idleTimeout
}
