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
// fast they are delivered. Then the bare loop signs and posts the same bodies, when
// the services are gone. Both are measured in turns, since a machine grows slower or
// faster with time, and the ratio is the median of the pairs'.
func throughput(ctx context.Context, cfg Config, r *receiver.Process) (Result, error) {
	result := Result{
		Events: cfg.Events * cfg.Pairs, Accounts: cfg.Accounts, Webhooks: cfg.Webhooks, Payload: string(cfg.Payload),
	}
	var through, loops []Part
	var made []tenant
	for pair := range cfg.Pairs {
		whole, requests, err := flooded(ctx, cfg, r, pair, &made, &result)
		if err != nil {
			return Result{}, err
		}
		through = append(through, whole)
		debug.FreeOSMemory() // what the services left behind
		if result.BareConnections == 0 {
			// Only the number is taken from here: the best of three figures that vary
			// by chance is better than any of them is.
			if result.BareConnections, err = bestConnections(ctx, cfg, r, requests); err != nil {
				return Result{}, err
			}
		}
		loop, err := bareLoop(ctx, cfg, r, requests, result.BareConnections)
		if err != nil {
			return Result{}, err
		}
		loops = append(loops, loop)
	}
	result.Parts = []Part{summary(through), summary(loops)}
	result.of(result.Parts[0])
	result.BarePerSecond = result.Parts[1].DeliveriesPerSecond
	result.Ratio = medianRatio(through, loops, rateOf)
	return result, nil
}

// flooded delivers all events once, and makes the requests of the bare loop of
// them. The accounts that all pairs made are removed with the last: what those of one
// leave in the log would else be erased beside the next.
func flooded(
	ctx context.Context, cfg Config, r *receiver.Process, pair int, made *[]tenant, result *Result,
) (whole Part, requests []prepared, err error) {
	var events load
	err = cfg.inLab(ctx, r, func(ctx context.Context, l *lab) (err error) {
		events.tenants, err = l.in.populate(ctx, cfg, plain(r), nil)
		*made = append(*made, events.tenants...)
		defer func() {
			if err != nil || pair == cfg.Pairs-1 {
				err = errors.Join(err, l.in.remove(ctx, *made))
			}
		}()
		if err != nil {
			return err
		}
		t := &trial{lab: l, load: events}
		if err := t.warm(ctx); err != nil {
			return err
		}
		metered := l.metered
		if pair == 0 {
			metered = l.measured
		}
		return metered(result, func() error {
			whole, err = t.flood(ctx, "throughput", everyone, cfg.Events)
			return err
		})
	})
	if err != nil {
		return Part{}, nil, err
	}
	// Only now: the services have ended, and nothing arrives any more.
	stats, err := r.Stats(ctx)
	if err != nil {
		return Part{}, nil, err
	}
	whole.Duplicated = stats.Duplicated
	requests, err = events.prepare(cfg, min(whole.Deliveries+whole.Lost, maxBare))
	return whole, requests, err
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
