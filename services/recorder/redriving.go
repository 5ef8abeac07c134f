package recorder

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/redrive"
)

const (
	// redriveChunk bounds what is sent before the progress is noted, and so what is sent
	// twice after a crash.
	redriveChunk = 100
	// redriveBytes bounds the values of a chunk, as they are in quarantine; one that is
	// larger comes alone. Mended they are there twice.
	redriveBytes = 16 << 20
	// redriveReaders read the records of a chunk side by side: a read waits for a broker.
	redriveReaders = 8
	// missingFor is how long a topic has to be missing before what was read there counts as
	// without a place: brokers that restart may not know their topics yet.
	missingFor = 5 * time.Second
)

// redriving is one redrive under way. Each chunk is read, sent, acknowledged, and noted in
// this order, so that after a crash one chunk may be sent twice, and none is missed.
type redriving struct {
	service *Service
	// producer is its own: what Kafka does not take of it, such as for a topic that is
	// being deleted, is not to fill the room of the log's.
	producer *bus.Producer
	redrive  hook.Redrive
	pace     pace
	// missing are topics that are known not to be there.
	missing sync.Map
}

func newRedriving(s *Service, redrive hook.Redrive) *redriving {
	now := s.Now()
	return &redriving{
		service: s, producer: s.Bus.NewProducer(bus.ProducerConfig{Log: s.Log}), redrive: redrive, pace: pace{since: now, last: now},
	}
}

// run sends until the end, or until ctx ends, which is no error. ErrStale: it was
// cancelled, or another member runs it. Any other: it goes on from where it was when it
// is run again.
func (r *redriving) run(ctx context.Context) error {
	defer func() {
		// Of what is not acknowledged by now nothing is noted: it is sent again.
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), ackGrace)
		defer cancel()
		_ = r.producer.Close(closing)
	}()
	ticker := time.NewTicker(replayTick)
	defer ticker.Stop()
	for {
		for more := true; more; {
			var err error
			if more, err = r.step(ctx); err != nil {
				return err
			}
		}
		if r.redrive.State != hook.RedriveRunning {
			r.service.Log.Info("a redrive ends", zap.String("redrive", r.redrive.ID), zap.String("account", r.redrive.Account),
				zap.Int64("sent", r.redrive.Progress.Sent), zap.Int64("passed", r.redrive.Progress.Done))
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// step sends some of what the pace allows now. more says that it may allow others.
func (r *redriving) step(ctx context.Context) (more bool, err error) {
	now := r.service.Now()
	limit := r.pace.take(now, math.MaxInt, rising(float64(r.redrive.Rate), now.Sub(r.pace.since)), replayBurst)
	if limit == 0 {
		return false, nil
	}
	entries, err := r.service.Store.RedriveEntries(ctx, r.redrive, min(limit, redriveChunk))
	if err != nil {
		return false, err
	}
	ended := len(entries) == 0
	entries = within16MiB(entries)
	r.pace.tokens += float64(limit - len(entries))
	outcomes, err := r.send(ctx, entries)
	if err != nil {
		return false, err
	}
	if err := r.note(ctx, entries, outcomes, ended); err != nil {
		return false, err
	}
	return !ended && limit > len(entries), nil
}

// within16MiB cuts a chunk where its values are more than redriveBytes.
func within16MiB(entries []hook.Quarantined) []hook.Quarantined {
	var bytes int64
	for i := range entries {
		if bytes += entries[i].Bytes; i > 0 && bytes > redriveBytes {
			return entries[:i]
		}
	}
	return entries
}

// send sends records again and says of each why that cannot be; empty: it was
// acknowledged. With Kafka away it waits. The error says that nothing is to be noted.
func (r *redriving) send(ctx context.Context, entries []hook.Quarantined) (outcomes []string, err error) {
	outcomes = make([]string, len(entries))
	records := make([]bus.Record, len(entries))
	reading, readingCtx := errgroup.WithContext(ctx)
	reading.SetLimit(redriveReaders)
	for i := range entries {
		reading.Go(func() (err error) {
			records[i], outcomes[i], err = r.read(readingCtx, &entries[i])
			return err
		})
	}
	if err := reading.Wait(); err != nil {
		return nil, fmt.Errorf("reading %d records of quarantine: %w", len(entries), err)
	}
	if err := r.places(ctx, records, outcomes); err != nil {
		return nil, err
	}
	return outcomes, r.write(ctx, records, outcomes)
}

// read makes the record that goes for an entry, or says why there is none.
func (r *redriving) read(ctx context.Context, q *hook.Quarantined) (again bus.Record, outcome string, err error) {
	came, err := redrive.Read(ctx, r.service.Bus, q)
	switch {
	case errors.Is(err, hook.ErrNotFound):
		return again, redrive.RecordExpired, nil
	case errors.Is(err, bus.ErrNoTopic):
		return again, redrive.RecordExpired, r.missed(ctx, q.At, err)
	case err != nil:
		return again, "", err
	}
	if r.redrive.Patch != "" {
		came, err = redrive.Patched(q, came, r.redrive.Patch, r.redrive.Account)
	} else {
		err = redrive.AsItCame(q, &came)
	}
	if defect := new(redrive.Defect); errors.As(err, &defect) {
		r.service.Log.Debug("a quarantined record cannot be sent again", zap.String("redrive", r.redrive.ID), zap.String("record", q.ID), zap.Error(err))
		return again, defect.Reason, nil
	}
	if err != nil {
		return again, "", err
	}
	again, err = redrive.Again(ctx, r.service.Bus, q, came, r.service.Now())
	switch {
	case errors.Is(err, hook.ErrNotFound):
		return again, redrive.PayloadExpired, nil
	case errors.Is(err, bus.ErrNoTopic):
		return again, redrive.PayloadExpired, r.missed(ctx, q.Source, err)
	}
	return again, "", err
}

// missed tells whether a partition is really missing: nil; or what was told before of it,
// which is worth another try.
func (r *redriving) missed(ctx context.Context, at hook.Coordinates, told error) error {
	n, err := r.partitions(ctx, at.Topic)
	if err != nil || at.Partition >= n {
		return err
	}
	return told
}

// partitions is the number of those of a topic; 0 if it has been missing for a while.
func (r *redriving) partitions(ctx context.Context, topic string) (int, error) {
	if _, missing := r.missing.Load(topic); missing {
		return 0, nil
	}
	ticker := time.NewTicker(awaitInterval)
	defer ticker.Stop()
	for since := time.Now(); ; {
		n, err := r.service.Bus.Partitions(ctx, topic)
		if !errors.Is(err, bus.ErrNoTopic) {
			return n, err
		}
		if time.Since(since) >= missingFor {
			r.missing.Store(topic, true)
			return 0, nil
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-ticker.C:
		}
	}
}

// places finds those for which there is no topic or partition any more. Without this
// look a producer would wait for a topic that was deleted.
func (r *redriving) places(ctx context.Context, records []bus.Record, outcomes []string) error {
	partitions := make(map[string]int)
	for i := range records {
		if outcomes[i] != "" {
			continue
		}
		n, known := partitions[records[i].Topic]
		if !known {
			var err error
			if n, err = r.partitions(ctx, records[i].Topic); err != nil {
				return err
			}
			partitions[records[i].Topic] = n
		}
		if p := records[i].Partition; p < 0 || p >= n {
			outcomes[i] = redrive.NoTopic
		}
	}
	return nil
}

// write waits for all acknowledgements, at the end of ctx for a moment more, and notes
// what Kafka refuses for good: that is no reason to stop.
func (r *redriving) write(ctx context.Context, records []bus.Record, outcomes []string) error {
	writing, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(ackGrace, stop) })()
	type answer struct {
		record int
		err    error
	}
	answers := make(chan answer, len(records)) // so that no answer waits for us
	waiting := 0
	for i := range records {
		if outcomes[i] != "" {
			continue
		}
		err := r.producer.Produce(writing, records[i], func(_ hook.Coordinates, err error) { answers <- answer{i, err} })
		switch {
		case err == nil:
			waiting++
		case writing.Err() != nil, errors.Is(err, bus.ErrClosed):
			return err
		case errors.Is(err, bus.ErrNoTopic): // it was there a moment ago
			return err
		default:
			r.refused(&records[i], err)
			outcomes[i] = redrive.Refused
		}
	}
	for range waiting {
		select {
		case a := <-answers:
			switch {
			case a.err == nil:
			case errors.Is(a.err, bus.ErrClosed):
				return a.err
			default:
				r.refused(&records[a.record], a.err)
				outcomes[a.record] = redrive.Refused
			}
		case <-writing.Done():
			return context.Cause(writing)
		}
	}
	return nil
}

