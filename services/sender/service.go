// Package sender posts deliveries to their receivers, signed, and decides in
// bounded time what becomes of each: delivered, or parked in a tier for its
// next attempt, or settled in the log.
//
// The member of the group that has partition p of deliveries has p of every
// tier, so a webhook has one owner (owner.go) and one lane (lane.go). A fate is
// durable before its record counts as done (settle.go): first attempts
// acknowledges it, then the tier. Offsets are committed up to the first record
// that is not done, so a sender that dies repeats what was open, and loses
// nothing.
package sender

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"
	"golang.org/x/sync/semaphore"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/retry"
	"github.com/staffetta/staffetta/pkg/telemetry"
	"github.com/staffetta/staffetta/services/sender/gate"
)

const (
	// Group is the senders' consumer group.
	Group = "staffetta-sender"
	// commitInterval is how often watermarks are committed (DESIGN.md, rule 1).
	commitInterval = 500 * time.Millisecond
	// maxFetched bounds what is fetched of a partition at a time: with 10 tiers
	// and 32 partitions that wait these are 80 MB.
	maxFetched = 256 << 10
	// linger is how long a fate or a parked task waits for others to be written
	// with it (DESIGN.md, "Kafka"): no request waits for it.
	linger = 5 * time.Millisecond
	// leaveTimeout bounds the last commit.
	leaveTimeout = 3 * time.Second
	// flushTimeout bounds the wait, when partitions are taken away, for the records
	// of what was answered before.
	flushTimeout = time.Second
)

var errRefused = errors.New("kafka refused a record for good")

// Snapshot is the sender's view of all accounts.
type Snapshot interface {
	// Account returns an account, a deleted one too.
	Account(id string) (*Account, bool)
	// Sync returns once the snapshot is at least as new as the call.
	Sync(ctx context.Context) error
	// Ready is closed when a complete snapshot has been read.
	Ready() <-chan struct{}
	// Versions is the sum of all accounts' versions.
	Versions() int64
}

// Config is what a sender needs. All fields but Passed are required.
type Config struct {
	Bus      *bus.Client
	Snapshot Snapshot
	// Client posts.
	Client Client
	// Circuits are told what the breakers are like.
	Circuits Circuits
	// MaxOpen is the longest time that a breaker stays open; see DefaultMaxOpen.
	MaxOpen time.Duration
	// Partitions is their number in the topic deliveries.
	Partitions int
	// Quotas are the calls that accounts may make.
	Quotas Quotas
	// HungAfter is how old an open task is that shows that its partition hangs;
	// see DefaultHungAfter.
	HungAfter time.Duration
	// Passed, unless nil, is told when a task passes a moment; for tests.
	Passed func(m Moment, delivery string)
	// UserAgent is the header of that name, such as "Staffetta/1.0".
	UserAgent string
	Tracer    trace.Tracer
	Log       *zap.Logger
	Metrics   prometheus.Registerer
}

// Service is a sender.
type Service struct {
	Config
	metrics  *metrics
	lag      *telemetry.Lag
	budget   *budget
	producer *bus.Producer
	// journal is for attempts alone, which do not wait behind what is parked.
	journal  *bus.Producer
	fetcher  *bus.Fetcher
	turns    *turns
	lease    *lease
	room     *gate.Room
	writing  writing
	sight    sight
	tests    tests
	resuming resumptions
	circuits *reporter
	tokens   tokens
	joined   atomic.Bool
	// share is the number of partitions owned.
	share atomic.Int64
	// stopBy is until when a sender that stops drains, in Unix nanoseconds.
	stopBy atomic.Int64
	reads  *semaphore.Weighted
	// idle hands tasks to goroutines that wait for one; idling is how many do.
	idle   chan *task
	idling atomic.Int32
	// lifetime ends when the sender has left its group: until then answers are
	// written down.
	lifetime context.Context
	// fail ends Run with an error.
	fail context.CancelCauseFunc

	// generation of the group in which owners were taken last.
	generation int

	mu     sync.Mutex // held by who reads or changes owners
	owners map[int]*owner
	// hung counts how often a task was the oldest of a partition that hung;
	// anyHung says whether there is one.
	hung    map[identity]int
	anyHung atomic.Bool
	// hanging are owners to begin anew; interrupt tells whoever polls.
	hanging   []*owner
	interrupt context.CancelFunc
}

