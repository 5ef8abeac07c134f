package sqlstore_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

func TestNotificationsAreFilteredAndForgotten(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		f.account(t, "other")
		f.webhook(t, "acme", "wh_1")
		f.webhook(t, "acme", "wh_2")
		f.record(t, append(failures(0, 20, "wh_1"), answered(20, "wh_1", 200))...)
		f.clock.Add(time.Hour)
		f.record(t, failures(100, 110, "wh_2")...)
		require.Len(t, f.told(t, hook.NotificationFilter{}), 4)
		require.Len(t, f.told(t, hook.NotificationFilter{Webhook: "wh_1"}), 3)
		require.Len(t, f.told(t, hook.NotificationFilter{Notice: hook.NoticeFailing}), 3)
		require.Len(t, f.told(t, hook.NotificationFilter{Notice: hook.NoticeFailing, Webhook: "wh_2"}), 1)
		list, next, err := f.Notifications(t.Context(), "other", hook.NotificationFilter{}, hook.Page{Limit: 10})
		require.NoError(t, err)
		require.Empty(t, list)
		require.Empty(t, next)
		_, _, err = f.Notifications(t.Context(), "acme", hook.NotificationFilter{}, hook.Page{Limit: 10, After: "nonsense"})
		var faults hook.Invalid
		require.ErrorAs(t, err, &faults)

		require.NoError(t, f.ForgetNotifications(t.Context(), f.clock.Now()))
		require.Len(t, f.told(t, hook.NotificationFilter{}), 1)
		require.Equal(t, 10, f.failing(t, "wh_2"), "the streak goes on")
	})
}

// A mailer that has seen one number has seen all before it.
func TestNotificationsAreNumberedInTheOrderOfTheirCommits(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.Store = f.WithStreakRule(hook.StreakRule{Notify: []int{1, 2, 3}})
		f.account(t, "acme")
		const partitions = 4
		var work sync.WaitGroup
		for p := range partitions {
			id := fmt.Sprint("wh_", p)
			f.webhook(t, "acme", id)
			work.Go(func() {
				for n := range 3 {
					err := f.write(t, 10+p, int64(n), int64(n+1), hook.Recorded{Offset: int64(n), Attempt: answered(10*p+n, id, 500)})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		seen := make(chan struct{})
		go func() {
			defer close(seen)
			for highest := 0; highest < 3*partitions; {
				var count int
				row := f.db.QueryRowContext(t.Context(), `SELECT COALESCE(MAX(number), 0), COUNT(*) FROM notifications`)
				if err := row.Scan(&highest, &count); err != nil || count != highest {
					t.Errorf("%d of %d are there: %v", count, highest, err)
					return
				}
			}
		}()
		work.Wait()
		<-seen
	})
}

func TestAQuotaIsToldOfOnceInAPeriodAndAnHour(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		f.record(t, deferred(0, "wh_1", 0))
		require.Empty(t, f.told(t, hook.NotificationFilter{}), "the quota is gone by now")
		f.quota(t, "acme")
		f.record(t, deferred(1, "wh_1", 0), deferred(2, "wh_2", 20*time.Minute), overQuota(3, "wh_1", 59*time.Minute),
			requested(4, "wh_1", time.Hour))
		f.record(t, deferred(5, "wh_1", 30*time.Minute), deferred(1, "wh_1", 0))
		want := hook.Notification{Notice: hook.NoticeQuota, Detail: "the quota is 10 calls in 10m", CreatedAt: start}
		require.Equal(t, []hook.Notification{want}, f.told(t, hook.NotificationFilter{}))
		f.record(t, deferred(6, "wh_1", time.Hour), deferred(7, "wh_1", 5*time.Hour))
		require.Len(t, f.told(t, hook.NotificationFilter{}), 3)

		_, err := f.UpdateAccount(t.Context(), "acme", func(a *hook.Account) error { a.Quota.Period = 24 * time.Hour; return nil })
		require.NoError(t, err)
		f.record(t, deferred(8, "wh_1", 14*time.Hour), deferred(9, "wh_1", 20*time.Hour), overQuota(10, "wh_1", 35*time.Hour))
		require.Len(t, f.told(t, hook.NotificationFilter{}), 4, "once a day")
	})
}

func TestMembersAreToldOnceBeforeHeldPayloadsExpire(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		suspended := func(id string, status hook.Status, since time.Time) {
			w := webhook("acme", id)
			w.Status, w.SuspendedAt = status, since
			_, err := f.CreateWebhook(t.Context(), w)
			require.NoError(t, err)
		}
		suspended("wh_p", hook.Paused, start)
		suspended("wh_d", hook.Disabled, start)
		suspended("wh_new", hook.Paused, start)
		suspended("wh_a", hook.Active, time.Time{})
		suspended("wh_far", hook.Paused, start)
		at := func(n int, webhook string, offset int64) hook.Attempt {
			return but(held(n, webhook, 3), func(a *hook.Attempt) { a.Bundle.Offset = offset })
		}
		f.record(t, at(1, "wh_p", 10), at(2, "wh_p", 11), at(3, "wh_p", 900), at(4, "wh_d", 12), at(5, "wh_a", 13),
			at(6, "wh_new", 901), // replayed lately: its event is old, its bundle is not
			but(at(7, "wh_far", 10), func(a *hook.Attempt) { a.Bundle.Partition = 4 }))
		expiring := hook.Expiring{Partition: 3, Before: 100, Published: start.Add(time.Hour)}
		for range 2 {
			require.NoError(t, f.NotifyExpiring(t.Context(), expiring))
		}
		notice := func(webhook string, count int64) hook.Notification {
			return hook.Notification{Notice: hook.NoticeExpiring, Webhook: webhook, Count: count,
				Detail: "held deliveries are lost unless the webhook is resumed", CreatedAt: start}
		}
		require.Equal(t, []hook.Notification{notice("wh_d", 1), notice("wh_p", 2)}, f.told(t, hook.NotificationFilter{}))

		_, err := f.UpdateWebhook(t.Context(), "acme", "wh_d", 0, func(w *hook.Webhook) error { w.SuspendedAt = start.Add(time.Hour); return nil })
		require.NoError(t, err)
		require.NoError(t, f.NotifyExpiring(t.Context(), expiring))
		require.Len(t, f.told(t, hook.NotificationFilter{}), 3, "it was enabled and suspended since")
	})
}
