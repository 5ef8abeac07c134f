//go:build unix

package egress

import "syscall"

// look is one at a socket. It is made once for a connection: made for each look,
// it would be allocated for each request.
type look struct {
	tcp   syscall.RawConn
	b     [1]byte
	quiet bool
	// glance is a look alone, turn one that a request follows at once.
	glance func(fd uintptr)
	turn   func(fd uintptr) (done bool)
	// wire is what turn is to write, nil after that; taken is how much of it the
	// socket took.
	wire  []byte
	taken int
	// waits says that turn waits for an answer then.
	waits bool
}

func newLook(tcp syscall.RawConn) *look {
	l := &look{tcp: tcp}
	l.glance = func(fd uintptr) {
		_, err := syscall.Read(int(fd), l.b[:])
		l.quiet = err == syscall.EAGAIN //nolint:errorlint // an errno as the system call gives it
	}
	l.turn = func(fd uintptr) bool {
		if l.wire == nil {
			return true // there is an answer
		}
		if l.glance(fd); !l.quiet {
			return true
		}
		l.taken, _ = syscall.Write(int(fd), l.wire) // who sends the rest is told why that failed
		l.taken = max(l.taken, 0)
		all := l.taken == len(l.wire)
		l.wire = nil
		return !all || !l.waits
	}
	return l
}

// open reports whether an idle connection can be used: nothing is there to be
// read, neither its end nor something that nobody asked for. It never waits.
func (l *look) open() bool {
	l.quiet = false
	return l.tcp.Control(l.glance) == nil && l.quiet
}

// speak looks at an idle connection and, if it is open, writes at once as much as
// the socket takes. If that is all and wait is set it returns when something can
// be read, or when nothing will be: an answer cannot be there yet, and to be told
// so when reading it would take a system call for each request. The error is why
// there was not even a look.
func (l *look) speak(wire []byte, wait bool) (taken int, open bool, err error) {
	l.quiet, l.wire, l.taken, l.waits = false, wire, 0, wait
	if err = l.tcp.Read(l.turn); l.quiet {
		return l.taken, true, nil // whoever reads is told why waiting ended
	}
	l.wire = nil
	return 0, false, err
}
