package egress

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"syscall"
)

// ErrMalformed says that an answer is not HTTP, or not within its bounds.
var ErrMalformed = errors.New("malformed answer")

// ErrLocal says that a request failed for want of something here: descriptors,
// ports, memory. Its receiver has no part in that.
var ErrLocal = errors.New("out of resources")

// shortages are what the system says then.
var shortages = []syscall.Errno{
	syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM,
	syscall.EADDRNOTAVAIL, // no port is free
}

// Stage is how far a request had come when it failed.
type Stage string

// The stages, in their order.
const (
	// StageConnect: the name's resolution and the connection; ErrForbidden too.
	StageConnect Stage = "connect"
	// StageProxy: the egress proxy, up to its answer.
	StageProxy Stage = "egress proxy"
	StageTLS   Stage = "TLS handshake"
	StageSend  Stage = "send request"
	// StageAnswer: up to the end of the answer's header.
	StageAnswer Stage = "read answer"
	StageBody   Stage = "read body of answer"
)

// Error is a request's failure. Its cause is the error of net, crypto/tls or
// net/http, ErrForbidden or ErrMalformed; it wraps ErrLocal too where that is so.
type Error struct {
	Stage Stage
	Err   error
}

// Error is for our own log: it may name addresses of ours.
func (e *Error) Error() string { return string(e.Stage) + ": " + e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }

// Shown is the error for whom the URL belongs to: without the address that a name
// led to, ours, and that of the name server. He must not learn from it what our
// network is like.
func (e *Error) Shown() string {
	if errors.Is(e.Err, ErrLocal) {
		return string(e.Stage) + ": " + ErrLocal.Error()
	}
	if e.Stage == StageProxy && !errors.Is(e.Err, ErrProxyRefused) {
		return string(e.Stage) + ": cannot be used" // it is ours, and so is what its name resolves to
	}
	return string(e.Stage) + ": " + shown(e.Err)
}

func shown(err error) string {
	var (
		name *net.DNSError
		op   *net.OpError
	)
	switch {
	case errors.As(err, &name):
		// The cause may be a sentence with addresses: "read udp a->b: i/o timeout".
		cause := name.Err[strings.LastIndex(name.Err, ": ")+1:]
		return (&net.DNSError{Name: name.Name, Err: strings.TrimSpace(cause)}).Error()
	case errors.As(err, &op) && op.Err != nil:
		return op.Op + ": " + shown(op.Err)
	default:
		return err.Error()
	}
}

// failure is an error at a stage.
func failure(at Stage, err error) *Error {
	short := func(e syscall.Errno) bool { return errors.Is(err, e) }
	if !errors.Is(err, ErrLocal) && slices.ContainsFunc(shortages, short) {
		err = fmt.Errorf("%w: %w", ErrLocal, err)
	}
	return &Error{Stage: at, Err: err}
}
