package recorder

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/journal"
	deliveryv1 "github.com/staffetta/staffetta/proto/staffetta/delivery/v1"
)

const (
	// chunk bounds the payloads in memory: 64 of at most 900,000 bytes, 58 MB.
	chunk = 64
	// readers is how many payloads are read at a time.
	readers = 8
)

// errPayload says that the record at a bundle's coordinates is no bundle.
var errPayload = errors.New("payload cannot be read")

// release hands deliveries to the sender in a new run, in their order; those
// whose payload is gone end as exhausted. Only what Kafka has acknowledged is
// noted as released, so after an error the rest is held still. left says which
// are held still although the others are released: their payload could not be
// read this time.
func (r *releaser) release(ctx context.Context, held []hook.Delivery) (left, err error) {
	held, payloads, left := r.payloads(ctx, held)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	run := runAfter(r.service.Now(), held)
	records := make([]bus.Record, len(held))
	gone := 0
	for i := range held {
		if payloads[i] == nil {
			gone++
			records[i] = expiry(&held[i], run, r.service.Now())
			continue
		}
		if records[i], err = bundle(&held[i], payloads[i], run, r.service.Partitions); err != nil {
			return left, err
		}
	}
	acknowledged, failed := r.send(ctx, records)
	released := make([]hook.Delivery, len(acknowledged))
	for i, n := range acknowledged {
		released[i] = held[n]
	}
	if err := errors.Join(failed, r.service.Store.Released(ctx, released, run)); err != nil {
		return left, fmt.Errorf("releasing %d deliveries: %w", len(held), err)
	}
	r.service.metrics.released.Add(float64(len(held) - gone))
	r.service.metrics.expired.Add(float64(gone))
	r.service.Log.Debug("released held deliveries", zap.Int64("run", run), zap.Int("released", len(held)-gone), zap.Int("expired", gone))
	return left, nil
}

// send writes the records and gives the indices of those that Kafka has
// acknowledged, and the first fault of the others.
func (r *releaser) send(ctx context.Context, records []bus.Record) (acknowledged []int, failed error) {
	type answer struct {
		record int
		err    error
	}
	answers := make(chan answer, len(records)) // so that no answer waits for us
	sent := 0
	for i, record := range records {
		err := r.producer.Produce(ctx, record, func(_ hook.Coordinates, err error) { answers <- answer{i, err} })
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

// runAfter is the time in microseconds, and higher than any run that the
// deliveries had: another member's clock may have been ahead.
func runAfter(now time.Time, held []hook.Delivery) int64 {
	run := now.UnixMicro()
	for i := range held {
		run = max(run, held[i].Run+1)
	}
	return run
}

// payloads reads the change of each delivery; nil for one that is gone. Those
// that cannot be read just now are left out of readable, and joined in left.
func (r *releaser) payloads(ctx context.Context, held []hook.Delivery) (readable []hook.Delivery, changes []*deliveryv1.Change, left error) {
	all := make([]*deliveryv1.Change, len(held))
	faults := make([]error, len(held))
	var group errgroup.Group
	group.SetLimit(readers)
	for i := range held {
		group.Go(func() error {
			all[i], faults[i] = r.payload(ctx, &held[i])
			return nil // one that fails does not end the others
		})
	}
	_ = group.Wait()
	for i, err := range faults {
		d := &held[i]
		switch {
		case errors.Is(err, errPayload):
			// Trying again mends nothing, and holding it for ever hides it.
			r.service.Log.Error("held delivery ends: its payload cannot be read",
				zap.String("delivery", d.ID), zap.Stringer("bundle", d.Bundle), zap.Error(err))
		case err != nil && !errors.Is(err, bus.ErrGone):
			left = errors.Join(left, fmt.Errorf("payload of delivery %q: %w", d.ID, err))
			continue
		}
		readable, changes = append(readable, *d), append(changes, all[i])
	}
	return readable, changes, left
}

func (r *releaser) payload(ctx context.Context, d *hook.Delivery) (*deliveryv1.Change, error) {
	record, err := r.service.Bus.ReadAt(ctx, d.Bundle)
	if err != nil {
		return nil, err
	}
	var b deliveryv1.Bundle
	if err := proto.Unmarshal(record.Value, &b); err != nil {
		return nil, fmt.Errorf("%w: %w", errPayload, err)
	}
	if b.Change == nil {
		return nil, fmt.Errorf("%w: the bundle at %s has no change", errPayload, d.Bundle)
	}
	// Coordinates mean another record once a topic was made anew: somebody
	// else's, perhaps.
	if hook.DeliveryID(b.Change.GetEvent().GetId(), d.Webhook, -1) != d.ID {
		return nil, fmt.Errorf("%w: the record at %s is another event's", errPayload, d.Bundle)
	}
	return b.Change, nil
}

// bundle is the record that makes the sender deliver it, as the router's did.
func bundle(d *hook.Delivery, change *deliveryv1.Change, run int64, partitions int) (bus.Record, error) {
	value, err := proto.Marshal(&deliveryv1.Bundle{Change: change, Webhooks: []string{d.Webhook}, Run: run})
	if err != nil {
		return bus.Record{}, fmt.Errorf("bundle of delivery %q: %w", d.ID, err)
	}
	return bus.Record{
		Topic: bus.Deliveries, Partition: bus.PartitionOf([]byte(d.Webhook), partitions),
		Key: []byte(d.Account), Value: value,
	}, nil
}

// expiry is the record that ends a delivery whose payload is gone. It goes
// through attempts like any fate, so that whoever reads those knows.
func expiry(d *hook.Delivery, run int64, now time.Time) bus.Record {
	return bus.Record{
		Topic: bus.Attempts, Partition: d.Bundle.Partition, Key: []byte(d.Webhook),
		Value: journal.Encode(hook.Attempt{
			Delivery: d.ID, Run: run, Fate: hook.FateExhausted, Reason: hook.ReasonPayloadGone,
			Detail:  "the payload is no longer in Kafka",
			Account: d.Account, Webhook: d.Webhook, Store: d.Store, Event: d.Event, EventType: d.EventType,
			ItemType: d.ItemType, Items: d.Items, Bundle: d.Bundle, Source: d.Source, Published: d.Published,
			At: now, TraceID: d.TraceID,
		}),
	}
}
