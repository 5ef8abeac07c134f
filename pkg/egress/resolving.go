package egress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"
)

// resolving remembers when names could not be resolved for want of something
// here: a net.DNSError says so in words only, which look like its name server's
// fault.
type resolving struct {
	// short is when that happened last, in nanoseconds since 1970.
	short atomic.Int64
}

// dial is net.Resolver.Dial.
func (r *resolving) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil && errors.Is(failure(StageConnect, err), ErrLocal) {
		r.short.Store(time.Now().UnixNano())
	}
	return conn, err
}

// blame makes ErrLocal of an error to resolve a name if anybody lacked something
// since then: who asks for a name that is being asked for shares the answer.
func (r *resolving) blame(err error, since time.Time) error {
	var name *net.DNSError
	if errors.As(err, &name) && !name.IsNotFound && r.short.Load() >= since.UnixNano() {
		return fmt.Errorf("%w: %w", ErrLocal, err)
	}
	return err
}
