package bench

import (
	"context"

	"github.com/staffetta/staffetta/services/bench/receiver"
)

// neighbour measures what receivers that are well notice of others that fall
// ill: how long a delivery to them takes at a steady rate, and how many a second
// they get at full rate, compared with the same receivers when all are well.
// Each has an account of its own. Both are measured in turns, every time with
// new accounts, so that nothing which waits for the ill meets those that are
// well by then.
func neighbour(ctx context.Context, cfg Config, r *receiver.Process) (Result, error) {
	v, err := ParseVariant(cfg.Variant)
	if err != nil {
		return Result{}, err
	}
	cfg.Accounts, cfg.Webhooks = v.Of, v.Of
	result := Result{Accounts: v.Of, Webhooks: v.Of, Payload: string(cfg.Payload)}
	var runs neighbourhood
	err = cfg.inLab(ctx, r, func(ctx context.Context, l *lab) error {
		return l.profiled(func() error {
			return inTurns(cfg.Pairs, 2, func(i int) error {
				d := district{lab: l, variant: v, ill: i == 1, result: &result}
				return d.measure(ctx, &runs)
			})
		})
	})
	if err != nil {
		return Result{}, err
	}
	runs.tell(&result)
	return result, nil
}

// neighbourhood is what was measured of the healthy ones: with everybody well,
// and beside the ill.
type neighbourhood struct {
	wellSteady, wellFull, besideSteady, besideFull []Part
}

// tell makes the result of all runs.
func (n *neighbourhood) tell(result *Result) {
	for _, runs := range [][]Part{n.wellSteady, n.besideSteady, n.wellFull, n.besideFull} {
		result.Parts = append(result.Parts, summary(runs))
	}
	result.Ratios = map[string]float64{
		"p99":  medianRatio(n.besideSteady, n.wellSteady, p99Of),
		"rate": medianRatio(n.besideFull, n.wellFull, rateOf),
	}
	result.Figures = map[string]float64{"p99_more_ms": result.Parts[1].P99 - result.Parts[0].P99}
	result.of(summary(result.Parts))
	// What people ask first is how it is beside the ill.
	result.P50, result.P99 = result.Parts[1].P50, result.Parts[1].P99
	result.DeliveriesPerSecond = result.Parts[3].DeliveriesPerSecond
}
