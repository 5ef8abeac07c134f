package sqlstore

import (
	"context"
	"fmt"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

// NoticesSent implements hook.NoticeQueue.
func (s *Store) NoticesSent(ctx context.Context) (number int64, err error) {
	if err := s.db.QueryRowContext(ctx, `SELECT number FROM notices_sent`).Scan(&number); err != nil {
		return 0, fmt.Errorf("up to where notices were sent: %w", err)
	}
	return number, nil
}

// NoteNoticesSent implements hook.NoticeQueue.
func (s *Store) NoteNoticesSent(ctx context.Context, number int64) error {
	if _, err := s.db.ExecContext(ctx, `UPDATE notices_sent SET number = $1 WHERE number < $1`, number); err != nil {
		return fmt.Errorf("noting that notices were sent up to %d: %w", number, err)
	}
	return nil
}

// NoticesAfter implements hook.NoticeQueue. What a webhook is it is for life, so it does
// not matter that this looks at it later than the notification was written.
func (s *Store) NoticesAfter(ctx context.Context, after int64, limit int) ([]hook.Notification, int64, error) {
	next := after
	type followed struct {
		hook.Notification
		operational bool
	}
	rows, err := collect(ctx, s.db, func(scan func(...any) error) (n followed, err error) {
		var created int64
		var settings *string
		err = scan(&next, &n.ID, &n.Account, &n.Notice, &n.Webhook, &n.Count, &n.Detail, &created, &settings)
		n.CreatedAt = database.Time(created)
		if err == nil && settings != nil {
			w := hook.Webhook{ID: n.Webhook}
			err = unmarshalSettings(*settings, &w)
			n.operational = w.Operational()
		}
		return n, err
	}, `SELECT n.number, n.id, n.account, n.kind, n.webhook, n.amount, n.detail, n.created_at, w.settings
		FROM (SELECT * FROM notifications WHERE number > $1 ORDER BY number LIMIT $2) n
		LEFT JOIN webhooks w ON w.id = n.webhook ORDER BY n.number`, after, limit)
	if err != nil {
		return nil, after, fmt.Errorf("notifications after number %d: %w", after, err)
	}
	var list []hook.Notification
	for i := range rows {
		if !rows[i].operational {
			list = append(list, rows[i].Notification)
		}
	}
	return list, next, nil
}
