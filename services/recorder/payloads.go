package recorder

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/rerun"
)

// readers is how many partitions payloads are read from at a time.
const readers = 8

// payloads reads what happened of deliveries. It keeps what it read last of each
// partition, in case more of that is wanted.
type payloads struct {
	service *Service
	readers map[int]*rerun.Reader // by partition
}

func newPayloads(s *Service) *payloads {
	return &payloads{service: s, readers: make(map[int]*rerun.Reader)}
}

// read reads what happened of each delivery; nil for one that is gone. Those that
// cannot be read just now are left out of readable, and joined in left. A webhook
// that asks for order joins waits then, and all behind them of those in waits is
// left out too.
func (p *payloads) read(ctx context.Context, deliveries []hook.Delivery, waits map[string]bool) (readable []hook.Delivery, payloads []*rerun.Payload, left error) {
	all := make([]*rerun.Payload, len(deliveries))
	faults := make([]error, len(deliveries))
	s := p.service
	p.eachPartition(deliveries, func(reader *rerun.Reader, indices []int) {
		for _, i := range indices {
			payload, err := reader.Read(ctx, &deliveries[i])
			if err == nil {
				all[i] = &payload
			}
			faults[i] = err // one that fails does not end the others
		}
	})
	for i, err := range faults {
		d := &deliveries[i]
		switch {
		case waits[d.Webhook]:
			continue
		case errors.Is(err, rerun.ErrUnreadable):
			// Trying again mends nothing, and holding it for ever hides it.
			s.Log.Error("a delivery ends: its payload cannot be read",
				zap.String("delivery", d.ID), zap.Stringer("bundle", d.Bundle), zap.Error(err))
		case err != nil && !rerun.Gone(err):
			left = errors.Join(left, fmt.Errorf("payload of delivery %q: %w", d.ID, err))
			if d.Ordered {
				waits[d.Webhook] = true
			}
			continue
		}
		readable, payloads = append(readable, *d), append(payloads, all[i])
	}
	return readable, payloads, left
}

// eachPartition calls read with the deliveries whose bundles are on one partition,
// in the order of these, side by side for several partitions.
func (p *payloads) eachPartition(deliveries []hook.Delivery, read func(reader *rerun.Reader, indices []int)) {
	byPartition := make(map[int][]int)
	for i := range deliveries {
		at := deliveries[i].Bundle.Partition
		byPartition[at] = append(byPartition[at], i)
		if p.readers[at] == nil {
			p.readers[at] = rerun.NewReader(p.service.Bus)
		}
	}
	var group errgroup.Group
	group.SetLimit(readers)
	for at, indices := range byPartition {
		reader := p.readers[at]
		slices.SortFunc(indices, func(i, j int) int { return cmp.Compare(deliveries[i].Bundle.Offset, deliveries[j].Bundle.Offset) })
		group.Go(func() error {
			read(reader, indices)
			return nil
		})
	}
	_ = group.Wait()
}

// write writes records and gives the indices of those that Kafka has
// acknowledged, and the first fault of the others.
func write(ctx context.Context, producer *bus.Producer, records []bus.Record) (acknowledged []int, failed error) {
	type answer struct {
		record int
		err    error
	}
	answers := make(chan answer, len(records)) // so that no answer waits for us
	sent := 0
	for i, record := range records {
		err := producer.Produce(ctx, record, func(_ hook.Coordinates, err error) { answers <- answer{i, err} })
		if err != nil {
			failed = err
			break
		}
		sent++
	}
	for range sent {
		select {
		case a := <-answers:
			if a.err == nil {
				acknowledged = append(acknowledged, a.record)
			} else if failed == nil {
				failed = a.err
			}
		case <-ctx.Done():
			return acknowledged, context.Cause(ctx)
		}
	}
	return acknowledged, failed
}
