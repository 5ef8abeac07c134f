package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"runtime/pprof"

	"github.com/staffetta/staffetta/services/bench/receiver"
)

// throughput publishes all events as fast as Kafka takes them and measures how
// fast they are delivered. Then the bare loop signs and posts the same bodies, when the
// services are gone.
func throughput(ctx context.Context, cfg Config, r *receiver.Process) (Result, error) {
	result := Result{
		Events: cfg.Events, Accounts: cfg.Accounts, Webhooks: cfg.Webhooks, Payload: string(cfg.Payload),
	}
	var events load
	err := cfg.inLab(ctx, r, func(ctx context.Context, l *lab) (err error) {
		events.tenants, err = l.in.populate(ctx, cfg, plain(r), nil)
		defer func() { err = errors.Join(err, l.in.remove(ctx, events.tenants)) }()
		if err != nil {
			return err
		}
		t := &trial{lab: l, load: events}
		if err := t.warm(ctx); err != nil {
			return err
		}
		return l.measured(&result, func() error {
			whole, err := t.flood(ctx, "throughput", everyone, cfg.Events)
			result.of(whole)
			return err
		})
	})
	if err != nil {
		return Result{}, err
	}
	// Only now: the services have ended, and nothing arrives any more.
	stats, err := r.Stats(ctx)
	if err != nil {
		return Result{}, err
	}
	result.Duplicated = stats.Duplicated
	requests, err := events.prepare(cfg, min(result.Deliveries+result.Lost, maxBare))
	if err != nil {
		return Result{}, err
	}
	debug.FreeOSMemory() // what the services left behind
	reached, err := bareRate(ctx, cfg, r, requests)
	if err != nil {
		return Result{}, err
	}
	result.compare(reached)
	return result, nil
}

// profile starts the CPU profile if one is wanted. stop is never nil.
func (cfg Config) profile() (stop func(), err error) {
	if cfg.Profile == nil {
		return func() {}, nil
	}
	if err := pprof.StartCPUProfile(cfg.Profile); err != nil {
		return func() {}, fmt.Errorf("profile: %w", err)
	}
	return pprof.StopCPUProfile, nil
}
