// Package recorder writes the delivery log from the topic attempts, and with it how
// often webhooks fail in a row and what members are told, which it sends on to
// operational webhooks; sends held deliveries on their way once their webhook takes
// them again, runs replays and redrives, and keeps the register: the entries of
// quarantine, and the stores that events had.
//
// The log's transaction also moves the offset that a partition was read to, so
// a crash neither loses nor doubles a row; the group's own offsets are for
// whoever watches the lag. With SQL away the recorder waits, and deliveries go
// on without it; with Kafka away it has nothing to do.
package recorder

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/itemschema"
	"github.com/staffetta/staffetta/pkg/telemetry"
)

const (
	// Group is the recorder's consumer group.
	Group = "staffetta-recorder"
	// commitInterval is how old the lag is that the group shows.
	commitInterval = time.Second
	// fetchRest lets records come together: they wait for gatherFor anyway.
	fetchRest = 50 * time.Millisecond
	// closeTimeout bounds the last commit and the wait for acknowledgements
	// when partitions are taken away.
	closeTimeout = 3 * time.Second
)

// Config is what a recorder needs. All but Retention, Payloads, Quarantine and Now is
// required.
type Config struct {
	Bus *bus.Client
	// Store is on a migrated schema.
	Store Store
	// EventTopics are the event topics, for replays without a source.
	EventTopics []string
	// Partitions is the number of those of attempts, and of deliveries.
	Partitions int
	// Retention is how long the log keeps what was published, at least
	// hook.MinLogRetention. Default: hook.DefaultLogRetention.
	Retention time.Duration
	// Payloads is how long Kafka keeps them, shorter than Retention. Default:
	// bus.PayloadRetention.
	Payloads time.Duration
	// Quarantine is how long the entries of quarantine are kept: as long as Kafka keeps
	// their records. Default: bus.QuarantineRetention.
	Quarantine time.Duration
	Log        *zap.Logger
	Metrics    prometheus.Registerer
	// Now is the clock. Default: time.Now.
	Now func() time.Time
}

// Store is the log, the replays, the redrives, and the register.
type Store interface {
	hook.Recorder
	hook.Replayer
	hook.Redriver
	hook.LogKeeper
	hook.Eraser
	hook.Register
	hook.NoticeQueue
}

// Service is a recorder.
type Service struct {
	Config
	metrics *metrics
	lag     *telemetry.Lag
	schemas *itemschema.Cache
	wake    chan struct{}
	joined  atomic.Bool
	// tails are those of the assignment, by partition; nil without one.
	tails atomic.Pointer[map[int]*tail]
}

// New makes a recorder; Run starts it. Its error is hook.Invalid.
func New(cfg Config) (*Service, error) {
	var faults hook.Invalid
	for name, missing := range map[string]bool{
		"Bus": cfg.Bus == nil, "Store": cfg.Store == nil, "Log": cfg.Log == nil, "Metrics": cfg.Metrics == nil,
	} {
		if missing {
			faults.Add(name, "", "must be set")
		}
	}
	if len(cfg.EventTopics) == 0 {
		faults.Add("EventTopics", "", "must be set")
	}
	if cfg.Partitions < 1 {
		faults.Add("Partitions", fmt.Sprint(cfg.Partitions), "must be at least 1")
	}
	cfg.Retention = cmp.Or(cfg.Retention, hook.DefaultLogRetention)
	if cfg.Retention < hook.MinLogRetention {
		faults.Add("Retention", cfg.Retention.String(), "must be at least "+hook.MinLogRetention.String())
	}
	cfg.Payloads, cfg.Quarantine = cmp.Or(cfg.Payloads, bus.PayloadRetention), cmp.Or(cfg.Quarantine, bus.QuarantineRetention)
	if cfg.Payloads >= cfg.Retention {
		faults.Add("Payloads", cfg.Payloads.String(), "must be less than Retention, "+cfg.Retention.String())
	}
	if err := faults.Err(); err != nil {
		return nil, fmt.Errorf("recorder: %w", err)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &Service{
		Config: cfg, metrics: newMetrics(cfg.Metrics), schemas: itemschema.NewCache(maxItemSchemas), wake: make(chan struct{}, 1),
	}
	s.lag = telemetry.NewLag(Group, s.Positions, cfg.Bus.EndOffsets)
	cfg.Metrics.MustRegister(s.lag)
	return s, nil
}

// Wake asks for a round of releases now, instead of within the second.
func (s *Service) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Run records until ctx ends, and returns nil then. It returns an error if
// Kafka refuses for good; what was not recorded is read again.
func (s *Service) Run(ctx context.Context) error {
	group, err := s.Bus.NewGroup(bus.GroupConfig{ID: Group, Topics: append([]string{bus.Attempts}, registered...), Log: s.Log})
	if err != nil {
		return fmt.Errorf("recorder: %w", err)
	}
	looking, stop := context.WithCancel(ctx)
	var beside sync.WaitGroup
	defer beside.Wait()
	defer stop()
	beside.Go(func() { s.lag.Run(looking) })
	if err := group.Run(ctx, s.generation); err != nil {
		return fmt.Errorf("recorder: %w", err)
	}
	return nil
}

// Ready is a health check: it says so while the recorder is no member of its
// group.
func (s *Service) Ready(context.Context) error {
	if !s.joined.Load() {
		return errors.New("not a member of the group " + Group)
	}
	return nil
}

// Positions are how far the log got in the partitions of attempts that the recorder
// has.
func (s *Service) Positions() (all []telemetry.Position) {
	tails := s.tails.Load()
	if tails == nil {
		return nil
	}
	for p, t := range *tails {
		all = append(all, telemetry.Position{Topic: bus.Attempts, Partition: p, Next: t.next.Load()})
	}
	return all
}

// generation records the partitions of one assignment until they are taken away.
func (s *Service) generation(assigned context.Context, a *bus.Assignment) error {
	s.joined.Store(true)
	defer s.joined.Store(false)
	ctx, fail := context.WithCancelCause(assigned)
	var registering sync.WaitGroup
	registering.Go(func() { fail(s.register(ctx, a)) }) // which ends with ctx, or ends it
	defer registering.Wait()
	defer fail(nil)
	producer := s.Bus.NewProducer(bus.ProducerConfig{Log: s.Log})
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		if err := producer.Close(closing); err != nil {
			s.Log.Warn("not everything was acknowledged before the partitions moved; it is written again", zap.Error(err))
		}
	}()
	for ctx.Err() == nil {
		err := s.follow(ctx, a, producer)
		if errors.Is(err, hook.ErrStale) {
			// The owner before was still writing. What it wrote is in the log, and
			// so is its offset.
			s.Log.Warn("another recorder wrote meanwhile; going on from where it got to", zap.Error(err))
			continue
		}
		if err != nil && ctx.Err() == nil {
			return err
		}
	}
	if assigned.Err() == nil {
		return context.Cause(ctx)
	}
	return nil
}

