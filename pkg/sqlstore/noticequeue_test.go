package sqlstore_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/sqlstore"
)

// operational makes a webhook that is told of every notice.
func (f fixture) operational(t *testing.T, account, id string) {
	t.Helper()
	w := webhook(account, id)
	w.ItemTypes, w.EventTypes, w.Stores, w.Filter = nil, nil, nil, ""
	w.Notices, w.Format, w.Ordering, w.Coalesce = []hook.Notice{hook.AnyNotice}, hook.FormatStandard, hook.Unordered, hook.CoalesceNone
	made, err := f.CreateWebhook(t.Context(), w)
	require.NoError(t, err)
	require.Equal(t, w, made)
}

func TestNoticesAreFollowedByNumberWithoutThoseOfOperationalWebhooks(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		f.webhook(t, "acme", "wh_1")
		f.operational(t, "acme", "wh_ops")
		sent, err := f.NoticesSent(t.Context())
		require.NoError(t, err)
		require.Zero(t, sent)
		list, next, err := f.NoticesAfter(t.Context(), 0, 10)
		require.NoError(t, err)
		require.Empty(t, list)
		require.Zero(t, next)

		f.record(t, failures(0, 10, "wh_1")...)
		f.record(t, failures(100, 120, "wh_ops")...)
		f.record(t, answered(200, "wh_1", 200))
		require.Len(t, f.told(t, hook.NotificationFilter{Webhook: "wh_ops"}), 2, "members are told of it")
		list, next, err = f.NoticesAfter(t.Context(), 0, 2)
		require.NoError(t, err)
		require.Len(t, list, 1)
		require.Equal(t, hook.NoticeFailing, list[0].Notice)
		require.Equal(t, "acme", list[0].Account)
		require.Equal(t, "wh_1", list[0].Webhook)
		require.EqualValues(t, 10, list[0].Count)
		require.EqualValues(t, 2, next)
		_, err = f.UpdateWebhook(t.Context(), "acme", "wh_ops", 0, func(w *hook.Webhook) error { w.Status = hook.Revoked; return nil })
		require.NoError(t, err)
		list, next, err = f.NoticesAfter(t.Context(), next, 2)
		require.NoError(t, err)
		require.Len(t, list, 1, "what is revoked is what it was")
		require.Equal(t, hook.NoticeRecovered, list[0].Notice)
		require.EqualValues(t, 4, next)
		list, next, err = f.NoticesAfter(t.Context(), next, 2)
		require.NoError(t, err)
		require.Empty(t, list)
		require.EqualValues(t, 4, next)

		for _, number := range []int64{3, 4, 2} {
			require.NoError(t, f.NoteNoticesSent(t.Context(), number))
		}
		sent, err = f.NoticesSent(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 4, sent, "whoever is late moves nothing back")
	})
}

func TestDeliveriesOfNoticesCountForNoUsageAndForTheStreak(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		f.operational(t, "acme", "wh_ops")
		var attempts []hook.Attempt
		for _, a := range failures(0, 10, "wh_ops") {
			a.EventType, a.ItemType = hook.NoticeEvent, string(hook.NoticeFailing)
			attempts = append(attempts, a)
		}
		f.record(t, attempts...)
		require.Equal(t, 10, f.failing(t, "wh_ops"))
		require.Len(t, f.told(t, hook.NotificationFilter{Webhook: "wh_ops"}), 1)
		require.Equal(t, hook.NoticeEvent, f.delivery(t, attempts[0].Delivery).EventType)
		usage, _, err := f.Usage(t.Context(), "acme", hook.UsageFilter{}, hook.Page{Limit: 10})
		require.NoError(t, err)
		require.Empty(t, usage)
	})
}

// What members were told before there was anybody to send it to is not sent.
func TestNoticesFromBeforeTheMigrationAreNotSent(t *testing.T) {
	t.Parallel()
	for name, empty := range map[string]func(testing.TB) *database.DB{"sqlite": emptySQLite, "postgres": emptyPostgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := empty(t)
			require.NoError(t, database.Migrate(t.Context(), db, migrationsUpTo(t, "00014"), sqlstore.Versions))
			_, err := db.ExecContext(t.Context(), `UPDATE notification_numbers SET last = 7`)
			require.NoError(t, err)
			require.NoError(t, sqlstore.Migrate(t.Context(), db))
			sent, err := sqlstore.New(db, nil).NoticesSent(t.Context())
			require.NoError(t, err)
			require.EqualValues(t, 7, sent)
		})
	}
}
