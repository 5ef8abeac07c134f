//go:build unix

package egress

import "syscall"

// open reports whether an idle connection can be used: nothing is there to be
// read, neither its end nor something that nobody asked for. It never waits.
func open(tcp syscall.RawConn) bool {
	quiet := false
	err := tcp.Read(func(fd uintptr) bool {
		var b [1]byte
		_, err := syscall.Read(int(fd), b[:])
		quiet = err == syscall.EAGAIN //nolint:errorlint // an errno as the system call gives it
		return true
	})
	return err == nil && quiet
}
