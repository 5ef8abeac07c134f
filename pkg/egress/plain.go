package egress

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"

	"github.com/staffetta/staffetta/pkg/hook"
)

// plain is the head of an answer in the form that nearly all have: HTTP/1.1, each
// line ended by CRLF and none folded, a body of a length that is told once, on a
// connection that stays. It is read in place, for less than half of what net/http
// and its map cost. Whatever is unlike that, or wrong, is left to
// net/http: of a plain one both say the same.
type plain struct {
	status int
	header []hook.Header
	// length is the body's.
	length int64
}

// version is how a plain answer begins.
const version = "HTTP/1.1 "

// readPlain takes an answer's head out of what has been received, if it is there
// to its end and plain; else it takes nothing.
func readPlain(in *bufio.Reader) (plain, bool) {
	received, _ := in.Peek(in.Buffered())
	end := bytes.Index(received, []byte("\r\n\r\n"))
	if end < 0 {
		return plain{}, false
	}
	p, ok := parsePlain(string(received[:end]))
	if ok {
		_, _ = in.Discard(end + len("\r\n\r\n"))
	}
	return p, ok
}

// parsePlain reads a head without the empty line that ends it. The header's
// strings are parts of it.
func parsePlain(text string) (p plain, ok bool) {
	line, rest, more := strings.Cut(text, "\r\n")
	if p.status, ok = plainStatus(line); !ok {
		return plain{}, false
	}
	p.header = make([]hook.Header, 0, strings.Count(rest, "\n")+1)
	p.length = -1
	for more {
		line, rest, more = strings.Cut(rest, "\r\n")
		name, value, _ := strings.Cut(line, ":")
		value = strings.Trim(value, " \t")
		if !validName(name) || !validValue(value) || len(name) == len(line) {
			return plain{}, false
		}
		name = textproto.CanonicalMIMEHeaderKey(name)
		if !p.accept(name, value) {
			return plain{}, false
		}
		p.header = append(p.header, hook.Header{Name: name, Value: value})
	}
	// 204 has no body, and no other status is without one.
	if (p.status == http.StatusNoContent) != (p.length < 0) {
		return plain{}, false
	}
	p.length = max(p.length, 0)
	sortHeader(p.header)
	return p, true
}

// plainStatus reads a status line. Of 1xx and 304 the length means another thing.
func plainStatus(line string) (status int, ok bool) {
	code, ok := strings.CutPrefix(line, version)
	if !ok || len(code) < 3 || len(code) > 3 && code[3] != ' ' || !validValue(code) {
		return 0, false
	}
	for i := range 3 {
		digit := code[i] - '0'
		if digit > 9 {
			return 0, false
		}
		status = 10*status + int(digit)
	}
	return status, status >= http.StatusOK && status != http.StatusNotModified
}

// accept notes what a line says about body and connection, if that is plain.
func (p *plain) accept(name, value string) bool {
	switch name {
	case "Content-Length":
		length, err := strconv.ParseUint(value, 10, 63)
		again := p.length >= 0
		p.length = int64(length) //nolint:gosec // 63 bits
		return err == nil && !again
	case "Connection":
		return strings.EqualFold(value, "keep-alive")
	case "Transfer-Encoding", "Trailer", "Pragma": // net/http takes them out, or adds to them
		return false
	default:
		return true
	}
}

// sortHeader sorts lines by name; those of one name stay in their order.
func sortHeader(h []hook.Header) {
	slices.SortStableFunc(h, func(a, b hook.Header) int { return strings.Compare(a.Name, b.Name) })
}

// listed is a header of net/http as a sorted list.
func listed(h http.Header) []hook.Header {
	list := make([]hook.Header, 0, len(h))
	for name, values := range h {
		for _, value := range values {
			list = append(list, hook.Header{Name: name, Value: value})
		}
	}
	sortHeader(list)
	return list
}

// sized reads a body whose length is known.
type sized struct {
	in   *bufio.Reader
	left int64
}

func (s *sized) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	n, err := s.in.Read(p[:min(int64(len(p)), s.left)])
	s.left -= int64(n)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}
