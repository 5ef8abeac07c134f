package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/bench/receiver"
)

// The receiver's groups of the scenario backlog.
const (
	groupParked  = "parked"
	groupHealthy = "healthy"
)

// parkedWebhooks share the backlog, one of each account, so that it lies on
// several partitions.
const parkedWebhooks = 10

// backlog parks cfg.Backlog deliveries whose webhooks have a rate limit,
// cfg.Drain a second in all, so that their due times are spread and so many turn
// each second. It measures the rate of a healthy flow, cfg.Pairs times cfg.Events
// at full rate, without and beside that, and the memory of this process. What is
// parked at the end stays so.
func backlog(ctx context.Context, cfg Config, r *receiver.Process) (Result, error) {
	limited := cfg
	limited.Accounts = min(parkedWebhooks, cfg.Drain)
	limited.Webhooks = limited.Accounts
	result := Result{
		Events: cfg.Backlog + 2*cfg.Pairs*cfg.Events, Accounts: cfg.Accounts + limited.Accounts,
		Webhooks: cfg.Webhooks + limited.Webhooks, Payload: string(cfg.Payload),
		Figures: map[string]float64{}, Ratios: map[string]float64{}, Series: map[string][]float64{},
	}
	err := cfg.inLab(ctx, r, func(ctx context.Context, l *lab) (err error) {
		b := backlogTrial{parked: &trial{lab: l}, healthy: &trial{lab: l}, result: &result}
		defer func() {
			err = errors.Join(err, l.in.remove(ctx, b.parked.load.tenants), l.in.remove(ctx, b.healthy.load.tenants))
		}()
		well := target{url: r.URLOf(receiver.OK, groupHealthy), group: groupHealthy}
		if b.healthy.load.tenants, err = l.in.populate(ctx, cfg, always(well), nil); err != nil {
			return err
		}
		slow := target{url: r.URLOf(receiver.OK, groupParked), group: groupParked}
		own := settings{"rateLimit": cfg.Drain / limited.Accounts}
		if b.parked.load.tenants, err = l.in.populate(ctx, limited, always(slow), own); err != nil {
			return err
		}
		if err := errors.Join(b.healthy.warm(ctx), b.parked.warm(ctx), l.settled(ctx)); err != nil {
			return err
		}
		return l.measured(&result, func() error { return b.run(ctx) })
	})
	if err != nil {
		return Result{}, err
	}
	return result, nil
}

// backlogTrial is what is parked, and the healthy flow beside it.
type backlogTrial struct {
	parked, healthy *trial
	result          *Result
}

func (b backlogTrial) run(ctx context.Context) error {
	cfg, result := b.healthy.cfg, b.result
	alone, err := b.rounds(ctx, "healthy_alone", 0)
	if err != nil {
		return err
	}
	result.Figures["heap_mib_alone"] = liveHeap()

	before, err := b.parked.in.figures()
	if err != nil {
		return err
	}
	if err := b.parked.r.Reset(ctx, time.Now()); err != nil {
		return err
	}
	read, err := b.parked.pour(ctx, groupParked, cfg.Drain, cfg.Backlog, b.parked.flooding)
	if err != nil {
		return err
	}
	read.tell(result)
	result.Figures["heap_mib_parked"] = liveHeap()

	turning, err := b.parked.in.figures()
	if err != nil {
		return err
	}
	watched := watchMemory(ctx)
	begun := time.Now()
	beside, err := b.rounds(ctx, "healthy_beside", time.Duration(cfg.Seconds)*time.Second)
	took := time.Since(begun)
	watched.stop(result.Series)
	if err != nil {
		return err
	}
	result.Figures["heap_mib_end"] = liveHeap()

	after, err := b.parked.in.figures()
	if err != nil {
		return err
	}
	// Deliveries of the parked ones are those that the healthy flow did not get.
	healthy := summary(beside)
	turned := after.since(turning)
	result.Figures["turned_per_s"] = (turned[delivered] - float64(healthy.Deliveries) + turned[deferredTotal]) / took.Seconds()
	whole := after.since(before)
	part := Part{Name: "backlog", Runs: 1, Lost: whole.givenUp()}
	part.Deliveries = int(whole[delivered]) - healthy.Deliveries
	part.Pending = cfg.Backlog - part.Deliveries - part.Lost

	result.of(healthy)
	result.Lost += part.Lost + summary(alone).Lost
	result.Parts = []Part{summary(alone), healthy, part}
	result.Ratios["healthy_beside_per_alone"] = medianRatio([]Part{healthy}, []Part{result.Parts[0]}, rateOf)
	result.Ratios["heap_end_per_parked"] = result.Figures["heap_mib_end"] / result.Figures["heap_mib_parked"]
	return nil
}

// delivered is the name of a figure.
var delivered = fmt.Sprintf("staffetta_sender_fates_total{fate=%s}", hook.FateDelivered)

// rounds measures the healthy flow cfg.Pairs times, and for as long as span.
func (b backlogTrial) rounds(ctx context.Context, name string, span time.Duration) ([]Part, error) {
	var parts []Part
	for begun := time.Now(); len(parts) < b.healthy.cfg.Pairs || time.Since(begun) < span; {
		part, err := b.healthy.flood(ctx, name, groupHealthy, b.healthy.cfg.Events)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	return parts, nil
}
