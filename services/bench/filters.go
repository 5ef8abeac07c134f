package bench

import (
	"context"
	"errors"
	"fmt"

	"github.com/staffetta/staffetta/services/bench/receiver"
)

// The parts of the scenario filters.
const (
	unfiltered = "unfiltered"
	filtered   = "filtered"
)

// filters publishes events of two accounts with many webhooks at full rate. Those
// of one have a filter each, no two the same, that looks at the data of each item
// and lets all through: as many deliveries for more work. Both are measured in
// turns, each time in the other order, since a machine grows slower or faster with
// time.
func filters(ctx context.Context, cfg Config, r *receiver.Process) (Result, error) {
	parts := []struct {
		name string
		to   func(int) target
	}{{unfiltered, plain(r)}, {filtered, throughFilters(r)}}
	result := Result{
		Accounts: len(parts), Webhooks: len(parts) * cfg.Webhooks, Payload: string(cfg.Payload), Ratios: map[string]float64{},
	}
	runs := make([][]Part, len(parts))
	// At least as many deliveries as events were asked for.
	events := (cfg.Events + cfg.Webhooks - 1) / cfg.Webhooks
	err := cfg.inLab(ctx, r, func(ctx context.Context, l *lab) (err error) {
		trials := make([]*trial, len(parts))
		for i, p := range parts {
			one := cfg
			one.Accounts = 1
			trials[i] = &trial{lab: l}
			trials[i].load.tenants, err = l.in.populate(ctx, one, p.to, nil)
			defer func() { err = errors.Join(err, l.in.remove(ctx, trials[i].load.tenants)) }()
			if err != nil {
				return err
			}
			if err := trials[i].warm(ctx); err != nil {
				return err
			}
		}
		return l.measured(&result, func() error {
			return inTurns(cfg.Pairs, len(parts), func(i int) error {
				if err := l.settled(ctx); err != nil {
					return err
				}
				one, err := trials[i].flood(ctx, parts[i].name, everyone, events)
				runs[i] = append(runs[i], one)
				result.Events += events
				return err
			})
		})
	})
	if err != nil {
		return Result{}, err
	}
	result.Parts = []Part{summary(runs[0]), summary(runs[1])}
	result.of(result.Parts[1])
	result.Ratios[filtered] = medianRatio(runs[1], runs[0], rateOf)
	return result, nil
}

// throughFilters is plain, but each webhook has a filter of its own, through which
// all items of a load go: their totals are 1,284.50.
func throughFilters(r *receiver.Process) func(int) target {
	return func(number int) target {
		return target{url: r.URL(), filter: fmt.Sprintf(`event.eventType == "update" && item.data.total > -%d.5`, number)}
	}
}
