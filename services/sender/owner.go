package sender

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/retry"
	"github.com/staffetta/staffetta/services/sender/gate"
)

const (
	// laneIdle is how long an unused lane is kept: what it learned about its
	// receiver is stale by then.
	laneIdle = 10 * time.Minute
	// sweepInterval is how soon a lane whose receiver hangs is noticed.
	sweepInterval = 500 * time.Millisecond
)

var (
	errMoved    = errors.New("the partition has moved to another sender")
	errStopping = errors.New("the sender is stopping")
	errHung     = errors.New("the partition hung and begins anew")
)

// owner works on partition p of deliveries and of every tier. It lives from the
// assignment that brings the partition to the one that takes it away.
type owner struct {
	service   *Service
	partition int
	trackers  map[string]*bus.Tracker
	// committed belongs to whoever commits: what was committed last.
	committed map[string]bus.Committed
	memory    *memory
	// past is what owners before did; nil once it no longer matters. ends are
	// where this owner's own writes end; nil until the past is known.
	past   atomic.Pointer[past]
	ends   *ends
	places map[string]time.Time
	// lags follow what is written and not acknowledged, by topic.
	lags   map[string]*lag
	handed handed
	gate   *gate.Gate[*task]
	saved  checkpoint
	// marked has how each resuming webhook was marked last; it is markEvery's.
	marked map[string]marking
	// reread is set once all of deliveries that an owner before may have handed out
	// was handed out again: until then a task of a tier may not be the first of its
	// item although it looks so.
	reread atomic.Bool
	// reading is held while the owner's partitions are added or removed.
	reading  sync.Mutex
	patience patience
	// excused is when the owner last waited for Kafka for long, Unix nanoseconds.
	excused atomic.Int64
	// hangs is set once the owner is to be replaced.
	hangs atomic.Bool
	// known is closed when the past is known.
	known chan struct{}

	ctx     context.Context // ends when the partition is given up
	giveUp  context.CancelCauseFunc
	intake  context.Context // ends when nothing more may be taken
	stop    context.CancelFunc
	stopped chan struct{}

	inbox *inbox
	read  reading
	tiers []*queue // of run alone

	mu    sync.Mutex
	lanes map[string]*lane
}

func newOwner(s *Service, partition int, committed map[string]bus.Committed) *owner {
	o := &owner{
		service:   s,
		partition: partition,
		trackers:  map[string]*bus.Tracker{},
		committed: committed,
		memory:    newMemory(),
		gate:      gate.New[*task](s.room),
		known:     make(chan struct{}),
		stopped:   make(chan struct{}),
		inbox:     newInbox(s.fetcher, partition),
		lanes:     map[string]*lane{},
		lags:      map[string]*lag{},
		marked:    map[string]marking{},
	}
	o.ctx, o.giveUp = context.WithCancelCause(context.Background())
	o.intake, o.stop = context.WithCancel(o.ctx)
	for topic, at := range committed {
		o.trackers[topic] = bus.NewTracker(at.Offset)
	}
	for _, topic := range append([]string{bus.Quarantine, bus.Deliveries, bus.Gates}, written...) {
		o.lags[topic] = &lag{}
	}
	for _, tier := range retry.Tiers {
		o.tiers = append(o.tiers, &queue{tier: tier})
	}
	return o
}

// committedIs reports whether the group's offsets are still those that this
// owner committed: then nobody else had the partition meanwhile.
func (o *owner) committedIs(a *bus.Assignment) bool {
	for topic, own := range o.committed {
		// The note changes also where no offset moves.
		if now := a.Committed(topic, o.partition); now.Offset != own.Offset || now.Metadata != own.Metadata {
			return false
		}
	}
	return true
}

// begin starts the owner's work, once the one before it in this process, if any,
// takes nothing in any more: it might pause what this one reads. at are the ends
// of the topics.
func (o *owner) begin(at *logEnds, before *owner) {
	go o.sweep()
	go func() {
		if before != nil {
			waiting, cancel := context.WithTimeout(o.intake, oldPatience)
			defer cancel()
			select {
			case <-before.stopped:
			case <-waiting.Done():
			}
		}
		o.reading.Lock()
		if o.intake.Err() == nil {
			for topic, tracker := range o.trackers {
				o.service.fetcher.AddSince(topic, o.partition, tracker.Watermark(), o.committed[topic].At)
			}
		}
		o.reading.Unlock()
		o.run(at)
	}()
}

// abandon gives the partition up: what is queued is dropped, since the next
// owner reads it again; requests under way end by themselves, and their answers
// still go to attempts. It does not wait.
func (o *owner) abandon(why error) {
	o.giveUp(why)
	go func() {
		<-o.stopped
		o.closeLanes()
		o.gate.Empty()
	}()
}

// drop lets go of a task whose partition has moved.
func (o *owner) drop(t *task) {
	if !t.over.CompareAndSwap(false, true) {
		return
	}
	t.worked()
	o.memory.forget(t.identity)
	o.release(t)
}

// release gives back what a task took of the budget.
func (o *owner) release(t *task) {
	if t.charged {
		t.charged = false
		o.service.budget.give(t)
	}
}

// run takes in what is fetched and what becomes due, until the intake ends. It
// begins with what owners before have done.
func (o *owner) run(at *logEnds) {
	defer close(o.stopped)
	if err := o.recall(o.intake, at); err != nil {
		return // the intake has ended
	}
	close(o.known)
	due := time.NewTimer(time.Hour)
	defer due.Stop()
	for {
		now := time.Now()
		o.pastIsOver()
		due.Reset(o.untilDue(now))
		select {
		case <-o.intake.Done():
			return
		case <-o.inbox.ready:
			if b, ok := o.inbox.get(); ok {
				o.receive(b)
			}
		case <-due.C:
			o.handOutDue(time.Now())
		}
	}
}
