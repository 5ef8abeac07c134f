//go:build unix

package egress

import "syscall"

// look is one at a socket. It is made once for a connection: made for each look,
// it would be allocated for each request.
type look struct {
	tcp   syscall.RawConn
	read  func(fd uintptr)
	b     [1]byte
	quiet bool
}

func newLook(tcp syscall.RawConn) *look {
	l := &look{tcp: tcp}
	l.read = func(fd uintptr) {
		_, err := syscall.Read(int(fd), l.b[:])
		l.quiet = err == syscall.EAGAIN //nolint:errorlint // an errno as the system call gives it
	}
	return l
}

// open reports whether an idle connection can be used: nothing is there to be
// read, neither its end nor something that nobody asked for. It never waits.
func (l *look) open() bool {
	l.quiet = false
	return l.tcp.Control(l.read) == nil && l.quiet
}
