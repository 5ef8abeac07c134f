package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"runtime/pprof"
	"time"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/services/bench/receiver"
)

// throughput publishes all events as fast as Kafka takes them and measures how
// fast they are delivered. Then the bare loop posts the same requests, when the
// services are gone.
func throughput(ctx context.Context, cfg Config, r *receiver.Process) (Result, error) {
	result := Result{
		Events: cfg.Events, Accounts: cfg.Accounts, Webhooks: cfg.Webhooks, Payload: string(cfg.Payload),
	}
	var l load
	err := cfg.installed(ctx, func(ctx context.Context, in *installation) (err error) {
		result.Servers = in.servers
		l.tenants, err = in.populate(ctx, cfg, r.URL())
		defer func() { err = errors.Join(err, in.remove(ctx, l.tenants)) }()
		if err != nil {
			return err
		}
		return measure(ctx, cfg, in, l, r, &result)
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
	requests, err := l.prepare(cfg, min(result.Deliveries+result.Lost, maxBare))
	if err != nil {
		return Result{}, err
	}
	debug.FreeOSMemory() // what the services left behind
	reached, err := bareRate(ctx, r, requests)
	if err != nil {
		return Result{}, err
	}
	result.compare(reached)
	return result, nil
}

// measure warms up and then runs the clock.
func measure(ctx context.Context, cfg Config, in *installation, l load, r *receiver.Process, result *Result) (err error) {
	producer := in.parts.Bus.NewProducer(bus.ProducerConfig{Log: cfg.Log})
	defer func() { err = errors.Join(err, producer.Close(context.WithoutCancel(ctx))) }()
	arrived := func(ctx context.Context) (int, error) {
		p, err := r.Progress(ctx)
		return p.Deliveries, err
	}
	run := func(from, count int) (lost int, err error) {
		want := l.deliveries(from, count)
		if err := l.publish(ctx, producer, from, count); err != nil {
			return 0, err
		}
		got, err := await(ctx, arrived, want, cfg.Patience)
		return want - got, err
	}
	warm := warmUp(cfg)
	if lost, err := run(0, warm); err != nil || lost > 0 {
		return errors.Join(err, lostWarmingUp(lost))
	}

	stopProfile, err := cfg.profile()
	if err != nil {
		return err
	}
	before, err := used()
	if err != nil {
		return err
	}
	if err := r.Reset(ctx, time.Now()); err != nil {
		return err
	}
	begun := time.Now()
	result.Lost, err = run(warm, cfg.Events)
	stopProfile()
	if err != nil {
		return err
	}
	after, err := used()
	if err != nil {
		return err
	}
	stats, err := r.Stats(ctx)
	if err != nil {
		return err
	}
	result.Deliveries, result.P50, result.P99 = stats.Deliveries, stats.P50, stats.P99
	if stats.Deliveries > 0 {
		result.span(time.Unix(0, stats.LastNS).Sub(begun))
	}
	result.CPUSeconds, result.PeakRSS = (after.cpu - before.cpu).Seconds(), after.peak
	return nil
}

// warmUp is the number of events that are not counted: they fill caches, open
// connections and let lanes grow. 500, less where they would be more than 5,000
// deliveries, but one for each account.
func warmUp(cfg Config) int {
	const events, deliveries = 500, 5_000
	return max(cfg.Accounts, min(events, deliveries*cfg.Accounts/cfg.Webhooks))
}

func lostWarmingUp(lost int) error {
	if lost == 0 {
		return nil
	}
	return fmt.Errorf("%d deliveries were lost before the measurement began", lost)
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
