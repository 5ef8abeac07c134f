package receiver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// headerTimeout bounds a connection that says nothing.
const headerTimeout = 10 * time.Second

// Serve is the receiver's process: it listens on a free port of the loopback,
// writes its URL to out as one line, and serves until in ends, as it does when
// whoever started the process dies, or ctx does.
func Serve(ctx context.Context, in io.Reader, out io.Writer) error {
	var listening net.ListenConfig
	listener, err := listening.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("receiver: %w", err)
	}
	server := &http.Server{Handler: &Receiver{}, ReadHeaderTimeout: headerTimeout}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	left := make(chan struct{})
	go func() {
		defer close(left)
		_, _ = io.Copy(io.Discard, in) // however it ends, nobody is there any more
	}()
	if _, err := fmt.Fprintf(out, "http://%s\n", listener.Addr()); err != nil {
		return errors.Join(fmt.Errorf("receiver: tell the address: %w", err), server.Close())
	}
	select {
	case err := <-failed:
		return fmt.Errorf("receiver: %w", err)
	case <-left:
	case <-ctx.Done():
	}
	return server.Close()
}
