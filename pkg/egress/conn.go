package egress

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// conn is one connection to a receiver, used by one request at a time.
type conn struct {
	net.Conn // TLS over tcp, or tcp itself
	tcp      syscall.RawConn
	to       origin
	// since is when it became idle, until when that has lasted too long.
	since, until time.Time
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
// says that the receiver may have got some of it.
func (c *conn) exchange(b *buffers, body []byte) (answer exchanged, sent bool, err error) {
	taken, sendErr := c.send(b, body)
	if sendErr != nil && taken == 0 {
		return exchanged{}, false, &Error{Stage: StageSend, Err: sendErr}
	}
	c.readable = maxHeaderBytes
	b.in.Reset(c)
	response, err := c.readFinal(b.in) //nolint:bodyclose // Close would read the rest, however much; the connection is closed instead
	if err != nil {
		// Who answers before the whole request has come (a 413, say) and closes,
		// makes sending fail; if there is no answer either that was the cause.
		if sendErr != nil {
			return exchanged{}, true, &Error{Stage: StageSend, Err: sendErr}
		}
		return exchanged{}, true, &Error{Stage: StageAnswer, Err: err}
	}
	answer.Status, answer.Header = response.StatusCode, response.Header
	c.readable = math.MaxInt
	whole := false
	answer.Body, whole, err = readBody(response.Body, b.body[:])
	if err != nil {
		answer.Broken = &Error{Stage: StageBody, Err: err}
		return answer, true, nil
	}
	// What comes unasked for is no answer to the next request.
	if whole && sendErr == nil && !response.Close && b.in.Buffered() == 0 && answer.Status >= http.StatusOK {
		answer.idle = keepAlive(response.Header)
	}
	return answer, true, nil
}

// send writes the request; taken is how many bytes the connection took.
func (c *conn) send(b *buffers, body []byte) (taken int, err error) {
	if len(body) <= maxJoined {
		b.out = append(b.out, body...)
		return c.Write(b.out)
	}
	if taken, err = c.Write(b.out); err != nil {
		return taken, err
	}
	more, err := c.Write(body)
	return taken + more, err
}

// readFinal reads answers up to the first that is none in between. 101 is final:
// nobody asked for another protocol, so nothing comes after it.
func (c *conn) readFinal(in *bufio.Reader) (*http.Response, error) {
	for range maxInformational + 1 {
		// Told apart: closed before an answer, and in the midst of one.
		if _, err := in.Peek(1); err != nil {
			return nil, err
		}
		response, err := http.ReadResponse(in, post)
		if err != nil {
			return nil, c.blame(err)
		}
		if response.StatusCode >= http.StatusOK || response.StatusCode < 100 || response.StatusCode == http.StatusSwitchingProtocols {
			return response, nil
		}
	}
	return nil, fmt.Errorf("%w: more than %d informational answers", ErrMalformed, maxInformational)
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
func keepAlive(h http.Header) time.Duration {
	for _, line := range h["Keep-Alive"] {
		for parameter := range strings.SplitSeq(line, ",") {
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
