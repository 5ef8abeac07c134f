package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

// NextOffset implements hook.Recorder.
func (s *Store) NextOffset(ctx context.Context, partition int) (int64, error) {
	var next int64
	row := s.db.QueryRowContext(ctx, `SELECT next_offset FROM attempt_offsets WHERE partition_number = $1`, partition)
	if err := row.Scan(&next); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("next offset of partition %d of attempts: %w", partition, err)
	}
	return next, nil
}

// Record implements hook.Recorder.
func (s *Store) Record(ctx context.Context, partition int, from, to int64, records []hook.Recorded) error {
	batch, err := newBatch(records)
	if err != nil {
		return fmt.Errorf("recording partition %d of attempts, offsets %d to %d: %w", partition, from, to, err)
	}
	err = s.db.Tx(ctx, func(tx *sql.Tx) error {
		if err := moveOffset(ctx, tx, partition, from, to); err != nil {
			return err
		}
		return errors.Join(
			batch.attempts.write(ctx, tx, s.db.Dialect),
			batch.deliveries.write(ctx, tx, s.db.Dialect),
			batch.items.write(ctx, tx, s.db.Dialect),
			s.disableGone(ctx, tx, records),
		)
	})
	if err != nil {
		return fmt.Errorf("recording partition %d of attempts, offsets %d to %d: %w", partition, from, to, err)
	}
	return nil
}

// moveOffset also keeps other writers of the partition out until the
// transaction ends.
func moveOffset(ctx context.Context, tx *sql.Tx, partition int, from, to int64) error {
	move := `UPDATE attempt_offsets SET next_offset = $3 WHERE partition_number = $1 AND next_offset = $2`
	args := []any{partition, from, to}
	if from == 0 {
		move = `INSERT INTO attempt_offsets AS o (partition_number, next_offset) VALUES ($1, $3)
			ON CONFLICT (partition_number) DO UPDATE SET next_offset = excluded.next_offset WHERE o.next_offset = $2`
	}
	result, err := tx.ExecContext(ctx, move, args...)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return hook.ErrStale
}

// batch is the rows of many records, each row once.
type batch struct{ attempts, deliveries, items bulk }

func newBatch(records []hook.Recorded) (*batch, error) {
	b := &batch{
		attempts:   bulk{into: "attempts AS a", columns: attemptColumns, conflict: upsertAttempt},
		deliveries: bulk{into: "deliveries AS d", columns: deliveryColumns, conflict: upsertDelivery},
		items:      bulk{into: "delivery_items", columns: "account, item, published, delivery", conflict: " ON CONFLICT DO NOTHING"},
	}
	attempts := make(map[attemptKey]hook.Attempt, len(records))
	keys := make([]attemptKey, 0, len(records))
	rows := make(map[string]delivery, len(records))
	for _, r := range records {
		a := storable(r.Attempt)
		key := keyOf(a)
		old, twin := attempts[key]
		if !twin {
			keys = append(keys, key)
		}
		if !twin || a.Fate == hook.FateDelivered && old.Fate != hook.FateDelivered {
			attempts[key] = a
		}
		if row, ok := rows[a.Delivery]; ok {
			rows[a.Delivery] = row.then(a)
		} else {
			rows[a.Delivery] = deliveryOf(a)
		}
	}
	for _, key := range keys {
		b.attempts.add(attemptValues(key, attempts[key]))
	}
	// In the order of their ids, so that no two writers deadlock over rows.
	ids := make([]string, 0, len(rows))
	for id := range rows {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		if err := b.addDelivery(rows[id]); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (b *batch) addDelivery(d delivery) error {
	a := d.attempt
	if a.Items == nil {
		a.Items = []string{}
	}
	items, err := json.Marshal(a.Items)
	if err != nil {
		return fmt.Errorf("items of delivery %q: %w", a.Delivery, err)
	}
	b.deliveries.add(d.values(string(items)))
	for _, item := range a.Items {
		b.items.add([]any{a.Account, item, database.Micros(a.Published), a.Delivery})
	}
	return nil
}
