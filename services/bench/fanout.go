package bench

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/staffetta/staffetta/services/bench/receiver"
)

// fanout publishes events of accounts with many webhooks at full rate and
// compares the rate of deliveries with that of as many events for one webhook,
// as the scenario throughput publishes them. All are measured in turns, each
// time in the other order, since a machine grows slower or faster with time.
func fanout(ctx context.Context, cfg Config, r *receiver.Process) (Result, error) {
	sizes := append([]int{1}, cfg.Fanout...)
	result := Result{Accounts: len(sizes), Payload: string(cfg.Payload), Ratios: map[string]float64{}}
	runs := make([][]Part, len(sizes))
	err := cfg.inLab(ctx, r, func(ctx context.Context, l *lab) (err error) {
		trials, err := l.fans(ctx, sizes)
		defer func() {
			for _, t := range trials {
				err = errors.Join(err, l.in.remove(ctx, t.load.tenants))
			}
		}()
		if err != nil {
			return err
		}
		return l.measured(&result, func() error {
			return inTurns(cfg.Pairs, len(sizes), func(i int) error {
				if err := l.settled(ctx); err != nil {
					return err
				}
				// At least as many deliveries as events were asked for.
				events := (cfg.Events + sizes[i] - 1) / sizes[i]
				one, err := trials[i].flood(ctx, fanName(sizes[i]), everyone, events)
				runs[i] = append(runs[i], one)
				result.Events += events
				return err
			})
		})
	})
	if err != nil {
		return Result{}, err
	}
	for i, size := range sizes {
		result.Webhooks += size
		result.Parts = append(result.Parts, summary(runs[i]))
		if i > 0 {
			result.Ratios[fanName(size)] = medianRatio(runs[i], runs[0], rateOf)
		}
	}
	result.of(summary(slices.Concat(runs...)))
	return result, nil
}

// fanName is a part's name.
func fanName(webhooks int) string {
	if webhooks == 1 {
		return "throughput"
	}
	return "fanout-" + strconv.Itoa(webhooks)
}

// fans makes an account for each number of webhooks, and warms it up. What was
// made is returned with an error too.
func (l *lab) fans(ctx context.Context, sizes []int) (trials []*trial, err error) {
	for _, size := range sizes {
		cfg := l.cfg
		cfg.Accounts, cfg.Webhooks = 1, size
		t := &trial{lab: l}
		trials = append(trials, t)
		if t.load.tenants, err = l.in.populate(ctx, cfg, plain(l.r), nil); err != nil {
			return trials, err
		}
		if err := t.warm(ctx); err != nil {
			return trials, err
		}
	}
	return trials, nil
}

// inTurns calls do for each of so many things, as often as there are rounds, in
// every second round backwards. It ends with the first error.
func inTurns(rounds, things int, do func(thing int) error) error {
	for round := range rounds {
		for n := range things {
			if round%2 == 1 {
				n = things - 1 - n
			}
			if err := do(n); err != nil {
				return err
			}
		}
	}
	return nil
}
