package bench

import (
	"context"
	"errors"
	"fmt"

	"github.com/staffetta/staffetta/services/bench/receiver"
)

// latency publishes events at an even rate that keeps nobody busy, and measures
// how long each takes to arrive. Of several spans it tells the medians, since
// one pause of the machine within a span makes up its p99.
func latency(ctx context.Context, cfg Config, r *receiver.Process) (Result, error) {
	count := max(1, int(cfg.Rate*float64(cfg.Seconds)))
	result := Result{
		Events: count * cfg.Pairs, Accounts: cfg.Accounts, Webhooks: cfg.Webhooks, Payload: string(cfg.Payload),
	}
	err := cfg.inLab(ctx, r, func(ctx context.Context, l *lab) (err error) {
		t := &trial{lab: l}
		t.load.tenants, err = l.in.populate(ctx, cfg, plain(r), nil)
		defer func() { err = errors.Join(err, l.in.remove(ctx, t.load.tenants)) }()
		if err != nil {
			return err
		}
		if err := t.warmSteady(ctx); err != nil {
			return err
		}
		return l.measured(&result, func() error {
			for n := range cfg.Pairs {
				span, err := t.steady(ctx, fmt.Sprintf("span-%d", n+1), everyone, count, cfg.Rate)
				if err != nil {
					return err
				}
				result.Parts = append(result.Parts, span)
			}
			return nil
		})
	})
	if err != nil {
		return Result{}, err
	}
	result.of(summary(result.Parts))
	return result, nil
}
