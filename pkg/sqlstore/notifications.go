package sqlstore

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

// notice is a notification that is to be written.
type notice struct {
	hook.Notification
	// once names what is told once only; empty: it does not matter.
	once string
	// of is the webhook whose streak it is about, or nil.
	of *health
}

// notice says something about a webhook because of an attempt.
func (h *health) notice(what hook.Notice, count int, a *hook.Attempt) notice {
	return notice{of: h, Notification: hook.Notification{
		Account: h.account, Notice: what, Webhook: h.webhook, Count: int64(count), Detail: lastWords(a),
	}}
}

// lastWords says how a request ended.
func lastWords(a *hook.Attempt) string {
	switch {
	case a.StatusCode != 0:
		return fmt.Sprintf("the last answer was %d", a.StatusCode)
	case a.Detail != "":
		return string(a.Reason) + ": " + a.Detail
	default:
		return string(a.Reason)
	}
}

var notificationTable = []column{
	{"number", number}, {"id", text}, {"account", text}, {"kind", text}, {"webhook", text}, {"amount", number}, {"detail", text},
	{"created_at", number}, {"once", text},
}

// writeNotices adds notifications in their order. Their numbers rise in the order of
// commits, since whoever takes some keeps others waiting until the transaction ends;
// so it comes last.
func (s *Store) writeNotices(ctx context.Context, w *database.Writer, list []notice) error {
	if len(list) == 0 {
		return nil
	}
	// What was told must not be undone by a crash, and told again.
	if err := patience(ctx, w); err != nil {
		return err
	}
	var last int64
	row := w.QueryRowContext(ctx, `UPDATE notification_numbers SET last = last + $1 RETURNING last`, len(list))
	if err := row.Scan(&last); err != nil {
		return fmt.Errorf("numbers of %d notifications: %w", len(list), err)
	}
	now := s.now()
	rows := make([][]any, len(list))
	for i, n := range list {
		rows[i] = []any{
			last - int64(len(list)-1-i), notificationID(now), n.Account, string(n.Notice), n.Webhook, n.Count, n.Detail,
			database.Micros(now), nullText(&n.once),
		}
	}
	const ignore = ` ON CONFLICT (once) DO NOTHING`
	head := `INSERT INTO notifications (` + strings.Join(names(notificationTable), ", ") + `) `
	err := execEach(ctx, w, notificationTable, rows,
		func(unnest string) string { return head + `SELECT * FROM ` + unnest + ignore },
		head+`VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`+ignore)
	if err != nil {
		return fmt.Errorf("writing %d notifications: %w", len(list), err)
	}
	return s.writeMails(ctx, w, last-int64(len(list))+1, last)
}

// notificationID is one that rises with time, to the millisecond, and ends in 80
// random bits.
func notificationID(now time.Time) string {
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:8], uint64(now.UnixMilli())<<16)
	_, _ = rand.Read(raw[6:]) // never fails: see crypto/rand
	return "ntf_" + strings.ToLower(base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(raw[:]))
}

// untold leaves those that were not told before.
func untold(ctx context.Context, w *database.Writer, list []notice) ([]notice, error) {
	keys := make([]string, len(list))
	for i, n := range list {
		keys[i] = n.once
	}
	told := make(map[string]bool)
	err := eachKey(ctx, w, `SELECT once FROM notifications WHERE once IN (…)`, keys, func(scan func(...any) error) error {
		var key string
		err := scan(&key)
		told[key] = true
		return err
	})
	var left []notice
	for _, n := range list {
		if !told[n.once] {
			told[n.once] = true
			left = append(left, n)
		}
	}
	return left, err
}

// Notifications implements hook.Notifications.
func (s *Store) Notifications(ctx context.Context, account string, f hook.NotificationFilter, p hook.Page) ([]hook.Notification, string, error) {
	after, more, err := parseMark(p.After)
	if err != nil {
		return nil, "", err
	}
	var where conditions
	where.add(`account = ?`, account)
	if more {
		where.add(`number < ?`, after.at)
	}
	if f.Notice != "" {
		where.add(`kind = ?`, string(f.Notice))
	}
	if f.Webhook != "" {
		where.add(`webhook = ?`, f.Webhook)
	}
	type numbered struct {
		hook.Notification
		number int64
	}
	query := `SELECT number, id, account, kind, webhook, amount, detail, created_at FROM notifications WHERE ` + where.text.String() +
		` ORDER BY number DESC LIMIT ` + where.arg(p.Limit+1)
	rows, err := collect(ctx, s.db, func(scan func(...any) error) (n numbered, err error) {
		var created int64
		err = scan(&n.number, &n.ID, &n.Account, &n.Notice, &n.Webhook, &n.Count, &n.Detail, &created)
		n.CreatedAt = database.Time(created)
		return n, err
	}, query, where.args...)
	if err != nil {
		return nil, "", fmt.Errorf("notifications of account %q: %w", account, err)
	}
	rows, next := cut(rows, p.Limit, func(n numbered) mark { return mark{at: n.number, id: n.ID} })
	list := make([]hook.Notification, len(rows))
	for i, n := range rows {
		list[i] = n.Notification
	}
	return list, next, nil
}

// ForgetNotifications implements hook.Recorder.
func (s *Store) ForgetNotifications(ctx context.Context, before time.Time) error {
	_, err := s.db.ExecContext(ctx, `DELETE FROM notifications WHERE created_at < $1`, database.Micros(before))
	_, orphans := s.db.ExecContext(ctx, `DELETE FROM streaks WHERE webhook IN (SELECT id FROM webhooks WHERE status = 'revoked')`)
	if err = cmp.Or(err, orphans, s.forgetMails(ctx, before)); err != nil {
		return fmt.Errorf("forgetting old notifications: %w", err)
	}
	return nil
}
