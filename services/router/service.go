// Package router reads the event topics, finds the webhooks that want each
// change, and writes one bundle per partition of their senders to the topic
// deliveries. What cannot be delivered to anybody goes to quarantine with its
// reason. An offset is committed once everything that its record led to has
// been acknowledged by Kafka: a router that dies repeats, and loses nothing.
package router

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

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/filter"
	"github.com/staffetta/staffetta/pkg/itemschema"
	"github.com/staffetta/staffetta/pkg/telemetry"
)

const (
	// Group is the router's consumer group.
	Group = "staffetta-router"
	// commitInterval is the most that a killed router repeats (DESIGN.md).
	commitInterval = 100 * time.Millisecond
	// settleTimeout bounds the wait for acknowledgements when partitions are
	// taken away; what is not acknowledged by then is read again by the next.
	settleTimeout = 3 * time.Second
	// maxFilters bounds the expressions that are kept compiled: 50,000 at 3 kB are
	// 150 MB. Of more, the least used are compiled again, at 200 µs each.
	maxFilters = 50_000
)

// Snapshot is the router's view of all accounts.
type Snapshot interface {
	// Account returns an account's index, of a deleted one too.
	Account(id string) (*Index, bool)
	// Sync returns once the snapshot is at least as new as the call.
	Sync(ctx context.Context) error
	// Ready is closed when a complete snapshot has been read.
	Ready() <-chan struct{}
	// Versions is the sum of all accounts' versions.
	Versions() int64
}

// Config is what a router needs. All fields but Filters are required.
type Config struct {
	Bus *bus.Client
	// Topics are the event topics to read. What is in bus.Notices, which is one of
	// them, are notices, and nothing else is.
	Topics []string
	// Partitions is their number in the topic deliveries.
	Partitions int
	Snapshot   Snapshot
	// Filters shows people what went wrong with filters; nil: nobody sees it.
	Filters FilterErrors
	Tracer  trace.Tracer
	Log     *zap.Logger
	Metrics prometheus.Registerer
}

// Service is a router.
type Service struct {
	Config
	metrics  *metrics
	lag      *telemetry.Lag
	filters  *filter.Cache
	schemas  *itemschema.Cache
	failures *failures
	joined   atomic.Bool
	// intakes are those of the assignment, by topic and partition; nil without one.
	intakes atomic.Pointer[map[string]map[int]*intake]
}

// New makes a router; Run starts it.
func New(cfg Config) *Service {
	m := newMetrics(cfg.Metrics, cfg.Snapshot)
	s := &Service{
		Config: cfg, metrics: m, filters: filter.NewCache(maxFilters), schemas: itemschema.NewCache(maxItemSchemas),
		failures: newFailures(cfg.Filters, m.filterErrors, cfg.Log),
	}
	s.lag = telemetry.NewLag(Group, s.Positions, cfg.Bus.EndOffsets)
	cfg.Metrics.MustRegister(s.lag)
	return s
}

// Run routes until ctx ends, and returns nil then. It returns an error if Kafka
// refuses for good; nothing is lost, since nothing was committed.
func (s *Service) Run(ctx context.Context) error {
	select {
	case <-s.Snapshot.Ready():
		s.metrics.snapshot.Set(1)
	case <-ctx.Done():
		return nil
	}
	group, err := s.Bus.NewGroup(bus.GroupConfig{ID: Group, Topics: s.Topics, Log: s.Log})
	if err != nil {
		return fmt.Errorf("router: %w", err)
	}
	var showing sync.WaitGroup
	defer showing.Wait()
	shown, stop := context.WithCancel(context.WithoutCancel(ctx)) // what the last events leave is shown too
	defer stop()
	showing.Go(func() { s.failures.run(shown) })
	showing.Go(func() { s.lag.Run(shown) })
	if err := group.Run(ctx, s.generation); err != nil {
		return fmt.Errorf("router: %w", err)
	}
	return nil
}

// Ready is a health check: it says so while the router is no member of its group.
func (s *Service) Ready(context.Context) error {
	if !s.joined.Load() {
		return errors.New("not a member of the group " + Group)
	}
	return nil
}

