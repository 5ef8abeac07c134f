package telemetry

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"go.uber.org/zap"
)

const (
	// headerTimeout bounds how long a client may take to send its headers, so
	// that slow ones do not fill the process up.
	headerTimeout = 10 * time.Second
	// readTimeout bounds a whole request: 16 MiB at 2.2 Mbit/s.
	readTimeout = 60 * time.Second
	// writeTimeout bounds a whole answer; it counts from the end of the headers.
	writeTimeout = 90 * time.Second
	// idleTimeout ends unused connections; above that of common proxies (60 s),
	// so that they end them first and lose no request.
	idleTimeout = 120 * time.Second
	// maxHeaderBytes bounds the headers of a request.
	maxHeaderBytes = 64 << 10
	// shutdownTimeout bounds how long requests that are under way may go on
	// after a stop.
	shutdownTimeout = 10 * time.Second
)

// Server is a running HTTP listener.
type Server struct {
	listener net.Listener
	ended    chan struct{}
	err      error
}

// Serve listens on addr, such as "127.0.0.1:8080" (port 0: a free one, see
// Addr), and serves until ctx ends; requests that are under way then have 10 s
// to end. The error says that the address cannot be had.
func Serve(ctx context.Context, addr string, handler http.Handler, log *zap.Logger) (*Server, error) {
	var listening net.ListenConfig
	listener, err := listening.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", addr, err)
	}
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          zap.NewStdLog(log),
	}
	s := &Server{listener: listener, ended: make(chan struct{})}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	go func() {
		defer close(s.ended)
		select {
		case s.err = <-failed:
		case <-ctx.Done():
			s.err = stop(ctx, server)
		}
	}()
	return s, nil
}

// stop ends a server gracefully, then at once.
func stop(ctx context.Context, server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	err := server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.Join(fmt.Errorf("requests were still under way after %s: %w", shutdownTimeout, err), server.Close())
	}
	return err
}

// Addr is the address that it listens on.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Wait returns when the server has ended: nil after a graceful stop.
func (s *Server) Wait() error {
	<-s.ended
	return s.err
}
