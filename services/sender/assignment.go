package sender

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/staffetta/staffetta/pkg/bus"
	"go.uber.org/zap"
)

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
	committer.Go(func() { s.markEvery(committing) })
	for reading.Err() == nil {
		s.beginAnew()
		batch, err := s.poll(reading)
		if err != nil {
			if errors.Is(err, context.Canceled) {
				continue // the end, or an owner that hangs
			}
			break
		}
		s.polled(&batch)
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
