package hook

import (
	"context"
	"errors"
	"time"
)

// ErrUnderWay says that the same is being done at this moment.
var ErrUnderWay = errors.New("under way")

// RequestKey names a request that is carried out once, however often it is sent.
type RequestKey struct {
	// Owner is who chose the key: those of different owners have nothing to do with
	// each other.
	Owner [32]byte
	// Account is whose the request is; empty: the operator's own.
	Account string
	// Key has 1 to 255 visible ASCII characters.
	Key string
	// Request is a hash of what is asked for: a key stands for one request.
	Request [32]byte
}

// Claim is the right to carry a request out.
type Claim struct {
	// Since is when the request was first claimed, however often since.
	Since time.Time
	// Until is when somebody else may claim it.
	Until time.Time
}

// Answers remembers the answers of requests, which it does not read. Those that only
// write to the store go through Once; those that also do what no transaction undoes
// through Claim, then Keep or Release. All return ErrConflict if the key stands for
// another request, and ErrUnderWay while somebody else has claimed it.
type Answers interface {
	// Once runs do and keeps the answer that it returns until the given time, both in
	// one transaction that is in the context that do gets: whatever do makes of the
	// store with it is part of it. If there is an answer already, that is returned,
	// again is true, and do is not run; one that is under way is waited for. An error
	// of do undoes everything, frees the key, and is returned. do may run more than
	// once.
	Once(ctx context.Context, k RequestKey, until time.Time, do func(context.Context) ([]byte, error)) (answer []byte, again bool, err error)
	// Claim gives the right to carry out a request, for a time after which the holder
	// counts as dead. If there is an answer already, that is returned, and again is
	// true. The key stands for the request until the given time.
	Claim(ctx context.Context, k RequestKey, lease time.Duration, until time.Time) (c Claim, answer []byte, again bool, err error)
	// Keep ends a claim with an answer. ErrStale if somebody else has claimed the
	// request meanwhile.
	Keep(ctx context.Context, k RequestKey, c Claim, answer []byte) error
	// Release ends a claim without an answer: the request may be claimed again at
	// once. With free the key stands for no request any more.
	Release(ctx context.Context, k RequestKey, c Claim, free bool) error
	// ForgetAnswers drops what is to be kept no longer.
	ForgetAnswers(ctx context.Context) error
}
