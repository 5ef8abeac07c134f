package recorder

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/origin"
	"github.com/staffetta/staffetta/pkg/rerun"
)

const (
	// scanLimit bounds what is looked at in a tick without being replayed, such as
	// other accounts' events: 10,000 a second, at about 5 µs each a twentieth of a
	// core.
	scanLimit = 200
	// fetchWait is how long a step waits for events to look at, and idleLimit how
	// many such waits it takes to ask whether there are any.
	fetchWait = 100 * time.Millisecond
	idleLimit = 20
	// stepBytes bounds the events that are handed on together.
	stepBytes = 16 << 20
	// scanBytes bounds what was fetched and is not looked at yet; twice as much is
	// in memory.
	scanBytes = 4 << 20
)

// eventWalk goes through the event topics, as upstream filled them.
type eventWalk struct {
	*replaying
	fetcher *bus.Fetcher
	// batch is what was fetched last, records what of it is not passed yet.
	batch   bus.Batch
	records []bus.Record
	// waits is how often nothing came.
	waits int
}

// begin finds the range in every topic's partitions, and whether Kafka still has
// all of it.
func (w *eventWalk) begin(ctx context.Context, p *hook.ReplayProgress) error {
	for _, topic := range w.service.EventTopics {
		starts, err := w.service.Bus.StartOffsets(ctx, topic)
		if err != nil {
			return err
		}
		from, err := w.service.Bus.OffsetsAt(ctx, topic, w.replay.From)
		if err != nil {
			return err
		}
		to, err := w.service.Bus.OffsetsAt(ctx, topic, w.replay.To)
		if err != nil {
			return err
		}
		for partition, next := range from {
			if next >= to[partition] {
				continue
			}
			p.Parts = append(p.Parts, hook.ReplayPart{Topic: topic, Partition: partition, Next: next, End: to[partition]})
			p.Total += to[partition] - next
			if next > 0 && next == starts[partition] {
				if err := w.reaches(ctx, p, hook.Coordinates{Topic: topic, Partition: partition, Offset: next}); err != nil {
					return err
				}
			}
		}
	}
	slices.SortFunc(p.Parts, func(a, b hook.ReplayPart) int {
		return compareParts(&a, b.Topic, b.Partition)
	})
	return nil
}

// reaches notes that what came before a partition's first record has expired.
func (w *eventWalk) reaches(ctx context.Context, p *hook.ReplayProgress, first hook.Coordinates) error {
	record, err := w.service.Bus.ReadAt(ctx, first)
	if errors.Is(err, bus.ErrGone) {
		return nil // it is no event, or it expires just now
	}
	if err != nil {
		return err
	}
	if record.Time.After(w.replay.From) && record.Time.After(p.ReachesBackTo) {
		p.ReachesBackTo = record.Time
	}
	return nil
}

func (w *eventWalk) close() {
	if w.fetcher != nil {
		w.fetcher.Close()
	}
}

func (w *eventWalk) next(ctx context.Context, p *hook.ReplayProgress, limit int) (found []repeat, ended bool, err error) {
	if w.fetcher == nil {
		w.open(p)
	}
	waiting, cancel := context.WithTimeout(ctx, fetchWait)
	defer cancel()
	bytes := 0
	for scanned := 0; len(found) < limit && scanned < scanLimit && bytes < stepBytes; scanned++ {
		if len(w.records) == 0 {
			if finished(p) {
				return found, true, nil
			}
			fetched, err := w.fetch(waiting, p)
			if err != nil && waiting.Err() == nil {
				return nil, false, fmt.Errorf("reading events: %w", err)
			}
			if !fetched {
				return found, false, w.idle(ctx, p)
			}
			continue
		}
		r := &w.records[0]
		part := partOf(p, r.Topic, r.Partition)
		p.Done += r.Offset + 1 - part.Next
		part.Next, p.At = r.Offset+1, r.Time
		one, wanted, err := w.repeat(ctx, r)
		if err != nil {
			return nil, false, err
		}
		if wanted {
			found = append(found, one)
			bytes += len(one.record.Value)
		}
		w.records = w.records[1:]
		if len(w.records) == 0 {
			w.passed(p)
		}
	}
	return found, finished(p) && len(w.records) == 0, nil
}

