package bench

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
	deliveryv1 "github.com/staffetta/staffetta/proto/staffetta/delivery/v1"
)

// pouring writes the events of the numbers from … from+count-1 as fast as Kafka
// takes them.
type pouring func(ctx context.Context, from, count int) error

// flooding publishes events, as upstream does.
func (t *trial) flooding(ctx context.Context, from, count int) error {
	return publisher{load: t.load, producer: t.producer}.flood(ctx, from, count, floodGoroutines)
}

// bundling writes events to the topic deliveries, as the router does.
func (t *trial) bundling(ctx context.Context, from, count int) error {
	partitions, err := t.in.parts.Bus.Partitions(ctx, bus.Deliveries)
	if err != nil {
		return err
	}
	const batch = 1000
	for records := make([]bus.Record, 0, batch); count > 0; records = records[:0] {
		for ; count > 0 && len(records) < batch; from, count = from+1, count-1 {
			topic, event := t.load.event(from, time.Now())
			event.Source, event.Published = hook.Coordinates{Topic: topic}, time.Now()
			for _, w := range t.load.tenant(from).webhooks {
				value, err := proto.Marshal(&deliveryv1.Bundle{Change: codec.ToChange(event), Webhooks: []string{w.id}})
				if err != nil {
					return fmt.Errorf("bundle of event %d: %w", from, err)
				}
				records = append(records, bus.Record{
					Topic: bus.Deliveries, Partition: bus.PartitionOf([]byte(w.id), partitions),
					Key: []byte(event.Account), Value: value,
				})
			}
		}
		if err := t.producer.ProduceSync(ctx, records...); err != nil {
			return fmt.Errorf("write bundles: %w", err)
		}
	}
	return nil
}

// pour lets count events be written and returns when the sender has read all the
// tasks they led to, one each, for webhooks that drain together so many a second.
func (t *trial) pour(ctx context.Context, group string, drain, count int, write pouring) (reading, error) {
	from := t.next
	t.next += count
	before, err := t.in.figures()
	if err != nil {
		return reading{}, err
	}
	f := flood{group: group, count: count, hold: drain, begun: time.Now(), before: before}
	var (
		read      reading
		published time.Duration
	)
	both, ctx := errgroup.WithContext(ctx)
	both.Go(func() error {
		err := write(ctx, from, count)
		published = time.Since(f.begun)
		return err
	})
	both.Go(func() (err error) {
		read, err = t.follow(ctx, f)
		return err
	})
	err = both.Wait()
	read.published = published
	return read, err
}
