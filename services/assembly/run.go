package assembly

import (
	"context"
	"fmt"
	"net/http"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/staffetta/staffetta/pkg/problem"
	"github.com/staffetta/staffetta/pkg/telemetry"
)

// Component is a service that is ready to run.
type Component struct {
	Name string
	// Run works until ctx ends and returns nil then.
	Run func(ctx context.Context) error
	// Close ends what the handler needs, once no request is under way any more;
	// may be nil.
	Close func()
	// Handler serves Paths, and what lies below them; nil if there are none.
	Handler http.Handler
	// Paths are the first segments that the handler answers, such as
	// "contacts"; "" is all that nobody else answers.
	Paths []string
}

// Handler serves the components' paths beside health and metrics.
func (p *Parts) Handler(components ...Component) http.Handler {
	mux := http.NewServeMux()
	operations := telemetry.Handler(p.Metrics, p.Health)
	for _, path := range []string{"/livez", "/readyz", "/metrics"} {
		mux.Handle("GET "+path, operations)
	}
	for _, c := range components {
		for _, path := range c.Paths {
			if path == "" {
				mux.Handle("/", c.Handler)
				continue
			}
			mux.Handle("/"+path, c.Handler)
			mux.Handle("/"+path+"/", c.Handler)
		}
	}
	return problem.ExactPaths(mux)
}

// Serve listens on the configured address and runs the components until ctx
// ends or one of them fails; then all end. ready gets the address once the
// listener is bound; it may be nil.
func (p *Parts) Serve(ctx context.Context, ready func(address string), components ...Component) error {
	group, ctx := errgroup.WithContext(ctx)
	server, err := telemetry.Serve(ctx, p.Config.Listen, p.Handler(components...), p.Log.Named("http"))
	if err != nil {
		return err
	}
	p.Log.Info("listening", zap.String("address", server.Addr()))
	if ready != nil {
		ready(server.Addr())
	}
	group.Go(server.Wait)
	for _, c := range components {
		group.Go(func() error {
			if err := c.Run(ctx); err != nil {
				return fmt.Errorf("%s: %w", c.Name, err)
			}
			return nil
		})
	}
	err = group.Wait()
	for _, c := range components {
		if c.Close != nil {
			c.Close()
		}
	}
	return err
}
