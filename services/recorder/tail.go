package recorder

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/journal"
	"github.com/staffetta/staffetta/pkg/quarantine"
)

const (
	// gatherFor is how long records are gathered for one transaction: what the
	// log lags behind in quiet times, and with 32 partitions at most 160
	// transactions a second.
	gatherFor = 200 * time.Millisecond
	// maxRows bounds a transaction: a record has a row, and one for each of its
	// items, of which there may be 10,000. 5,000 records of one item are 250 ms
	// of work on SQLite.
	maxRows = 10_000
	// inboxBatches is how many fetched batches (1 MiB each) wait for a tail.
	inboxBatches = 2
	// reasonUndecodable is the quarantine's reason for a record that is no
	// attempt.
	reasonUndecodable = "undecodable_attempt"
)

// tail writes one partition of attempts into the log, in order.
type tail struct {
	service   *Service
	producer  *bus.Producer
	partition int
	inbox     chan bus.Batch
	// next is what the log was written up to.
	next atomic.Int64

	// What is gathered: records from next to upTo. The bad ones among them go to
	// quarantine before upTo is written.
	records []hook.Recorded
	bad     []bus.Record
	rows    int
	upTo    int64
}

func newTail(s *Service, producer *bus.Producer, partition int, next int64) *tail {
	t := &tail{service: s, producer: producer, partition: partition, inbox: make(chan bus.Batch, inboxBatches), upTo: next}
	t.next.Store(next)
	return t
}

// take hands a fetched batch over. While the log is behind it waits, and with
// it all fetching: the log is one database for all partitions.
func (t *tail) take(ctx context.Context, batch bus.Batch) {
	select {
	case t.inbox <- batch:
	case <-ctx.Done():
	}
}

// run ends with ctx, or calls fail if somebody else wrote to the partition.
// What is gathered then is read again.
func (t *tail) run(ctx context.Context, fail context.CancelCauseFunc) {
	var due <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case batch := <-t.inbox:
			if err := t.gather(ctx, batch); err != nil {
				fail(err)
				return
			}
			switch pending := t.upTo != t.next.Load(); {
			case !pending:
				due = nil
			case due == nil:
				due = time.After(gatherFor)
			}
		case <-due:
			due = nil
			if err := t.write(ctx); err != nil {
				fail(err)
				return
			}
		}
	}
}

func (t *tail) gather(ctx context.Context, batch bus.Batch) error {
	if batch.Reset {
		t.service.metrics.resets.Inc()
		t.service.Log.Error("attempts were deleted by retention before they were recorded: the log has a gap",
			zap.Int("partition", t.partition), zap.Int64("from", t.upTo), zap.Int64("next", batch.Next))
	}
	for _, r := range batch.Records {
		a, err := journal.Decode(r.Value)
		if err != nil {
			t.service.metrics.quarantined.Inc()
			t.service.Log.Error("record of attempts goes to quarantine", zap.Stringer("at", r.At()), zap.Error(err))
			t.bad = append(t.bad, quarantine.Record(r, reasonUndecodable, err.Error()))
		} else {
			t.records = append(t.records, hook.Recorded{Offset: r.Offset, Attempt: a})
		}
		t.rows += 1 + len(a.Items)
		t.upTo = r.Offset + 1
		if t.rows >= maxRows {
			if err := t.write(ctx); err != nil {
				return err
			}
		}
	}
	t.upTo = batch.Next
	return nil
}

// write puts what is gathered where it belongs, trying until ctx ends. A crash
// between the two writes quarantine's records twice.
func (t *tail) write(ctx context.Context) error {
	s := t.service
	if len(t.bad) > 0 && !s.persist(ctx, "writing to quarantine", func() error {
		return t.producer.ProduceSync(ctx, t.bad...)
	}) {
		return nil
	}
	from := t.next.Load()
	var stale error
	begun := time.Now()
	if !s.persist(ctx, "writing the log", func() error {
		err := s.Store.Record(ctx, t.partition, from, t.upTo, t.records)
		if errors.Is(err, hook.ErrStale) {
			stale, err = err, nil
		}
		return err
	}) || stale != nil {
		return stale
	}
	t.next.Store(t.upTo)
	s.metrics.writes.Observe(time.Since(begun).Seconds())
	for i := range t.records {
		s.metrics.records.WithLabelValues(string(t.records[i].Attempt.Fate)).Inc()
	}
	// Not kept for the next batch: the slices hold on to the records' memory.
	t.records, t.bad, t.rows = nil, nil, 0
	return nil
}
