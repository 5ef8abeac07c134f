package bench

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/sqlstore"
	"github.com/staffetta/staffetta/services/assembly"
)

// partitions of topics that are not there yet (DESIGN.md, standalone).
const partitions = 8

// loopback is where the receiver is.
var loopback = netip.MustParsePrefix("127.0.0.0/8")

// installation is all services, running.
type installation struct {
	parts   *assembly.Parts
	servers Servers
	api     client
}

// installed starts all services, calls use, and stops them. They end early if
// one of them fails, and use's context with them.
func (cfg Config) installed(ctx context.Context, use func(ctx context.Context, in *installation) error) (err error) {
	kind, stopServers, err := cfg.servers()
	defer func() { err = errors.Join(err, stopServers()) }()
	if err != nil {
		return err
	}
	cfg.keys()
	cfg.Listen = "127.0.0.1:0"
	cfg.EgressAllow = append(cfg.EgressAllow[:len(cfg.EgressAllow):len(cfg.EgressAllow)], loopback)
	parts, err := cfg.open(ctx)
	if err != nil {
		return err
	}
	defer parts.Close()
	components, err := prepare(ctx, parts)
	if err != nil {
		return err
	}
	// The services outlive ctx until use has put away what it made with them.
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	group, serving := errgroup.WithContext(serving)
	using, end := context.WithCancelCause(ctx)
	defer end(nil)
	defer context.AfterFunc(serving, func() { end(context.Cause(serving)) })()
	address := make(chan string, 1)
	group.Go(func() error {
		return parts.Serve(serving, func(a string) { address <- a }, components...)
	})
	group.Go(func() error {
		defer stop()
		select {
		case a := <-address:
			in := &installation{parts: parts, servers: kind, api: newClient("http://"+a, cfg.AdminKey)}
			defer in.api.http.CloseIdleConnections()
			return use(using, in)
		case <-using.Done():
			return context.Cause(using)
		}
	})
	return group.Wait()
}

// open opens what services are made of, with traces that are sampled.
func (cfg Config) open(ctx context.Context) (*assembly.Parts, error) {
	parts, err := assembly.Open(ctx, "bench", cfg.Config, cfg.Version, cfg.Log)
	if err != nil {
		return nil, err
	}
	if err := parts.Tracing.Shutdown(ctx); err != nil {
		parts.Close()
		return nil, fmt.Errorf("replace the tracing: %w", err)
	}
	parts.Tracing = tracing()
	return parts, nil
}

// prepare makes tables, topics and services. Topics that are there keep their
// number of partitions.
func prepare(ctx context.Context, parts *assembly.Parts) ([]assembly.Component, error) {
	if err := parts.Migrate(ctx); err != nil {
		return nil, err
	}
	count, err := parts.Bus.Partitions(ctx, bus.Deliveries)
	if errors.Is(err, bus.ErrNoTopic) {
		count, err = partitions, nil
	}
	if err != nil {
		return nil, err
	}
	if err := parts.Topics(ctx, count, -1); err != nil {
		return nil, err
	}
	return parts.All(ctx)
}

// awaitLive waits until router and sender know all that the API has answered.
func (in *installation) awaitLive(ctx context.Context) error {
	digest, _, err := sqlstore.New(in.parts.DB, time.Now).Digest(ctx)
	if err != nil {
		return err
	}
	const (
		every = 20 * time.Millisecond
		limit = 2 * time.Minute // 10,000 accounts at once take seconds
	)
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		known, err := in.knownVersions()
		if err != nil {
			return err
		}
		if known >= float64(digest.Versions) {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("the cache did not reach router and sender (%.0f of %d): %w", known, digest.Versions, ctx.Err())
		}
	}
}

// knownVersions is how far the snapshot of the slower of router and sender is.
func (in *installation) knownVersions() (float64, error) {
	f, err := in.figures()
	return min(f["staffetta_router_snapshot_versions"], f["staffetta_sender_snapshot_versions"]), err
}
