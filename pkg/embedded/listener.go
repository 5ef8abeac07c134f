package embedded

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// maxRequest bounds one request, as Apache Kafka's socket.request.max.bytes
	// does by default. kfake would set aside whatever a client says.
	maxRequest = 100 << 20
	// minRequest has key, version and correlation.
	minRequest = 8
	// keptBuffer is the largest buffer that an idle connection keeps. A batch is
	// 1 MiB at most where our own producer makes it.
	keptBuffer = 1 << 20
)

// listener edits requests before kfake reads them.
//
// kfake has hooks for that, ControlKey, but they are made for tests. While one
// runs, kfake may carry out its own shutdown, and then appends the batch of the
// request to the log that it has just measured and closed; the next start takes
// the log to be as it was measured, and cannot read it from there on (seen, and
// the test of the bus that restarts a broker in the middle of writes shows it).
// They also keep the last request of every connection there ever was.
type listener struct{ net.Listener }

// Accept implements net.Listener.
func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, in: bufio.NewReader(c)}, nil
}

// conn reads requests whole, edited. One goroutine reads it, and closes it
// when it fails.
type conn struct {
	net.Conn
	in     *bufio.Reader
	buffer []byte // memory of the request
	rest   []byte // what of it is not yet read
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		if err := c.receive(); err != nil {
			return 0, err
		}
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

func (c *conn) receive() error {
	if cap(c.buffer) > keptBuffer {
		c.buffer = nil
	}
	b, err := c.read(c.buffer[:0], 4)
	if err != nil {
		return err
	}
	size := binary.BigEndian.Uint32(b)
	if size < minRequest || size > maxRequest {
		return fmt.Errorf("request of %d bytes: must have %d to %d", size, minRequest, maxRequest)
	}
	if b, err = c.read(b, int(size)); err != nil {
		return err
	}
	c.buffer = edit(b)
	c.rest = c.buffer
	return nil
}

// read appends n bytes to b.
func (c *conn) read(b []byte, n int) ([]byte, error) {
	have := len(b)
	if cap(b)-have < n {
		b = append(make([]byte, 0, have+n), b...)
	}
	b = b[:have+n]
	_, err := io.ReadFull(c.in, b[have:])
	return b, err
}

// edit changes a request, its size in front, where kfake needs help with it.
// What cannot be read is left alone: kfake shall refuse it.
func edit(b []byte) []byte {
	var req kmsg.Request
	switch kmsg.Key(binary.BigEndian.Uint16(b[4:])) {
	case kmsg.Produce:
		req = new(kmsg.ProduceRequest)
	case kmsg.Fetch:
		req = new(kmsg.FetchRequest)
	default:
		return b
	}
	head := kbin.Reader{Src: b[4:]}
	head.Int16() // key
	req.SetVersion(head.Int16())
	head.Int32() // correlation
	head.NullableString()
	if req.IsFlexible() {
		kmsg.SkipTags(&head)
	}
	body := head.Src
	if !head.Ok() || req.ReadFrom(body) != nil {
		return b
	}
	switch req := req.(type) {
	case *kmsg.ProduceRequest:
		stamp(req) // its batches are in b
	case *kmsg.FetchRequest:
		limitByPartition(req)
		// Not in place: what is written may be read from b.
		b = req.AppendTo(append(make([]byte, 0, len(b)), b[:len(b)-len(body)]...))
		binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	}
	return b
}
