package recorder

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/journal"
	"github.com/staffetta/staffetta/pkg/quarantine"
)

const (
	// gatherFor is how long records are gathered for one transaction: what the
	// log lags behind in quiet times, and at most five transactions a second
	// until there are so many records that maxRows ends them sooner. A
	// transaction costs 1–2 ms of CPU beside its rows.
	gatherFor = 200 * time.Millisecond
	// maxRows bounds a transaction: a record counts as a row, and so does each of
	// its items, of which there may be 10,000. 5,000 records of one item are
	// about 100 ms of work.
	maxRows = 10_000
	// inboxBatches is how many fetched batches (of one partition and at most
	// 1 MiB each) wait while a transaction is under way.
	inboxBatches = 16
	// reasonUndecodable is the quarantine's reason for a record that is no
	// attempt.
	reasonUndecodable = "undecodable_attempt"
)

// writer writes the partitions of one assignment into the log, each in order,
// all that have something in one transaction: with 32 partitions of their own
// transactions, those would cost more than the rows.
type writer struct {
	service  *Service
	producer *bus.Producer
	tails    map[int]*tail
	inbox    chan bus.Batch
	// bad are records that go to quarantine before the log moves past them.
	bad []bus.Record
	// rows are those of what is gathered.
	rows int
}

func newWriter(s *Service, producer *bus.Producer, tails map[int]*tail) *writer {
	return &writer{service: s, producer: producer, tails: tails, inbox: make(chan bus.Batch, inboxBatches)}
}

// take hands a fetched batch over. While the log is behind it waits, and with
// it all fetching.
func (w *writer) take(ctx context.Context, batch bus.Batch) {
	select {
	case w.inbox <- batch:
	case <-ctx.Done():
	}
}

// run ends with ctx, or calls fail if somebody else wrote to a partition. What
// is gathered then is read again.
func (w *writer) run(ctx context.Context, fail context.CancelCauseFunc) {
	var due <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case batch := <-w.inbox:
			if err := w.gather(ctx, batch); err != nil {
				fail(err)
				return
			}
			switch pending := len(w.ranges()) > 0; {
			case !pending:
				due = nil
			case due == nil:
				due = time.After(gatherFor)
			}
		case <-due:
			due = nil
			if err := w.write(ctx); err != nil {
				fail(err)
				return
			}
		}
	}
}

func (w *writer) gather(ctx context.Context, batch bus.Batch) error {
	s, t := w.service, w.tails[batch.Partition]
	if batch.Reset {
		s.metrics.resets.Inc()
		s.Log.Error("attempts were deleted by retention before they were recorded: the log has a gap",
			zap.Int("partition", t.partition), zap.Int64("from", t.upTo), zap.Int64("next", batch.Next))
	}
	for _, r := range batch.Records {
		a, err := journal.Decode(r.Value)
		if err != nil {
			w.other(t, r, err)
		} else {
			t.records = append(t.records, hook.Recorded{Offset: r.Offset, Attempt: a})
		}
		w.rows += 1 + len(a.Items)
		t.upTo = r.Offset + 1
		if w.rows >= maxRows {
			if err := w.write(ctx); err != nil {
				return err
			}
		}
	}
	t.upTo = batch.Next
	return nil
}

// other takes in a record that is no attempt: a marker, or one for quarantine.
func (w *writer) other(t *tail, r bus.Record, why error) {
	var marker *journal.MarkerError
	if errors.As(why, &marker) {
		t.markers = append(t.markers, marker.Marker)
		return
	}
	w.service.metrics.quarantined.Inc()
	w.service.Log.Error("record of attempts goes to quarantine", zap.Stringer("at", r.At()), zap.Error(why))
	w.bad = append(w.bad, quarantine.Record(r, reasonUndecodable, why.Error()))
}

// ranges are what the log lacks of all partitions.
func (w *writer) ranges() []hook.Range {
	var ranges []hook.Range
	for _, t := range w.tails {
		if r, ok := t.gathered(); ok {
			ranges = append(ranges, r)
		}
	}
	return ranges
}

// write puts what is gathered where it belongs, trying until ctx ends. A crash
// between the two writes quarantine's records twice.
func (w *writer) write(ctx context.Context) error {
	s := w.service
	if len(w.bad) > 0 && !s.persist(ctx, "writing to quarantine", func() error {
		return w.producer.ProduceSync(ctx, w.bad...)
	}) {
		return nil
	}
	ranges := w.ranges()
	var stale error
	begun := time.Now()
	if !s.persist(ctx, "writing the log", func() error {
		err := s.Store.Record(ctx, ranges)
		if errors.Is(err, hook.ErrStale) {
			stale, err = err, nil
		}
		return err
	}) || stale != nil {
		return stale
	}
	s.metrics.writes.Observe(time.Since(begun).Seconds())
	for _, r := range ranges {
		s.metrics.count(r.Records, time.Now())
		// Not kept for the next one: the slices hold on to the records' memory.
		t := w.tails[r.Partition]
		t.records, t.markers = nil, nil
		t.next.Store(r.To)
	}
	w.bad, w.rows = nil, 0
	return nil
}
