package recorder

import (
	"context"
	"errors"
	"fmt"

	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/rerun"
)

// chunk bounds the payloads in memory: 64 of at most 900,000 bytes, 58 MB.
const chunk = 64

// release hands deliveries to the sender in a new run, in their order; those
// whose payload is gone end as exhausted. Only what Kafka has acknowledged is
// noted as released, so after an error the rest is held still. left says which
// are held still although the others are released: their payload could not be
// read this time.
func (r *releaser) release(ctx context.Context, held []hook.Delivery) (left, err error) {
	held, payloads, left := newPayloads(r.service).read(ctx, held, r.waits)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	run := rerun.After(r.service.Now(), held...)
	records := make([]bus.Record, len(held))
	gone := 0
	for i := range held {
		if payloads[i] == nil {
			gone++
			records[i] = rerun.Expired(&held[i], run, r.service.Now(), r.service.Partitions)
			continue
		}
		if records[i], err = payloads[i].To(held[i].Webhook, run, r.service.Partitions); err != nil {
			return left, fmt.Errorf("bundle of delivery %q: %w", held[i].ID, err)
		}
	}
	acknowledged, failed := write(ctx, r.producer, records)
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
