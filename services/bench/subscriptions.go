package bench

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/redisstore"
	"github.com/staffetta/staffetta/services/assembly"
	"github.com/staffetta/staffetta/services/bench/receiver"
)

// subscriptions writes cfg.Webhooks of cfg.Accounts to Redis and measures what
// the router's view of them takes, in memory and for an event. Then events at
// cfg.Rate lead to deliveries for cfg.Seconds, while Redis is flushed and filled
// again in two halves.
//
// The accounts are in Redis alone, since a million of them cannot be made over
// REST: so all services run but the api's part that would fill Redis from SQL.
func subscriptions(ctx context.Context, cfg Config, r *receiver.Process) (result Result, err error) {
	if cfg.Accounts < 2 {
		return Result{}, hook.Invalid{{Field: "accounts", Value: strconv.Itoa(cfg.Accounts), Rule: "must be at least 2: some of them come late"}}
	}
	kind, stopServers, err := cfg.servers()
	defer func() { err = errors.Join(err, stopServers()) }()
	if err != nil {
		return Result{}, err
	}
	cfg.keys()
	cfg.Listen = "127.0.0.1:0"
	cfg.EgressAllow = append(cfg.EgressAllow[:len(cfg.EgressAllow):len(cfg.EgressAllow)], loopback)
	parts, err := assembly.Open(ctx, "bench", cfg.Config, cfg.Version, cfg.Log)
	if err != nil {
		return Result{}, err
	}
	defer parts.Close()
	people, err := populationOf(cfg, r.URL(), parts.Keys)
	if err != nil {
		return Result{}, err
	}
	result = Result{
		Servers: kind, Accounts: cfg.Accounts, Webhooks: cfg.Webhooks, Payload: string(cfg.Payload),
		Figures: map[string]float64{}, Ratios: map[string]float64{},
	}
	if err := people.cost(ctx, parts, cfg, &result); err != nil {
		return Result{}, err
	}
	components, err := prepare(ctx, parts)
	if err != nil {
		return Result{}, err
	}
	for i := range components {
		if components[i].Name == "api" {
			components[i].Run = func(ctx context.Context) error { <-ctx.Done(); return nil }
		}
	}
	err = serveWhile(ctx, parts, components, func(ctx context.Context) (err error) {
		in := &installation{parts: parts, servers: kind}
		defer func() { err = errors.Join(err, people.remove(ctx, in)) }()
		return people.flushed(ctx, &lab{cfg: cfg, in: in, r: r}, &result)
	})
	if err != nil {
		return Result{}, err
	}
	return result, nil
}

// serveWhile runs the components while use does, and returns when both have
// ended.
func serveWhile(ctx context.Context, parts *assembly.Parts, components []assembly.Component, use func(context.Context) error) error {
	serving, stop := context.WithCancel(ctx)
	defer stop()
	group, serving := errgroup.WithContext(serving)
	group.Go(func() error { return parts.Serve(serving, nil, components...) })
	group.Go(func() error {
		defer stop()
		return use(serving)
	})
	return group.Wait()
}

// remove leaves no webhooks behind on real servers: the next api that runs finds
// Redis empty and fills it.
func (p population) remove(ctx context.Context, in *installation) error {
	if in.servers == Embedded {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeTimeout)
	defer cancel()
	return in.parts.Redis.Flush(ctx)
}

// fill writes the accounts from … to-1 into a new epoch, and calls halfway in the
// middle of that, unless it is nil.
func (p population) fill(ctx context.Context, parts *assembly.Parts, from, to int, halfway func() error) error {
	return redisstore.NewStore(parts.Redis, parts.Log).Refill(ctx, func(yield yieldStates) error {
		middle := (from + to) / 2
		if err := p.walk(from, middle, yield); err != nil {
			return err
		}
		if halfway != nil {
			if err := halfway(); err != nil {
				return err
			}
		}
		return p.walk(middle, to, yield)
	})
}

// awaitKnown waits until router and sender know so many accounts, whose versions
// are 1.
func (in *installation) awaitKnown(ctx context.Context, accounts int, patience time.Duration) error {
	known, err := await(ctx, func(context.Context) (int, error) {
		versions, err := in.knownVersions()
		return int(versions), err
	}, accounts, patience)
	if err == nil && known < accounts {
		err = fmt.Errorf("router and sender know %d of %d accounts", known, accounts)
	}
	return err
}
