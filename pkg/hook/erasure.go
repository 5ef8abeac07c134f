package hook

import (
	"context"
	"time"
)

// Erasure is what became of what an account had, since it was deleted.
type Erasure struct {
	Account   string
	DeletedAt time.Time
	// ErasedAt is when nothing was left in the store; zero: it is being erased.
	ErasedAt time.Time
}

// Eraser erases what deleted accounts had, while others write and read. Several may do
// it at once, for nothing.
type Eraser interface {
	// Erase does one piece of it: what is left of a deleted account after that, in the
	// middle too, is erased by the next ones. more says that there may be another piece.
	// An account is looked at again every hour until it was deleted longer ago than
	// watch, for what was written about it at the moment at which it was deleted. What
	// fails is to be tried again later.
	Erase(ctx context.Context, watch time.Duration) (more bool, err error)
}
