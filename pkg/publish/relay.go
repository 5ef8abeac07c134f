package publish

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/database"
)

const (
	// defaultPoll bounds the delay of what nobody told of.
	defaultPoll = 200 * time.Millisecond
	// defaultLease is how long the outbox waits after its leader was killed or
	// hangs. It is renewed three times as often, so it survives a pause of 3 s.
	defaultLease = 5 * time.Second
	// drainSpan is how long a relay that is told to stop waits for what it gave
	// to Kafka already, so that it is not published again.
	drainSpan = 3 * time.Second
	// writeSpan bounds a change of the outbox, also past the end of ctx.
	writeSpan = 5 * time.Second
	// querySpan bounds other statements: a server that does not answer any more
	// shall not hold a relay for ever.
	querySpan = 30 * time.Second
	// maxBackoff is the longest pause after an error.
	maxBackoff = 5 * time.Second
)

// RelayConfig sets up a Relay.
type RelayConfig struct {
	DB     *database.DB
	Outbox *Outbox
	// Producer is mostly a *Publisher.
	Producer Producer
	// Log; nil: nothing is logged.
	Log *zap.Logger
	// Metrics gets staffetta_outbox_… while the relay runs; nil: none.
	Metrics prometheus.Registerer
	// Poll is the pause between two looks at an empty outbox, and between two
	// attempts at leading. Default 200 ms.
	Poll time.Duration
	// Lease is how long a leader that was killed, or hangs, is waited for.
	// Default 5 s, at least 100 ms.
	Lease time.Duration
}

// Relay moves events from an outbox to Kafka. Of several relays on one outbox,
// in one process or in many, one works at a time.
type Relay struct {
	cfg   RelayConfig
	lease lease
	meter *meter
	// batch is the most rows of a round.
	batch int
	// ahead is the next batch, if it was read while the last was on its way.
	ahead []row
	// unsettled is what Kafka has answered and the outbox does not show yet.
	unsettled outcome
	// held are topics that took nothing, and until when they are left alone.
	held     map[string]time.Time
	holdSpan time.Duration
	// acknowledged is called between the acknowledgement of rows and their
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
	if cfg.Lease == 0 {
		cfg.Lease = defaultLease
	}
	if cfg.Lease < 100*time.Millisecond {
		return nil, fmt.Errorf("relay: Lease must be at least 100ms, not %s", cfg.Lease)
	}
	holder, err := uuid.NewRandom()
	if err != nil {
		return nil, fmt.Errorf("relay: name: %w", err)
	}
	cfg.Log = cfg.Log.With(zap.String("outbox", cfg.Outbox.prefix))
	batch := batchRows
	if cfg.DB.Dialect == database.SQLite {
		batch = smallBatchRows
	}
	return &Relay{
		cfg:          cfg,
		batch:        batch,
		lease:        newLease(cfg.DB, cfg.Outbox.prefix, holder.String(), cfg.Lease),
		meter:        newMeter(cfg.Outbox.prefix),
		unsettled:    outcome{refused: make(map[int64]error)},
		held:         make(map[string]time.Time),
		holdSpan:     defaultHold,
		acknowledged: func() error { return nil },
	}, nil
}

// Run relays until ctx ends, and then returns nil. Errors of the database or of
// Kafka are logged once and repeated with a growing pause, until they pass.
func (r *Relay) Run(ctx context.Context) error {
	log := r.cfg.Log
	if err := r.meter.register(r.cfg.Metrics); err != nil {
		return err
	}
	defer r.meter.unregister(r.cfg.Metrics)
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
	t, err := r.lease.Stand(ctx)
	if err != nil || t == nil {
		return err
	}
	r.meter.leads(true)
	defer func() {
		r.meter.leads(false)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeSpan)
		defer cancel()
		t.End(ctx)
	}()
	var beside sync.WaitGroup
	led, end := context.WithCancel(ctx)
	defer beside.Wait()
	defer end()
	beside.Go(func() { r.measure(led) })
	if r.cfg.DB.Dialect == database.Postgres {
		beside.Go(func() { r.listen(led, r.cfg.Log) })
	}
	// What an earlier term of this relay could not settle is in Kafka all the same.
	if err := r.settle(ctx, t); err != nil {
		return err
	}
	r.ahead = nil
	w := waiter{relay: r, term: t}
	for ctx.Err() == nil {
		rows, err := r.round(ctx, t)
		if err != nil {
			return err
		}
		worked()
		if err := w.wait(ctx, rows); err != nil {
			return err
		}
	}
	return nil
}
