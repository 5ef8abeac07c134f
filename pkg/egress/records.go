package egress

import (
	"crypto/tls"
	"errors"
	"net"
	"os"
	"time"
)

const (
	// recordHeader is the length of a TLS record's header; its last two bytes are
	// the length of what follows (RFC 8446, 5.1).
	recordHeader = 5
	// closeTimeout is for how long a connection's end may wait to be told. That is
	// a courtesy, but crypto/tls would wait 5 s for a receiver that does not read.
	closeTimeout = 10 * time.Millisecond
)

// records stands between TCP and crypto/tls, which reads ahead and does not tell:
// what it holds is seen neither by a look at the socket nor by who reads from it,
// and would be taken for the answer to the connection's next request.
type records struct {
	net.Conn
	// header is what was read of a record's header, left how much is to come of
	// the record itself.
	header []byte
	left   int
	// dry lets nothing be read from TCP.
	dry bool
}

func newRecords(tcp net.Conn) *records {
	return &records{Conn: tcp, header: make([]byte, 0, recordHeader)}
}

func (r *records) Read(p []byte) (int, error) {
	if r.dry {
		return 0, os.ErrDeadlineExceeded
	}
	n, err := r.Conn.Read(p)
	r.follow(p[:n])
	return n, err
}

// follow notes where in a record the stream is.
func (r *records) follow(p []byte) {
	for len(p) > 0 {
		n := min(r.left, len(p))
		if n == 0 {
			n = min(recordHeader-len(r.header), len(p))
			r.header = append(r.header, p[:n]...)
			if len(r.header) == recordHeader {
				r.left = int(r.header[3])<<8 | int(r.header[4])
				r.header = r.header[:0]
			}
		} else {
			r.left -= n
		}
		p = p[n:]
	}
}

// quiet reports whether crypto/tls holds nothing that was received: no part of a
// record, and no record that says something to us. It reads with the source dry,
// which to crypto/tls is a deadline that passed, and it can go on after that.
// Session tickets and key updates are dealt with on the way.
func (r *records) quiet(secured *tls.Conn) bool {
	if r.left > 0 || len(r.header) > 0 {
		return false
	}
	r.dry = true
	defer func() { r.dry = false }()
	var b [1]byte
	n, err := secured.Read(b[:])
	return n == 0 && errors.Is(err, os.ErrDeadlineExceeded)
}

// SetWriteDeadline is called by crypto/tls alone, when it closes.
func (r *records) SetWriteDeadline(t time.Time) error {
	if soon := time.Now().Add(closeTimeout); soon.Before(t) {
		t = soon
	}
	return r.Conn.SetWriteDeadline(t)
}
