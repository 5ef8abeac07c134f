package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/staffetta/staffetta/services/bench/receiver"
)

// groupReplayed is the receiver's group of the webhook that a replay delivers to.
const groupReplayed = "replayed"

// replay lets one account have a history of cfg.Events deliveries, and replays all
// of it to a new webhook, cfg.Drain a second, while cfg.Accounts others go on at
// cfg.Rate in all. It measures what the others feel before, during and after that.
// It lasts Events / Drain seconds at least.
func replay(ctx context.Context, cfg Config, r *receiver.Process) (Result, error) {
	result := Result{
		Events: cfg.Events, Accounts: cfg.Accounts + 1, Webhooks: cfg.Webhooks + 2, Payload: string(cfg.Payload),
	}
	err := cfg.inLab(ctx, r, func(ctx context.Context, l *lab) (err error) {
		one := cfg
		one.Accounts, one.Webhooks = 1, 1
		old, others := &trial{lab: l}, &trial{lab: l}
		defer func() {
			err = errors.Join(err, l.in.remove(ctx, old.load.tenants), l.in.remove(ctx, others.load.tenants))
		}()
		if old.load.tenants, err = l.in.populate(ctx, one, plain(r), nil); err != nil {
			return err
		}
		quick := target{url: r.URLOf(receiver.OK, groupOthers), group: groupOthers}
		if others.load.tenants, err = l.in.populate(ctx, cfg, always(quick), nil); err != nil {
			return err
		}
		if err := unmeasured(old.flood(ctx, "history", everyone, cfg.Events)); err != nil {
			return err
		}
		again := target{url: r.URLOf(receiver.OK, groupReplayed), group: groupReplayed}
		to, err := l.in.subscribe(ctx, one, old.load.tenants[0].account, again, nil)
		if err != nil {
			return err
		}
		if err := errors.Join(l.in.awaitLive(ctx), l.settled(ctx)); err != nil {
			return err
		}
		return l.measured(&result, func() error { return replayBeside(ctx, &old.load.tenants[0], to, others, &result) })
	})
	return result, err
}

// replayBeside replays beside the others' flow. What is replayed carries the times
// at which the history was published, so the receiver is not reset.
func replayBeside(ctx context.Context, old *tenant, to webhook, others *trial, result *Result) error {
	cfg, r := others.cfg, others.r
	span := time.Duration(cfg.Seconds) * time.Second
	flow := others.flow(ctx, cfg.Rate)
	// Where it is stopped below its error counts; this is for the ways out before.
	defer func() { _, _ = flow.stop() }()
	if err := pause(ctx, runIn); err != nil {
		return err
	}
	begun := time.Now()
	if err := pause(ctx, span); err != nil {
		return err
	}
	at := time.Now()
	var asked struct{ ID string }
	err := others.in.api.call(ctx, http.MethodPost, "/v1/replays", old.account, map[string]any{
		"webhook": to.id, "source": old.webhooks[0].id, "from": time.Unix(0, 0).UTC(), "rate": cfg.Drain,
	}, &asked)
	if err != nil {
		return err
	}
	if _, err := await(ctx, others.arrived(groupReplayed), cfg.Events, cfg.Patience); err != nil {
		return err
	}
	after := time.Now()
	if err := pause(ctx, span); err != nil {
		return err
	}
	published, err := flow.stop()
	if err != nil {
		return err
	}
	want := others.load.deliveriesTo(groupOthers, flow.from, published)
	if _, err := await(ctx, others.arrived(groupOthers), want, cfg.Patience); err != nil {
		return err
	}
	whole, err := r.StatsOf(ctx, receiver.Of{Group: groupReplayed})
	if err != nil {
		return err
	}
	all, err := r.StatsOf(ctx, receiver.Of{Group: groupOthers})
	if err != nil {
		return err
	}
	result.Parts = []Part{partOf("replayed", at, cfg.Events, whole), partOf("others", begun, want, all)}
	// From when it was published first to its second arrival: that says nothing.
	result.Parts[0].P50, result.Parts[0].P99 = 0, 0
	result.of(result.Parts[0])
	result.Lost += result.Parts[1].Lost
	result.Duplicated += result.Parts[1].Duplicated
	if err := others.tell(ctx, result, window{"others_before", begun, at}, window{"others_during", at, after},
		window{"others_after", after, after.Add(span)}); err != nil {
		return err
	}
	before, during := result.Parts[2], result.Parts[3]
	result.P50, result.P99 = during.P50, during.P99
	result.Ratios = map[string]float64{"p99": medianRatio([]Part{during}, []Part{before}, p99Of)}
	return others.check(ctx, old.account, asked.ID, cfg.Events)
}

// tell adds what became of the others' deliveries in some windows.
func (t *trial) tell(ctx context.Context, result *Result, windows ...window) error {
	for _, w := range windows {
		part, err := w.of(ctx, t.r, groupOthers)
		if err != nil {
			return err
		}
		result.Parts = append(result.Parts, part)
	}
	return nil
}

// check makes sure that the replay says what it did.
func (t *trial) check(ctx context.Context, account, id string, want int) error {
	const every = 100 * time.Millisecond
	ctx, cancel := context.WithTimeout(ctx, t.cfg.Patience)
	defer cancel()
	for {
		var now struct {
			State    string
			Progress struct{ Replayed int }
		}
		if err := t.in.api.call(ctx, http.MethodGet, "/v1/replays/"+id, account, nil, &now); err != nil {
			return err
		}
		if now.State != "running" {
			if now.State != "done" || now.Progress.Replayed != want {
				return fmt.Errorf("the replay is %s, and says that it made %d of %d deliveries", now.State, now.Progress.Replayed, want)
			}
			return nil
		}
		if err := pause(ctx, every); err != nil {
			return err
		}
	}
}
