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
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"
	"golang.org/x/sync/semaphore"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/retry"
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
		idle:     make(chan *task),
		owners:   map[int]*owner{},
		hung:     map[identity]int{},
	}
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

// leaveUnlessServing leaves the group if the sender stops while it has no
// assignment. One that waits for the next, to drain on, does not wait for a
// Kafka that is away: nothing can be written down, so it is repeated anyway.
func (s *Service) leaveUnlessServing(member context.Context, leave func(), serving *sync.Mutex) {
	tick := time.NewTicker(commitInterval / 5)
	defer tick.Stop()
	for member.Err() == nil {
		if serving.TryLock() {
			if s.drained() || !s.lease.holds() {
				leave()
			}
			serving.Unlock()
		}
		select {
		case <-tick.C:
		case <-member.Done():
		}
	}
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

// serve works on one assignment until it is taken away or the sender stops.
func (s *Service) serve(stopping, generation context.Context, a *bus.Assignment) {
	heard := time.Now() // by the group
	s.take(a, stopping.Err() == nil)
	// What is somebody else's by now is given up: nothing of it starts.
	s.lease.renew(heard, a.Session)
	reading, stopReading := context.WithCancel(generation)
	defer stopReading()
	defer context.AfterFunc(stopping, stopReading)()

	var committer sync.WaitGroup
	committing, stopCommitting := context.WithCancel(generation)
	committer.Go(func() { s.commitEvery(committing, a) })
	committer.Go(func() { s.watch(committing) })
	for reading.Err() == nil {
		s.beginAnew()
		batch, err := s.poll(reading)
		if err != nil {
			if errors.Is(err, context.Canceled) {
				continue // the end, or an owner that hangs
			}
			break
		}
		if o := s.owner(batch.Partition); o != nil {
			o.inbox.put(batch)
		}
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(generation), leaveTimeout)
	defer cancel()
	if generation.Err() == nil {
		s.drain(generation)
	} else {
		// The next owners read in attempts what was answered by now.
		flushing, cancel := context.WithTimeout(last, flushTimeout)
		s.writing.flush(flushing)
		cancel()
	}
	stopCommitting()
	committer.Wait()
	if err := s.commit(last, a); err != nil {
		s.Log.Warn("last commit before the partitions move failed; their next owners have more to read", zap.Error(err))
	}
}

// poll returns what was fetched next; context.Canceled also if an owner is to
// begin anew.
func (s *Service) poll(ctx context.Context) (bus.Batch, error) {
	ctx, interrupt := context.WithCancel(ctx)
	defer interrupt()
	s.mu.Lock()
	s.interrupt = interrupt
	if len(s.hanging) > 0 {
		interrupt()
	}
	s.mu.Unlock()
	return s.fetcher.Poll(ctx)
}

func (s *Service) owner(partition int) *owner {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.owners[partition]
}

// take gives up the owners of partitions that went, and starts some for those
// that are new, if it is to begin anything. An owner whose partition stays goes
// on as if nothing had happened, unless somebody else has committed meanwhile.
func (s *Service) take(a *bus.Assignment, begin bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := a.Generation == s.generation+1
	s.generation = a.Generation
	mine, old := map[int]bool{}, map[int]*owner{}
	for _, p := range a.Partitions[bus.Deliveries] {
		mine[p] = true
	}
	for p, o := range s.owners {
		// In the generation after its own nobody else can have had the partition,
		// whatever became of the last commit.
		if mine[p] && (next || o.committedIs(a)) {
			continue
		}
		s.end(o, errMoved)
		old[p] = o
	}
	ends := s.logEnds()
	for p := range mine {
		if _, ok := s.owners[p]; ok || !begin {
			continue
		}
		committed := map[string]bus.Committed{}
		for _, topic := range topics() {
			committed[topic] = a.Committed(topic, p)
		}
		s.owners[p] = newOwner(s, p, committed)
		s.owners[p].begin(ends, old[p])
	}
	s.share.Store(int64(len(s.owners)))
	s.metrics.partitions.Set(float64(len(s.owners)))
}

func (s *Service) logEnds() *logEnds { return &logEnds{bus: s.Bus, log: s.Log} }

// end gives an owner up. Under s.mu.
func (s *Service) end(o *owner, why error) {
	o.abandon(why)
	o.reading.Lock() // it begins no more
	for _, topic := range topics() {
		s.fetcher.Remove(topic, o.partition)
	}
	o.reading.Unlock()
	delete(s.owners, o.partition)
}

// drained reports whether a sender that stops has nothing under way any more, or
// has waited for it for as long as one request may last.
func (s *Service) drained() bool { return s.budget.idle() || time.Now().After(s.stopsBy()) }

// stopsBy is until when a sender drains; whoever asks first sets it.
func (s *Service) stopsBy() time.Time {
	s.stopBy.CompareAndSwap(0, time.Now().Add(hook.MaxTimeout).UnixNano())
	return time.Unix(0, s.stopBy.Load())
}

// drain takes nothing new and waits until the fate of every task that was started
// is durable, for as long as one request may last since the sender was stopped. If the partitions
// are revoked meanwhile it goes on in the next generation.
func (s *Service) drain(ctx context.Context) {
	revoked := ctx
	ctx, cancel := context.WithDeadline(ctx, s.stopsBy())
	defer cancel()
	s.mu.Lock()
	owners := slices.Collect(maps.Values(s.owners))
	s.mu.Unlock()
	for _, o := range owners {
		o.stop()
	}
	for _, o := range owners {
		select {
		case <-o.stopped:
			// What is queued is the next owner's: it reads it again.
			o.closeLanes()
		case <-ctx.Done():
		}
	}
	if err := s.budget.drain(ctx); err != nil && revoked.Err() == nil {
		s.Log.Warn("some requests were still under way when the sender stopped; they are repeated", zap.Error(err))
	}
}