func (r *redriving) refused(record *bus.Record, err error) {
	r.service.Log.Warn("kafka does not take a record of quarantine back", zap.String("redrive", r.redrive.ID),
		zap.String("topic", record.Topic), zap.Int("partition", record.Partition), zap.Error(err))
}

// note writes down what became of a chunk and how far the redrive is; ended: there was
// nothing left. It tries until it succeeds or ctx ends, as all of it was sent. ErrStale.
func (r *redriving) note(ctx context.Context, entries []hook.Quarantined, outcomes []string, ended bool) error {
	next := r.redrive
	next.Progress = r.redrive.Progress.Clone()
	var sent []string
	for i := range entries {
		next.Progress.Done++
		next.Progress.At, next.Progress.Entry = entries[i].CreatedAt, entries[i].ID
		if outcomes[i] != "" {
			next.Progress.Fail(outcomes[i])
			continue
		}
		next.Progress.Sent++
		sent = append(sent, entries[i].ID)
	}
	next.Progress.Total = max(next.Progress.Total, next.Progress.Done)
	if ended {
		next.State = hook.RedriveDone
	}
	var after hook.Redrive
	var stale error
	try := func(ctx context.Context) (err error) {
		after, err = r.service.Store.AdvanceRedrive(ctx, next, sent)
		if errors.Is(err, hook.ErrStale) || errors.Is(err, hook.ErrNotFound) {
			stale, err = hook.ErrStale, nil
		}
		return err
	}
	if !r.service.persist(ctx, "noting how far a redrive is", func() error { return try(ctx) }) {
		// Whoever goes on shall repeat as little as can be.
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		if err := try(closing); err != nil {
			return err
		}
	}
	if stale != nil {
		return stale
	}
	for _, outcome := range outcomes {
		if outcome == "" {
			outcome = "sent"
		}
		r.service.metrics.redriven.WithLabelValues(outcome).Inc()
	}
	r.redrive = after
	return nil
}
