//go:build !unix

package egress

import "syscall"

// look cannot be had here.
type look struct{}

func newLook(syscall.RawConn) *look { return &look{} }

// open reports that a connection cannot be used again: what nobody asked for would
// be taken for the next answer.
func (*look) open() bool { return false }

// speak writes nothing.
func (*look) speak([]byte, bool) (taken int, open bool, err error) { return 0, false, nil }