// Positions are how far the router got in the partitions that it has.
func (s *Service) Positions() (all []telemetry.Position) {
	intakes := s.intakes.Load()
	if intakes == nil {
		return nil
	}
	for topic, partitions := range *intakes {
		for p, in := range partitions {
			all = append(all, telemetry.Position{Topic: topic, Partition: p, Next: in.tracker.Watermark()})
		}
	}
	return all
}

// generation routes the partitions of one assignment until they are taken away.
func (s *Service) generation(assigned context.Context, a *bus.Assignment) error {
	s.joined.Store(true)
	defer s.joined.Store(false)
	room := roomOf(count(a.Partitions))
	producer := s.Bus.NewProducer(bus.ProducerConfig{Log: s.Log})
	fetcher := s.Bus.NewFetcher(bus.FetcherConfig{PartitionMaxBytes: room / fetches, OnSkipped: s.metrics.onSkipped, Log: s.Log})
	ctx, fail := context.WithCancelCause(assigned)
	defer fail(nil)

	intakes := map[string]map[int]*intake{}
	var workers sync.WaitGroup
	for topic, partitions := range a.Partitions {
		intakes[topic] = map[int]*intake{}
		for _, p := range partitions {
			committed := a.Committed(topic, p)
			next := committed.Offset
			in := &intake{
				service:   s,
				topic:     topic,
				partition: p,
				notices:   topic == bus.Notices,
				producer:  producer,
				bundler:   NewBundler(s.Partitions, s.filters),
				tracing:   newTracing(s.Tracer, topic, p),
				fail:      fail,
				tracker:   bus.NewTracker(next),
				committed: next,
				inbox:     newInbox(room, func() { fetcher.Pause(topic, p) }, func() { fetcher.Resume(topic, p) }),
				waiting:   newWaiting(room, s.metrics.waiting),
				synced:    make(chan string),
				sightings: &sightings{},
			}
			intakes[topic][p] = in
			fetcher.AddSince(topic, p, next, committed.At)
			workers.Go(func() { in.run(ctx) })
		}
	}
	s.intakes.Store(&intakes)
	defer s.intakes.Store(nil)
	var committer sync.WaitGroup
	committer.Go(func() { s.commitEvery(ctx, a, intakes) })
	for ctx.Err() == nil {
		batch, err := fetcher.Poll(ctx)
		if err != nil {
			fail(fmt.Errorf("fetch events: %w", err)) // which changes nothing if ctx has ended
			break
		}
		in := intakes[batch.Topic][batch.Partition]
		in.tracing.polled(&batch)
		in.inbox.put(batch)
	}
	fetcher.Close()
	workers.Wait()
	committer.Wait()

	// The last commit covers what Kafka acknowledges meanwhile.
	settled, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	if err := producer.Close(settled); err != nil {
		s.Log.Warn("not everything was acknowledged before the partitions moved; it is routed again", zap.Error(err))
	}
	if err := s.commit(settled, a, intakes); err != nil {
		s.Log.Warn("last commit before the partitions move failed; some events are routed again", zap.Error(err))
	}
	if cause := context.Cause(ctx); !errors.Is(cause, context.Cause(assigned)) {
		return cause
	}
	return nil
}

func count(partitions map[string][]int) (n int) {
	for _, numbers := range partitions {
		n += len(numbers)
	}
	return n
}

func (s *Service) commitEvery(ctx context.Context, a *bus.Assignment, intakes map[string]map[int]*intake) {
	tick := time.NewTicker(commitInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := s.commit(ctx, a, intakes); err != nil && ctx.Err() == nil {
				s.Log.Warn("commit failed; trying again", zap.Error(err))
			}
		}
	}
}

// commit commits the watermarks that moved.
func (s *Service) commit(ctx context.Context, a *bus.Assignment, intakes map[string]map[int]*intake) error {
	moved := map[string]map[int]bus.Committed{}
	for topic, partitions := range intakes {
		for p, in := range partitions {
			if at := in.tracker.Watermark(); at != in.committed {
				if moved[topic] == nil {
					moved[topic] = map[int]bus.Committed{}
				}
				moved[topic][p] = bus.Committed{Offset: at}
			}
		}
	}
	if len(moved) == 0 {
		return nil
	}
	if err := a.Commit(ctx, moved); err != nil {
		return err
	}
	for topic, partitions := range moved {
		for p, c := range partitions {
			intakes[topic][p].committed = c.Offset
		}
	}
	return nil
}
