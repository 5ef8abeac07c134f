package sqlstore

import (
	"context"
	"fmt"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

// NotifyExpiring implements hook.Recorder. Like Releasable it hops from webhook to
// webhook, and counts only for those whose members were not told yet.
func (s *Store) NotifyExpiring(ctx context.Context, e hook.Expiring) error {
	err := s.db.Write(ctx, func(w *database.Writer) error {
		holders, err := suspended(ctx, w, e.Partition)
		if err != nil {
			return err
		}
		holders, err = untold(ctx, w, holders)
		if err != nil {
			return err
		}
		var list []notice
		for _, n := range holders {
			row := w.QueryRowContext(ctx, `SELECT COUNT(*) FROM deliveries WHERE status = 'held' AND bundle_partition = $1 AND webhook = $2
				AND published < $3 AND bundle_offset < $4`, e.Partition, n.Webhook, database.Micros(e.Published), e.Before)
			if err := row.Scan(&n.Count); err != nil {
				return err
			}
			if n.Count > 0 {
				list = append(list, n)
			}
		}
		return s.writeNotices(ctx, w, list)
	})
	if err != nil {
		return fmt.Errorf("telling of payloads that expire on partition %d: %w", e.Partition, err)
	}
	return nil
}

// suspended has a notice for each webhook that is paused or disabled and holds
// something on a partition.
func suspended(ctx context.Context, q queries, partition int) ([]notice, error) {
	return collect(ctx, q, func(scan func(...any) error) (n notice, err error) {
		var w hook.Webhook
		var text string
		if err := scan(&n.Webhook, &n.Account, &text); err != nil {
			return n, err
		}
		if err := unmarshalSettings(text, &w); err != nil {
			return n, err
		}
		n.Notice, n.Detail = hook.NoticeExpiring, "held deliveries are lost unless the webhook is resumed"
		n.once = fmt.Sprintf("expiring/%s/%d", n.Webhook, database.Micros(w.SuspendedAt))
		return n, nil
	}, withHolders+` SELECT w.id, w.account, w.settings FROM holder JOIN webhooks w ON w.id = holder.webhook
		WHERE w.status IN ('paused', 'disabled')`, partition)
}
