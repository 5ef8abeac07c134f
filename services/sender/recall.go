package sender

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/journal"
	deliveryv1 "github.com/staffetta/staffetta/proto/staffetta/delivery/v1"
)

const (
	// handover is how long a new owner waits before it reads what the owner
	// before wrote: what that one had been answered by the time the partition
	// moved is acknowledged by then.
	handover = 50 * time.Millisecond
	// maxRecalled bounds the records of attempts that are read: at 200 bytes each
	// in memory 200 MB, or two minutes at 8,000/s through one partition.
	maxRecalled = 1_000_000
	// tierTail is how many records of each tier are read at least: enough to find
	// the last bookings.
	tierTail = 200
	// twinSpan is how many records of deliveries below the watermark are read: what
	// a killed router wrote twice lies at most a session apart.
	twinSpan = 20_000
	// recallPause is the wait before trying again while Kafka is away.
	recallPause = 200 * time.Millisecond
)

// logEnds are where topics end, asked once for all owners that begin together.
type logEnds struct {
	bus *bus.Client
	log *zap.Logger

	mu     sync.Mutex
	starts map[string]map[int]int64
	found  map[string]map[int]int64
}

// of returns what each topic has of one partition, from its first record to its
// end, waiting for Kafka until ctx ends.
func (e *logEnds) of(ctx context.Context, partition int) (map[string]bus.Span, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for e.found == nil {
		if err := sleep(ctx, handover); err != nil {
			return nil, err
		}
		starts, err := ask(ctx, e.bus.StartOffsets)
		if err == nil {
			var ends map[string]map[int]int64
			if ends, err = ask(ctx, e.bus.EndOffsets); err == nil {
				e.starts, e.found = starts, ends
				break
			}
		}
		e.log.Warn("taking partitions over: the ends of the topics are not known yet", zap.Error(err))
		if err := sleep(ctx, recallPause); err != nil {
			return nil, err
		}
	}
	own := map[string]bus.Span{}
	for topic, partitions := range e.found {
		own[topic] = bus.Span{From: e.starts[topic][partition], To: partitions[partition]}
	}
	return own, nil
}

