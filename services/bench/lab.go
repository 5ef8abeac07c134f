package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/services/bench/receiver"
)

// lab is a running installation with what is needed to measure it.
type lab struct {
	cfg      Config
	in       *installation
	r        *receiver.Process
	producer *bus.Producer
}

// inLab starts all services and a producer, calls use, and stops them.
func (cfg Config) inLab(ctx context.Context, r *receiver.Process, use func(ctx context.Context, l *lab) error) error {
	return cfg.installed(ctx, func(ctx context.Context, in *installation) (err error) {
		producer := in.parts.Bus.NewProducer(bus.ProducerConfig{Log: cfg.Log})
		defer func() { err = errors.Join(err, producer.Close(context.WithoutCancel(ctx))) }()
		return use(ctx, &lab{cfg: cfg, in: in, r: r, producer: producer})
	})
}

// measured calls do while the clock runs: metered, and with a CPU profile of it.
func (l *lab) measured(result *Result, do func() error) error {
	return l.profiled(func() error { return l.metered(result, do) })
}

// profiled calls do with a CPU profile of it, if one is wanted.
func (l *lab) profiled(do func() error) error {
	stop, err := l.cfg.profile()
	if err != nil {
		return err
	}
	defer stop()
	return do()
}

// metered calls do, and adds to the result what this process used and what the
// sender counted meanwhile.
func (l *lab) metered(result *Result, do func() error) error {
	result.Servers = l.in.servers
	counted, err := l.in.figures()
	if err != nil {
		return err
	}
	before, err := used()
	if err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	after, err := used()
	if err != nil {
		return err
	}
	result.CPUSeconds += (after.cpu - before.cpu).Seconds()
	result.PeakRSS = after.peak
	now, err := l.in.figures()
	result.counted(now.since(counted))
	return err
}

// settled waits until the sender has nothing under way, so that what was
// measured before does not weigh on what is measured next.
func (l *lab) settled(ctx context.Context) error {
	const every = 5 * time.Millisecond
	ctx, cancel := context.WithTimeout(ctx, l.cfg.Patience)
	defer cancel()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		f, err := l.in.figures()
		if err != nil || f[inFlight] == 0 {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("the sender still has %.0f tasks under way: %w", f[inFlight], context.Cause(ctx))
		}
	}
}