// open begins to read what is left.
func (w *eventWalk) open(p *hook.ReplayProgress) {
	w.fetcher = w.service.Bus.NewFetcher(bus.FetcherConfig{
		MaxBytes: scanBytes, PartitionMaxBytes: scanBytes / 4, OnSkipped: w.service.metrics.onSkipped, Log: w.service.Log,
	})
	for _, part := range p.Parts {
		if part.Next < part.End {
			w.fetcher.Add(part.Topic, part.Partition, part.Next)
		}
	}
}

// fetch waits for the next batch; false if none came in time.
func (w *eventWalk) fetch(ctx context.Context, p *hook.ReplayProgress) (fetched bool, err error) {
	if w.batch, err = w.fetcher.Poll(ctx); err != nil {
		return false, err
	}
	part := partOf(p, w.batch.Topic, w.batch.Partition)
	if part == nil || part.Next >= part.End {
		return true, nil // it was on its way when its end was reached
	}
	w.waits = 0
	if w.batch.Reset {
		// Events expired before they were read, or, at a lower offset, the topic was
		// made anew: other events have these offsets.
		first := w.batch.Start()
		if first <= part.Next {
			first = part.End
		}
		lose(p, part, first)
	}
	end := part.End
	w.records = slices.DeleteFunc(w.batch.Records, func(r bus.Record) bool { return r.Offset < part.Next || r.Offset >= end })
	if len(w.records) == 0 {
		w.passed(p)
	}
	return true, nil
}

// idle is called when nothing came. After a while it asks whether what is waited
// for has expired: of a partition that is empty nothing ever comes.
func (w *eventWalk) idle(ctx context.Context, p *hook.ReplayProgress) error {
	if w.waits++; w.waits < idleLimit {
		return nil
	}
	w.waits = 0
	starts := make(map[string]map[int]int64)
	for i := range p.Parts {
		part := &p.Parts[i]
		if part.Next >= part.End {
			continue
		}
		if starts[part.Topic] == nil {
			found, err := w.service.Bus.StartOffsets(ctx, part.Topic)
			if err != nil {
				return err
			}
			starts[part.Topic] = found
		}
		lose(p, part, starts[part.Topic][part.Partition])
	}
	return nil
}

// lose passes over events that have expired: those before first.
func lose(p *hook.ReplayProgress, part *hook.ReplayPart, first int64) {
	lost := max(0, min(first, part.End)-part.Next)
	part.Next += lost
	p.Done += lost
	p.Fail(hook.ReasonPayloadGone, lost)
}

// passed moves to where the batch ends, beyond what was skipped in it.
func (w *eventWalk) passed(p *hook.ReplayProgress) {
	part := partOf(p, w.batch.Topic, w.batch.Partition)
	if next := min(w.batch.Next, part.End); next > part.Next {
		p.Done += next - part.Next
		part.Next = next
	}
	if part.Next >= part.End {
		w.fetcher.Remove(part.Topic, part.Partition)
	}
}

// repeat makes a delivery of an event, if the webhook is to get it. What is no
// event, or breaks its schema, is in quarantine since the router met it.
func (w *eventWalk) repeat(ctx context.Context, r *bus.Record) (one repeat, wanted bool, err error) {
	e, err := origin.Decode(r)
	if err != nil || e.Account != w.replay.Account || !within(r.Time, w.replay.From, w.replay.To) ||
		len(w.replay.ItemTypes) > 0 && !slices.Contains(w.replay.ItemTypes, e.ItemType) || !w.covers(&e) ||
		w.service.checkData(&e, w.schemas) != nil {
		return repeat{}, false, nil //nolint:nilerr // see above
	}
	payload := rerun.Of(&e)
	return w.lead(ctx, &payload)
}

// within: the times of topics that are upstream's own need not rise.
func within(at, from, to time.Time) bool { return !at.Before(from) && at.Before(to) }

func finished(p *hook.ReplayProgress) bool {
	return !slices.ContainsFunc(p.Parts, func(part hook.ReplayPart) bool { return part.Next < part.End })
}

// partOf finds a partition's part; nil if it has none.
func partOf(p *hook.ReplayProgress, topic string, partition int) *hook.ReplayPart {
	i, ok := slices.BinarySearchFunc(p.Parts, topic, func(part hook.ReplayPart, topic string) int {
		return compareParts(&part, topic, partition)
	})
	if !ok {
		return nil
	}
	return &p.Parts[i]
}

func compareParts(part *hook.ReplayPart, topic string, partition int) int {
	return cmp.Or(strings.Compare(part.Topic, topic), cmp.Compare(part.Partition, partition))
}