func ask(ctx context.Context, offsets func(context.Context, string) (map[int]int64, error)) (map[string]map[int]int64, error) {
	found := map[string]map[int]int64{}
	for _, topic := range append([]string{bus.Deliveries, bus.Gates}, written...) {
		at, err := offsets(ctx, topic)
		if err != nil {
			return nil, err
		}
		found[topic] = at
	}
	return found, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// recall reads what is known about the partition's tasks. Its error is ctx's.
func (o *owner) recall(ctx context.Context, at *logEnds) error {
	logs, err := at.of(ctx, o.partition)
	if err != nil {
		return err
	}
	now := make(positions, len(written))
	for i, topic := range written {
		now[i] = logs[topic].To
	}
	ranges, p := o.ranges(now, logs[bus.Deliveries].To)
	for topic, span := range ranges {
		// What has expired is never read, and nothing would end the wait for it.
		// Nor is what was lost, or belonged to a topic that was made anew.
		span.From, span.To = max(span.From, logs[topic].From), min(span.To, logs[topic].To)
		if ranges[topic] = span; span.From >= span.To {
			delete(ranges, topic)
		}
	}
	p.readAt, p.ends, p.upTo = time.Now(), now, logs[bus.Deliveries].To
	if err := o.readPast(ctx, ranges, p); err != nil {
		return err
	}
	o.ends = newEnds(now)
	o.restoreGate(p)
	if o.committed[bus.Deliveries].Offset >= p.upTo {
		o.reread.Store(true)
	}
	o.past.Store(p)
	o.places = p.places
	if len(p.fates)+len(p.tiered) > 0 {
		o.service.Log.Info("partition taken over", zap.Int("partition", o.partition),
			zap.Int("fates", len(p.fates)), zap.Int("tiered", len(p.tiered)))
	}
	return nil
}

// ranges says which offsets of which topic tell about the past, by the note of
// the last commit.
func (o *owner) ranges(now positions, end int64) (map[string]bus.Span, *past) {
	p := &past{
		fates: map[run]lastWord{}, tiered: map[identity]struct{}{}, places: map[string]time.Time{},
	}
	tail := int64(tierTail)
	committed := o.committed[bus.Deliveries]
	n, err := readNote(committed.Metadata, committed.Offset)
	if err == nil {
		p.since, p.done = n.since.least(now), n.done
		p.gate.note, p.gate.since = n, p.since
	} else {
		// Never committed, or by a version that wrote no note.
		p.since = make(positions, len(now))
		copy(p.since[1:], now[1:])
		// The gate is made of what lies near the ends.
		tail = twinSpan
		p.gate.since = slices.Clone(p.since)
		for i := range p.gate.since[1:] {
			p.gate.since[i+1] = max(0, now[i+1]-tail)
		}
	}
	if least := now[0] - maxRecalled; p.since[0] < least {
		if err == nil {
			o.service.Log.Warn("too much happened since the oldest open task was handed out: some may be repeated",
				zap.Int("partition", o.partition), zap.Int64("records", now[0]-p.since[0]))
		}
		p.since[0] = least
	}
	ranges := map[string]bus.Span{}
	if p.gate.note.gate != (bus.Span{}) {
		ranges[bus.Gates] = p.gate.note.gate
	}
	for i, topic := range written {
		from := p.since[i]
		if i > 0 {
			from = max(0, min(from, now[i]-tail))
		}
		ranges[topic] = bus.Span{From: from, To: now[i]}
	}
	if committed.Offset > end {
		// The topic was made anew, or lost its end: its offsets are other records'.
		p.done = nil
	} else {
		ranges[bus.Deliveries] = bus.Span{From: max(0, committed.Offset-twinSpan), To: committed.Offset}
	}
	return ranges, p
}

// readPast reads the ranges.
func (o *owner) readPast(ctx context.Context, ranges map[string]bus.Span, p *past) error {
	if len(ranges) == 0 {
		return nil
	}
	fetcher := o.service.Bus.NewFetcher(bus.FetcherConfig{Log: o.service.Log})
	defer fetcher.Close()
	for topic, span := range ranges {
		fetcher.Add(topic, o.partition, span.From)
	}
	for len(ranges) > 0 {
		batch, err := fetcher.Poll(ctx)
		if err != nil {
			return err
		}
		for i := range batch.Records {
			o.learn(p, &batch.Records[i])
		}
		if batch.Next >= ranges[batch.Topic].To {
			fetcher.Remove(batch.Topic, o.partition)
			delete(ranges, batch.Topic)
		}
	}
	return nil
}

// learn takes in one record. What cannot be read is somebody else's to
// quarantine.
func (o *owner) learn(p *past, r *bus.Record) {
	switch r.Topic {
	case bus.Attempts:
		if a, err := journal.Decode(r.Value); err == nil {
			a.Delivery = strings.Clone(a.Delivery) // what is kept of the record
			p.attempt(&a)
			o.memory.run(a.Delivery, a.Run)
			if rules := o.rulesOf(a.Account, a.Webhook); rules.Any() && !a.Test {
				p.gate.attempt(&a, rules)
			}
		}
	case bus.Deliveries:
		if r.Offset < o.committed[bus.Deliveries].Offset {
			o.memory.recall(identitiesOf(r)...)
		}
	case bus.Gates:
		p.gate.checkpoint(r.Value)
	default:
		var t deliveryv1.Task
		if proto.Unmarshal(r.Value, &t) != nil {
			return
		}
		p.waits(&t)
		// Others may have ended before what is read of attempts; those that have not
		// are in the checkpoint.
		if t.Place != nil && r.Offset >= p.gate.since[slices.Index(written, r.Topic)] {
			p.gate.waits(&t)
		}
	}
}

// identitiesOf are those of a bundle's tasks.
func identitiesOf(r *bus.Record) []identity {
	b, err := codec.ReadBundle(bytes.Clone(r.Value))
	if err != nil {
		return nil
	}
	var room [1]codec.Part
	parts, err := b.AppendParts(room[:0])
	if err != nil {
		return nil
	}
	selections, err := b.Selections()
	if err != nil {
		return nil
	}
	ids := make([]identity, 0, b.Count*len(parts))
	var items hook.Selection
	for webhook := range b.Webhooks() {
		if selections != nil {
			items, selections = selections[0], selections[1:]
		}
		for n := range parts {
			if _, gets := parts[n].Of(items); !gets {
				continue
			}
			ids = append(ids, identity{delivery: parts[n].Delivery(webhook), run: b.Run})
		}
	}
	return ids
}

// pastIsOver lets go of the past once everything that an owner before may have
// handed out was met again. It belongs to run.
func (o *owner) pastIsOver() {
	p := o.past.Load()
	// An empty topic that was never committed has no position yet.
	at := func(topic string) int64 { return max(0, o.trackers[topic].Watermark()) }
	if p == nil || at(bus.Deliveries) < p.upTo {
		return
	}
	for i, q := range o.tiers {
		due, waits := q.head()
		met := at(q.tier.Topic) >= p.ends[i+1]
		untouched := waits && due.After(p.readAt.Add(clockSlack)) && o.trackers[q.tier.Topic].Open() == len(q.records)
		if !met && !untouched {
			return // some of what was handed out is not met yet
		}
	}
	o.past.Store(nil)
}

// clockSlack is how far the clocks of senders may differ: what is due later than
// that after a takeover was not handed out before it.
const clockSlack = time.Minute
