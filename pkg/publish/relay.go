package publish

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/database"
)

const (
	// defaultPoll bounds the delay of what another process committed.
	defaultPoll = 200 * time.Millisecond
	// batchRows and batchBytes bound one round: with events of up to 900,000
	// bytes a count alone could be 450 MB.
	batchRows  = 500
	batchBytes = 8 << 20
	// drainSpan is how long a relay that is told to stop waits for what it gave
	// to Kafka already, so that it is not published again.
	drainSpan = 3 * time.Second
	// writeSpan bounds the deletion that follows, past the end of ctx.
	writeSpan = 5 * time.Second
	// maxBackoff is the longest pause after an error.
	maxBackoff = 5 * time.Second
)

// RelayConfig sets up a Relay.
type RelayConfig struct {
	DB       *database.DB
	Outbox   *Outbox
	Producer Producer
	// Log; nil: nothing is logged.
	Log *zap.Logger
	// Poll is the pause between two looks at an empty outbox, and between two
	// attempts at leading. Default 200 ms.
	Poll time.Duration
}

// Relay moves events from an outbox to Kafka. Of several relays on one outbox,
// in one process or in many, one works at a time.
type Relay struct {
	cfg      RelayConfig
	election election
	// acknowledged is called between the acknowledgement of a round and its
	// deletion; an error ends the round there. Tests use it as the crash.
	acknowledged func() error
}

// NewRelay checks the configuration; it does no I/O.
func NewRelay(cfg RelayConfig) (*Relay, error) {
	if cfg.DB == nil || cfg.Outbox == nil || cfg.Producer == nil {
		return nil, errors.New("relay: DB, Outbox and Producer are required")
	}
	if cfg.Log == nil {
		cfg.Log = zap.NewNop()
	}
	if cfg.Poll <= 0 {
		cfg.Poll = defaultPoll
	}
	holder, err := uuid.NewRandom()
	if err != nil {
		return nil, fmt.Errorf("relay: name: %w", err)
	}
	return &Relay{
		cfg:          cfg,
		election:     newElection(cfg.DB, cfg.Outbox.prefix, holder.String()),
		acknowledged: func() error { return nil },
	}, nil
}

// Run relays until ctx ends, and then returns nil. Errors of the database or of
// Kafka are logged once and repeated with a growing pause, until they pass.
func (r *Relay) Run(ctx context.Context) error {
	log := r.cfg.Log.With(zap.String("outbox", r.cfg.Outbox.prefix))
	pause, failing := r.cfg.Poll, false
	for ctx.Err() == nil {
		err := r.lead(ctx, func() {
			if failing {
				log.Info("relay works again")
			}
			pause, failing = r.cfg.Poll, false
		})
		if err != nil && ctx.Err() == nil {
			if !failing {
				log.Warn("relay waits", zap.Error(err))
			}
			failing = true
			pause = min(2*pause, maxBackoff)
		}
		sleep(ctx, pause, nil)
	}
	return nil
}

// lead works for one term: nil if another relay leads or ctx ended. worked is
// called after each round without an error.
func (r *Relay) lead(ctx context.Context, worked func()) error {
	t, err := r.election.Stand(ctx)
	if err != nil || t == nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeSpan)
		defer cancel()
		t.End(ctx)
	}()
	for ctx.Err() == nil {
		more, err := r.round(ctx, t)
		if err != nil {
			return err
		}
		worked()
		if !more {
			sleep(ctx, r.cfg.Poll, r.cfg.Outbox.wake)
		}
	}
	return nil
}

// round publishes one batch and deletes what was acknowledged; more says that
// the outbox held more than that.
func (r *Relay) round(ctx context.Context, t term) (more bool, err error) {
	if err := t.Renew(ctx); err != nil {
		return false, err
	}
	rows, more, err := r.read(ctx, t)
	if err != nil || len(rows) == 0 {
		return false, err
	}
	outcome, err := r.publish(ctx, t, rows)
	if errors.Is(err, errLost) {
		return false, err
	}
	if err := r.acknowledged(); err != nil {
		return false, err
	}
	return more, errors.Join(err, r.settle(ctx, t, outcome))
}

// sleep waits for the time, the signal or the end of ctx.
func sleep(ctx context.Context, d time.Duration, signal <-chan struct{}) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-signal:
	case <-ctx.Done():
	}
}
