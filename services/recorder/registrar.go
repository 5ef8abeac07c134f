package recorder

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/quarantine"
)

const (
	// registerRest lets records come together: nobody is in a hurry for them.
	registerRest = 200 * time.Millisecond
	// registerBytes bounds what is fetched at a time: a record of quarantine has up to
	// 16 MiB, and comes through alone.
	registerBytes = 4 << 20
	// maxRegistered bounds the rows of one transaction; a batch more may come on top.
	maxRegistered = 1_000
	// warnInterval is how often an account's stores are complained about.
	warnInterval = time.Minute
)

// registered are the topics that the registrar reads.
var registered = []string{bus.Quarantine, bus.Stores}

// registrar writes down, of one assignment, what is in quarantine and which stores
// events had. What it writes moves its positions in the same transaction, as the log
// does. It has nothing to do with the log: neither waits for the other.
type registrar struct {
	service    *Service
	assignment *bus.Assignment
	fetcher    *bus.Fetcher
	// spans are what was gathered of each partition; all of them while nothing is.
	spans map[partition]*hook.Span
	// warned is when somebody was told last that an account has too many stores.
	warned time.Time
}

type partition struct {
	topic  string
	number int
}

// register registers until ctx ends, or Kafka refuses for good.
func (s *Service) register(ctx context.Context, a *bus.Assignment) error {
	for ctx.Err() == nil {
		r := &registrar{service: s, assignment: a, spans: make(map[partition]*hook.Span)}
		err := r.follow(ctx)
		switch {
		case ctx.Err() != nil:
		case errors.Is(err, hook.ErrStale):
			s.Log.Warn("another recorder registered meanwhile; going on from where it got to", zap.Error(err))
		default:
			return err
		}
	}
	return nil
}

// follow reads the partitions from where the register got to, until ctx ends or
// somebody else writes; it returns why.
func (r *registrar) follow(ctx context.Context) error {
	r.fetcher = r.service.Bus.NewFetcher(bus.FetcherConfig{
		MaxWait: time.Second, Rest: registerRest, MaxBytes: registerBytes, PartitionMaxBytes: registerBytes / 4,
		OnSkipped: r.service.metrics.onSkipped, Log: r.service.Log,
	})
	defer r.fetcher.Close()
	for _, topic := range registered {
		r.open(ctx, topic)
	}
	for {
		gathered, err := r.gather(ctx)
		if err != nil {
			return err
		}
		if err := r.write(ctx, gathered); err != nil {
			return err
		}
	}
}

// open begins to read the partitions of a topic.
func (r *registrar) open(ctx context.Context, topic string) {
	s := r.service
	var ends map[int]int64
	s.persist(ctx, "reading where "+topic+" ends", func() (err error) {
		ends, err = s.Bus.EndOffsets(ctx, topic)
		return err
	})
	for _, p := range r.assignment.Partitions[topic] {
		var from int64
		s.persist(ctx, "reading the register's position", func() (err error) {
			from, err = s.Store.RegisterPosition(ctx, topic, p)
			return err
		})
		r.spans[partition{topic, p}] = &hook.Span{Topic: topic, Partition: p, From: from, To: from}
		if end, ok := ends[p]; ok && from > end {
			// The topic is another one, or lost its end. What is known is not added twice.
			s.Log.Error("the register is ahead of its topic: reading the partition from its start",
				zap.String("topic", topic), zap.Int("partition", p), zap.Int64("position", from), zap.Int64("end", end))
			from = bus.FirstOffset
		}
		r.fetcher.Add(topic, p, from)
	}
}

// gather waits for records, and takes those that come with them.
func (r *registrar) gather(ctx context.Context) (g hook.Registration, err error) {
	batch, err := r.fetcher.Poll(ctx)
	if err != nil {
		return g, err
	}
	r.take(&g, &batch)
	waiting, cancel := context.WithTimeout(ctx, gatherFor)
	defer cancel()
	for len(g.Quarantined)+len(g.Seen) < maxRegistered {
		batch, err := r.fetcher.Poll(waiting)
		if err != nil && waiting.Err() != nil {
			break // nothing more has come
		}
		if err != nil {
			return g, err
		}
		r.take(&g, &batch)
	}
	return g, ctx.Err()
}

// take adds what a batch says; nothing of its memory is kept.
func (r *registrar) take(g *hook.Registration, batch *bus.Batch) {
	s := r.service
	if batch.Reset {
		s.metrics.resets.Inc()
		s.Log.Error("records were deleted by retention before they were registered",
			zap.String("topic", batch.Topic), zap.Int("partition", batch.Partition), zap.Int64("next", batch.Next))
	}
	for i := range batch.Records {
		record := &batch.Records[i]
		if batch.Topic == bus.Stores {
			seen := hook.Sighting{Account: string(record.Key), Store: string(record.Value)}
			if codec.ValidAccount(seen.Account) && seen.Store != "" && len(seen.Store) <= hook.MaxStoreID {
				g.Seen = append(g.Seen, seen)
			}
			continue
		}
		entry, err := quarantine.Read(record)
		if err != nil { // whoever wrote it may look for it in Kafka
			s.Log.Error("record of quarantine is passed over", zap.Stringer("at", record.At()), zap.Error(err))
			continue
		}
		g.Quarantined = append(g.Quarantined, entry.Indexed(record))
	}
	r.spans[partition{batch.Topic, batch.Partition}].To = batch.Next
}

// write writes down what was gathered, trying until ctx ends.
func (r *registrar) write(ctx context.Context, g hook.Registration) error {
	s := r.service
	for _, span := range r.spans {
		if span.From != span.To {
			g.Spans = append(g.Spans, *span)
		}
	}
	var stale error
	var refused map[string]int
	if !s.persist(ctx, "writing the register", func() (err error) {
		refused, err = s.Store.Register(ctx, g)
		if errors.Is(err, hook.ErrStale) {
			stale, err = err, nil
		}
		return err
	}) || stale != nil {
		return stale
	}
	s.metrics.registered.WithLabelValues(bus.Quarantine).Add(float64(len(g.Quarantined)))
	s.metrics.registered.WithLabelValues(bus.Stores).Add(float64(len(g.Seen)))
	r.warn(refused)
	r.show(ctx, g.Spans)
	for _, span := range r.spans {
		span.From = span.To
	}
	return nil
}

// warn tells of accounts with too many stores.
func (r *registrar) warn(refused map[string]int) {
	for account, stores := range refused {
		r.service.metrics.refused.Add(float64(stores))
		if now := r.service.Now(); now.Sub(r.warned) >= warnInterval {
			r.warned = now
			r.service.Log.Warn("stores of events are not added: their account has as many as it gets without somebody naming them",
				zap.String("account", account), zap.Int("stores", stores), zap.Int("most", hook.MaxStores))
		}
	}
}

// show lets the group see how far the register got. Nothing depends on it.
func (r *registrar) show(ctx context.Context, spans []hook.Span) {
	moved := make(map[string]map[int]bus.Committed)
	for _, span := range spans {
		if moved[span.Topic] == nil {
			moved[span.Topic] = make(map[int]bus.Committed)
		}
		moved[span.Topic][span.Partition] = bus.Committed{Offset: span.To}
	}
	if err := r.assignment.Commit(ctx, moved); err != nil && ctx.Err() == nil {
		r.service.Log.Warn("the lag that the group shows is out of date", zap.Error(err))
	}
}