// follow reads the partitions from where the log got to, until ctx ends or the
// writer fails; it returns why.
func (s *Service) follow(ctx context.Context, a *bus.Assignment, producer *bus.Producer) error {
	ctx, fail := context.WithCancelCause(ctx)
	fetcher := s.Bus.NewFetcher(bus.FetcherConfig{Rest: fetchRest, OnSkipped: s.metrics.onSkipped, Log: s.Log})
	tails := make(map[int]*tail)
	for _, p := range a.Partitions[bus.Attempts] {
		var next int64
		s.persist(ctx, "reading the log's position", func() (err error) {
			next, err = s.Store.NextOffset(ctx, p)
			return err
		})
		tails[p] = newTail(p, next)
	}
	var work sync.WaitGroup
	var ends map[int]int64
	s.persist(ctx, "reading where attempts ends", func() (err error) {
		ends, err = s.Bus.EndOffsets(ctx, bus.Attempts)
		return err
	})
	for p, t := range tails {
		from := t.next.Load()
		if end, ok := ends[p]; ok && from > end {
			// The topic is another one, or lost its tail. Reading all of it again
			// doubles nothing in the log.
			s.Log.Error("the log is ahead of attempts: reading the partition from its start",
				zap.Int("partition", p), zap.Int64("position", from), zap.Int64("end", end))
			from = bus.FirstOffset
		}
		fetcher.Add(bus.Attempts, p, from)
	}
	s.tails.Store(&tails)
	defer s.tails.Store(nil)
	log := newWriter(s, producer, tails)
	work.Go(func() { log.run(ctx, fail) })
	work.Go(func() { s.commitEvery(ctx, a, tails) })
	work.Go(func() { newReleaser(s, producer, tails).run(ctx) })
	work.Go(func() { newReplayer(s, producer, tails).run(ctx) })
	work.Go(func() { newRedriver(s, tails).run(ctx) })
	work.Go(func() { (&notifier{service: s, tails: tails}).run(ctx) })
	if _, mine := tails[finisher]; mine {
		work.Go(func() { s.keepLog(ctx) })
		work.Go(func() { newSendoff(s, producer).run(ctx) })
		work.Go(func() { s.erase(ctx) })
	}
	for {
		batch, err := fetcher.Poll(ctx)
		if err != nil {
			fail(err)
			break
		}
		log.take(ctx, batch)
	}
	work.Wait()
	fetcher.Close()
	return context.Cause(ctx)
}

// commitEvery shows the group how far the log got, until ctx ends.
func (s *Service) commitEvery(ctx context.Context, a *bus.Assignment, tails map[int]*tail) {
	ticker := time.NewTicker(commitInterval)
	defer ticker.Stop()
	shown := make(map[int]int64, len(tails))
	for ended := false; !ended; {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			ended = true
		}
		moved := make(map[int]bus.Committed)
		for p, t := range tails {
			if next := t.next.Load(); next != shown[p] {
				moved[p], shown[p] = bus.Committed{Offset: next}, next
			}
		}
		if len(moved) == 0 {
			continue
		}
		committing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		err := a.Commit(committing, map[string]map[int]bus.Committed{bus.Attempts: moved})
		cancel()
		if err != nil {
			// Nothing depends on it; the next one covers it.
			s.Log.Warn("the lag that the group shows is out of date", zap.Error(err))
			clear(shown)
		}
	}
}
