package egress

import "errors"

// ErrMalformed says that an answer is not HTTP, or not within its bounds.
var ErrMalformed = errors.New("malformed answer")

// Stage is how far a request had come when it failed.
type Stage string

// The stages, in their order.
const (
	// StageConnect: the name's resolution and the connection; ErrForbidden too.
	StageConnect Stage = "connect"
	StageTLS     Stage = "TLS handshake"
	StageSend    Stage = "send request"
	// StageAnswer: up to the end of the answer's header.
	StageAnswer Stage = "read answer"
	StageBody   Stage = "read body of answer"
)

// Error is a request's failure. Its cause is the error of net, crypto/tls or
// net/http, ErrForbidden or ErrMalformed.
type Error struct {
	Stage Stage
	Err   error
}

func (e *Error) Error() string { return string(e.Stage) + ": " + e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }
