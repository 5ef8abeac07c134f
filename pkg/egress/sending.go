package egress

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"
)

const (
	// maxJoined is the body up to which it is copied behind the header, to be sent
	// by one system call.
	maxJoined = 16 << 10
	// lateAnswer is for how long an answer is waited for after sending failed. It
	// is there already, then, or will not come.
	lateAnswer = 100 * time.Millisecond
	// lateBody is for how long a body may go on after its answer. Who has read all
	// of it before he answered has left nothing to wait for.
	lateBody = 20 * time.Millisecond
)

// sending is a request's way out.
type sending struct {
	conn *conn
	err  error
	// done gives the error of a body that is sent beside the reading, if any.
	done chan error
}

// send writes the head, which stands in b.out and stays as it is, and the body;
// taken is how much the connection took at once.
//
// A large body is sent by a goroutine of its own: a receiver may answer from the
// header (410, 413, 429, 503) and read no further, and then writing would block
// until the deadline and the answer be lost.
func (c *conn) send(b *buffers, body []byte) (s sending, taken int) {
	s.conn = c
	joined := len(body) <= maxJoined
	wire := b.out
	if joined {
		b.out = slices.Grow(b.out, len(body))
		wire = append(b.out, body...) // b.out is the head still: it may be sent again
	}
	taken, s.err = c.write(wire, joined)
	if s.err != nil {
		c.hurry()
	} else if !joined {
		s.done = make(chan error, 1)
		go c.sendBeside(body, s.done)
	}
	return s, taken
}

// errEnded says that an idle connection was at its end, or might as well be.
var errEnded = fmt.Errorf("idle connection: %w", io.EOF)

// write writes what a request begins with; whole says that it is all of it.
func (c *conn) write(wire []byte, whole bool) (taken int, err error) {
	if !c.looks() {
		return c.Write(wire)
	}
	taken, open, err := c.look.speak(wire, whole)
	switch {
	case err != nil:
		return 0, err
	case !open:
		return 0, errEnded
	case taken < len(wire):
		more, err := c.Write(wire[taken:])
		return taken + more, err
	default:
		return taken, nil
	}
}

// looks reports whether a request is preceded by a look, with which it is one
// operation. By TLS it cannot be, and a new connection needs none: what its
// receiver says unasked is answered by nobody else.
func (c *conn) looks() bool { return c.records == nil && !c.until.IsZero() }

func (c *conn) sendBeside(body []byte, done chan<- error) {
	_, err := c.Write(body)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) { // else reading has ended too
		c.hurry()
	}
	done <- err
}

// hurry bounds the waiting for an answer to what was not sent.
func (c *conn) hurry() { _ = c.raw.SetReadDeadline(time.Now().Add(lateAnswer)) }

// end waits for the body's end and gives the error of sending. Nothing of it is
// used afterwards. read is the error of reading the answer, if any: without an
// answer sending ends by itself only if the deadline of both has passed.
func (s *sending) end(read error) error {
	if s.done == nil {
		return s.err
	}
	stopped := !errors.Is(read, os.ErrDeadlineExceeded)
	if stopped {
		_ = s.conn.raw.SetWriteDeadline(time.Now().Add(lateBody))
	}
	err := <-s.done
	if read != nil && stopped && errors.Is(err, os.ErrDeadlineExceeded) {
		return nil // it failed because reading had
	}
	return err
}
