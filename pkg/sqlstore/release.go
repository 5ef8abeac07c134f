package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

// Releasable implements hook.Recorder. The limit is shared evenly among the
// webhooks, so that one with much held does not keep others waiting; oldest
// first then holds for what is returned, and for each webhook altogether.
func (s *Store) Releasable(ctx context.Context, partitions []int, limit int) ([]hook.Delivery, error) {
	var all []hook.Delivery
	err := s.db.View(ctx, func(tx *sql.Tx) error {
		holders, err := s.holders(ctx, tx, partitions)
		if err != nil || len(holders) == 0 {
			return err
		}
		holders = holders[:min(len(holders), limit)]
		share := limit / len(holders)
		for _, h := range holders {
			held, err := collect(ctx, tx, scanDelivery, `SELECT `+strings.Join(listColumns, ", ")+` FROM deliveries
				WHERE status = 'held' AND bundle_partition = $1 AND webhook = $2
				ORDER BY published, source_topic, source_partition, source_offset, id_key LIMIT $3`, h.partition, h.webhook, share)
			if err != nil {
				return err
			}
			for i := range held {
				held[i].Ordered = h.ordered
			}
			all = append(all, held...)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading releasable deliveries: %w", err)
	}
	slices.SortStableFunc(all, func(a, b hook.Delivery) int { return a.Published.Compare(b.Published) })
	return all, nil
}

// withHolders makes a table of the webhooks that hold something on partition $1. It hops
// from webhook to webhook through the index of held deliveries (a "loose index scan"): its
// cost is that of the webhooks, not of all that they hold.
const withHolders = `WITH RECURSIVE holder (webhook) AS (
		SELECT MIN(webhook) FROM deliveries WHERE status = 'held' AND bundle_partition = $1
		UNION ALL
		SELECT (SELECT MIN(d.webhook) FROM deliveries d
			WHERE d.status = 'held' AND d.bundle_partition = $1 AND d.webhook > holder.webhook)
		FROM holder WHERE holder.webhook IS NOT NULL)`

// holder is a webhook with held deliveries on a partition.
type holder struct {
	partition int
	webhook   string
	ordered   bool
}

// holders are the webhooks of which something is to be released. Mostly nobody holds
// anything, which one look tells.
func (s *Store) holders(ctx context.Context, tx *sql.Tx, partitions []int) ([]holder, error) {
	var lowest sql.NullInt64
	row := tx.QueryRowContext(ctx, `SELECT MIN(bundle_partition) FROM deliveries WHERE status = 'held'`)
	if err := row.Scan(&lowest); err != nil || !lowest.Valid {
		return nil, err
	}
	var all []holder
	for _, partition := range partitions {
		if int64(partition) < lowest.Int64 {
			continue
		}
		some, err := collect(ctx, tx, func(scan func(...any) error) (holder, error) {
			h := holder{partition: partition}
			var text string
			if err := scan(&h.webhook, &text); err != nil {
				return h, err
			}
			var w hook.Webhook
			err := unmarshalSettings(text, &w)
			h.ordered = w.Ordering == hook.OrderedByItem
			return h, err
		}, withHolders+` SELECT w.id, w.settings FROM holder JOIN webhooks w ON w.id = holder.webhook
			WHERE w.status IN ('active', 'revoked') OR `+seenResuming, partition)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

// Released implements hook.Recorder.
func (s *Store) Released(ctx context.Context, deliveries []hook.Delivery, run int64) error {
	if len(deliveries) == 0 {
		return nil
	}
	err := s.db.Write(ctx, func(w *database.Writer) error {
		l := newLedger(len(deliveries), s.now(), s.days.all())
		for _, d := range deliveries {
			l.open(d.ID, database.Micros(d.Published), false)
		}
		if err := l.read(ctx, w, s.spans()); err != nil {
			return err
		}
		for _, h := range l.stored {
			h.release(run, s.now())
		}
		return l.write(ctx, w)
	})
	if err != nil {
		return fmt.Errorf("noting the release of %d deliveries: %w", len(deliveries), err)
	}
	return nil
}