// New makes a sender; Run starts it.
func New(cfg Config) *Service {
	b := newBudget()
	room := &gate.Room{MaxEntries: maxGated, MaxWaiting: maxInFlight / 4}
	s := &Service{
		Config:  cfg,
		metrics: newMetrics(cfg.Metrics, cfg.Snapshot, b, room),
		budget:  b,
		reads:   semaphore.NewWeighted(maxReads),

		circuits: newReporter(cfg.Circuits, cfg.Log),
		lease:    newLease(time.Now),
		room:     room,
		resuming: newResumptions(),
		idle:     make(chan *task),
		owners:   map[int]*owner{},
		hung:     map[identity]int{},
	}
	s.lag = telemetry.NewLag(Group, s.Positions, cfg.Bus.EndOffsets)
	cfg.Metrics.MustRegister(s.lag, observer{s})
	s.turns = newTurns(s.startWaiting, time.Now)
	return s
}

// topics are those of which a member has the same partitions.
func topics() []string {
	names := []string{bus.Deliveries}
	for _, tier := range retry.Tiers {
		names = append(names, tier.Topic)
	}
	return names
}

// Run sends until ctx ends. It then takes nothing new, waits for the requests
// under way for as long as one may last, commits, and leaves the group. It
// returns an error if Kafka refuses for good.
func (s *Service) Run(ctx context.Context) error {
	select {
	case <-s.Snapshot.Ready():
	case <-ctx.Done():
		return nil
	}
	ctx, s.fail = context.WithCancelCause(ctx)
	defer s.fail(nil)
	s.producer = s.Bus.NewProducer(bus.ProducerConfig{Linger: linger, Log: s.Log})
	s.journal = s.Bus.NewProducer(bus.ProducerConfig{Linger: linger, Log: s.Log})
	s.fetcher = s.Bus.NewFetcher(bus.FetcherConfig{Log: s.Log, PartitionMaxBytes: maxFetched})
	group, err := s.Bus.NewGroup(bus.GroupConfig{ID: Group, Topics: topics(), Log: s.Log})
	if err != nil {
		return fmt.Errorf("sender: %w", err)
	}
	// The group outlives ctx, so that the drain happens as its member: nobody
	// else starts on what is still under way here.
	member, leave := context.WithCancel(context.WithoutCancel(ctx))
	defer leave()
	s.lifetime = member
	go s.circuits.run(member)
	go s.lag.Run(member)
	var serving sync.Mutex // held while there is an assignment
	go func() {
		<-ctx.Done()
		s.leaveUnlessServing(member, leave, &serving)
	}()
	err = group.Run(member, func(generation context.Context, a *bus.Assignment) error {
		serving.Lock()
		defer serving.Unlock()
		s.joined.Store(true)
		s.serve(ctx, generation, a)
		s.joined.Store(false)
		if ctx.Err() != nil && (generation.Err() == nil || s.drained()) {
			leave() // else it drains on in the next generation
		}
		return nil
	})
	s.mu.Lock()
	for _, o := range s.owners {
		o.abandon(errStopping)
	}
	s.mu.Unlock()
	s.fetcher.Close()
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
	defer cancel()
	err = errors.Join(err, s.journal.Close(closing), s.producer.Close(closing))
	if cause := context.Cause(ctx); errors.Is(cause, errRefused) {
		return fmt.Errorf("sender: %w", cause)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("sender: %w", err)
	}
	return nil
}

// Share is what part of all partitions this sender has; above 0, as a part of an
// account's quota.
func (s *Service) Share() float64 {
	return max(1, float64(s.share.Load())) / float64(s.Partitions)
}

// Ready is a health check: it says so while the sender is no member of its group.
func (s *Service) Ready(context.Context) error {
	if !s.joined.Load() {
		return errors.New("not a member of the group " + Group)
	}
	return nil
}
