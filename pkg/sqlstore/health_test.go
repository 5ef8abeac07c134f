package sqlstore_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

// answered is delivery n's first request to a webhook, with a status.
func answered(n int, webhook string, status int) hook.Attempt {
	return but(attempt(n), func(a *hook.Attempt) {
		a.Webhook, a.StatusCode, a.Reason, a.Detail, a.Volley, a.Opening = webhook, status, hook.ReasonStatus, "", 0, 0
		if status < 300 {
			a.Fate, a.Reason = hook.FateDelivered, hook.ReasonNone
		}
	})
}

// failures are those of deliveries from one number to before another.
func failures(from, to int, webhook string) []hook.Attempt {
	var all []hook.Attempt
	for n := from; n < to; n++ {
		all = append(all, answered(n, webhook, 500))
	}
	return all
}

// failing is how often a webhook has failed in a row.
func (f fixture) failing(t *testing.T, webhook string) int {
	t.Helper()
	streaks, err := f.Streaks(t.Context(), []hook.Webhook{f.read(t, webhook)})
	require.NoError(t, err)
	require.Equal(t, webhook, streaks[0].Webhook)
	require.Equal(t, streaks[0].Failures == 0, streaks[0].Since.IsZero())
	return streaks[0].Failures
}

func (f fixture) read(t *testing.T, webhook string) hook.Webhook {
	t.Helper()
	w, err := f.Webhook(t.Context(), "acme", webhook)
	require.NoError(t, err)
	return w
}

// told is what members were told, oldest first.
func (f fixture) told(t *testing.T, filter hook.NotificationFilter) []hook.Notification {
	t.Helper()
	list := walk(t, 2, func(p hook.Page) ([]hook.Notification, string, error) {
		return f.Notifications(t.Context(), "acme", filter, p)
	})
	var all []hook.Notification
	for i := len(list) - 1; i >= 0; i-- {
		require.Regexp(t, `^ntf_[0-9a-v]{26}$`, list[i].ID)
		require.Equal(t, "acme", list[i].Account)
		list[i].ID, list[i].Account = "", ""
		all = append(all, list[i])
	}
	return all
}

// enable saves the URL, as people do, or resumes it.
func (f fixture) enable(t *testing.T, webhook string) {
	t.Helper()
	_, err := f.UpdateWebhook(t.Context(), "acme", webhook, 0, func(w *hook.Webhook) error {
		w.EnabledAt = f.clock.Now()
		if w.Status != hook.Active {
			w.Status, w.SuspendedAt = hook.Resuming, time.Time{}
		}
		return nil
	})
	require.NoError(t, err)
}

// streakRows counts those of the table streaks.
func (f fixture) streakRows(t *testing.T) (n int) {
	t.Helper()
	require.NoError(t, f.db.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM streaks`).Scan(&n))
	return n
}

// seed 001: told at 10, 20, 30 and 40 failures in a row, disabled at 50.
func TestFiftyFailuresInARowDisableAWebhook(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		before := f.webhook(t, "acme", "wh_1")
		f.webhook(t, "acme", "wh_2")
		f.record(t, failures(0, 49, "wh_1")...)
		require.Equal(t, 49, f.failing(t, "wh_1"))
		require.Equal(t, hook.Active, f.read(t, "wh_1").Status)
		account, err := f.Account(t.Context(), "acme")
		require.NoError(t, err)

		f.clock.Add(time.Minute)
		f.record(t, answered(49, "wh_1", 500), answered(100, "wh_2", 500), answered(101, "wh_2", 204))
		w := f.read(t, "wh_1")
		require.Equal(t, hook.Disabled, w.Status)
		require.Equal(t, f.clock.Now(), w.SuspendedAt)
		require.Equal(t, before.Version+1, w.Version)
		after, err := f.Account(t.Context(), "acme")
		require.NoError(t, err)
		require.Equal(t, account.Version+1, after.Version, "the senders are told")
		require.Equal(t, hook.Active, f.read(t, "wh_2").Status)
		require.Zero(t, f.failing(t, "wh_2"))

		f.record(t, failures(50, 64, "wh_1")...) // were in flight
		require.Equal(t, 64, f.failing(t, "wh_1"))
		require.Equal(t, w, f.read(t, "wh_1"))
		notice := func(what hook.Notice, count int64, at time.Time) hook.Notification {
			return hook.Notification{Notice: what, Webhook: "wh_1", Count: count, Detail: "the last answer was 500", CreatedAt: at}
		}
		require.Equal(t, []hook.Notification{
			notice(hook.NoticeFailing, 10, start), notice(hook.NoticeFailing, 20, start), notice(hook.NoticeFailing, 30, start),
			notice(hook.NoticeFailing, 40, start), notice(hook.NoticeDisabled, 50, f.clock.Now()),
		}, f.told(t, hook.NotificationFilter{}))
	})
}

func TestOneSuccessEndsAStreak(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		f.webhook(t, "acme", "wh_1")
		f.record(t, failures(0, 9, "wh_1")...)
		f.record(t, answered(9, "wh_1", 204))
		require.Zero(t, f.failing(t, "wh_1"))
		require.Zero(t, f.streakRows(t), "of what works nothing is kept")
		require.Empty(t, f.told(t, hook.NotificationFilter{}), "nobody knew")

		f.record(t, append(failures(10, 22, "wh_1"), answered(22, "wh_1", 204), answered(23, "wh_1", 204), answered(24, "wh_1", 500))...)
		require.Equal(t, 1, f.failing(t, "wh_1"))
		f.record(t, answered(25, "wh_1", 204))
		told := f.told(t, hook.NotificationFilter{})
		require.Len(t, told, 2)
		require.Equal(t, hook.Notification{Notice: hook.NoticeFailing, Webhook: "wh_1", Count: 10, Detail: "the last answer was 500", CreatedAt: start}, told[0])
		require.Equal(t, hook.Notification{Notice: hook.NoticeRecovered, Webhook: "wh_1", Count: 12, Detail: "the last answer was 204", CreatedAt: start}, told[1])
	})
}

func TestWhatIsNoRequestOrIsKnownDoesNotCount(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		f.webhook(t, "acme", "wh_1")
		first := answered(1, "wh_1", 500)
		twin := but(first, func(a *hook.Attempt) { a.StatusCode = 502 })
		second := but(first, func(a *hook.Attempt) { a.Step, a.Number = 1, 2 })
		held := but(first, func(a *hook.Attempt) { a.Number, a.Fate, a.Step = 0, hook.FateHeld, 2 })
		cancelled := but(held, func(a *hook.Attempt) { a.Fate = hook.FateCancelled })
		f.record(t, first, twin, held, second)
		f.record(t, twin, second, first, cancelled)
		require.Equal(t, 2, f.failing(t, "wh_1"))

		delivered := but(first, func(a *hook.Attempt) { a.Fate, a.StatusCode = hook.FateDelivered, 200 })
		f.record(t, delivered)
		require.Zero(t, f.failing(t, "wh_1"), "its twin succeeded, as the log says now")
		f.record(t, answered(2, "wh_1", 500), delivered, answered(3, "wh_1", 500))
		require.Equal(t, 2, f.failing(t, "wh_1"), "which happened before")

		f.record(t, answered(4, "wh_unheard", 500), but(answered(5, "wh_1", 500), func(a *hook.Attempt) { a.Account = "nobody" }))
		require.Equal(t, 1, f.streakRows(t))
	})
}

// CONTRACT.md: 64 requests that meet a restart are one failure.
func TestARestartIsOneFailure(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		f.webhook(t, "acme", "wh_1")
		_, err := f.UpdateAccount(t.Context(), "acme", func(a *hook.Account) error {
			a.Streak = &hook.StreakRule{Notify: []int{2}, Disable: 3}
			return nil
		})
		require.NoError(t, err)
		var all []hook.Attempt
		for n := range 64 {
			all = append(all, but(answered(n, "wh_1", 503), func(a *hook.Attempt) {
				a.Volley = 7
				if n >= 4 {
					a.Opening = 9
				}
			}))
		}
		f.record(t, all[:3]...)
		f.record(t, all[3:6]...)
		f.record(t, all[6:]...)
		require.Equal(t, 1, f.failing(t, "wh_1"))
		require.Empty(t, f.told(t, hook.NotificationFilter{}))
		require.Equal(t, hook.Active, f.read(t, "wh_1").Status)
		f.record(t, but(answered(64, "wh_1", 503), func(a *hook.Attempt) { a.Volley, a.Opening = 9, 10 }))
		require.Equal(t, 2, f.failing(t, "wh_1"), "the probe is the second")
	})
}

func TestSavingTheURLBeginsAnew(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		f.webhook(t, "acme", "wh_1")
		late := func(n int) hook.Attempt {
			return but(answered(n, "wh_1", 500), func(a *hook.Attempt) { a.At = f.clock.Now() })
		}
		var first, second []hook.Attempt
		for n := range 50 {
			first = append(first, late(n))
		}
		f.record(t, first...)
		require.Equal(t, hook.Disabled, f.read(t, "wh_1").Status)
		inFlight := late(50)
		f.record(t, but(late(51), func(a *hook.Attempt) { a.Fate = hook.FateDelivered }))
		require.Zero(t, f.failing(t, "wh_1"))
		require.Len(t, f.told(t, hook.NotificationFilter{}), 5, "while it is disabled that is no recovery")

		f.clock.Add(time.Minute)
		f.enable(t, "wh_1")
		require.Zero(t, f.failing(t, "wh_1"))
		enabled := f.read(t, "wh_1")
		f.record(t, inFlight, but(inFlight, func(a *hook.Attempt) { a.Delivery, a.Reason, a.StatusCode = "dlv_gone", hook.ReasonGone, 410 }))
		require.Zero(t, f.failing(t, "wh_1"), "that was before")
		require.Equal(t, enabled, f.read(t, "wh_1"))

		for n := 60; n < 109; n++ {
			second = append(second, late(n))
		}
		f.record(t, second...)
		require.Equal(t, 49, f.failing(t, "wh_1"))
		require.Equal(t, hook.Resuming, f.read(t, "wh_1").Status)
		f.record(t, but(late(109), func(a *hook.Attempt) { a.Fate = hook.FateDelivered }))
		told := f.told(t, hook.NotificationFilter{})
		require.Len(t, told, 10, "at 10 to 40 again")
		require.Equal(t, hook.NoticeRecovered, told[9].Notice)
		require.Zero(t, f.streakRows(t))
	})
}

func TestMembersHearThatItWorksThoughItWasEnabledByHand(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		f.webhook(t, "acme", "wh_1")
		f.record(t, but(gone("wh_1"), func(*hook.Attempt) {}))
		require.Equal(t, hook.Disabled, f.read(t, "wh_1").Status)
		f.clock.Add(2 * time.Hour)
		f.enable(t, "wh_1")
		f.record(t, answered(2, "wh_1", 204))
		told := f.told(t, hook.NotificationFilter{})
		require.Len(t, told, 2)
		require.Equal(t, []hook.Notice{hook.NoticeDisabled, hook.NoticeRecovered}, []hook.Notice{told[0].Notice, told[1].Notice})
		require.Equal(t, "the last answer was 410", told[0].Detail)
	})
}

func TestAPersonWhoPausedAWebhookIsNotOverruled(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		f.webhook(t, "acme", "wh_1")
		f.record(t, failures(0, 45, "wh_1")...)
		_, err := f.UpdateWebhook(t.Context(), "acme", "wh_1", 0, func(w *hook.Webhook) error { w.Status = hook.Paused; return nil })
		require.NoError(t, err)
		f.record(t, failures(45, 60, "wh_1")...)
		require.Equal(t, 60, f.failing(t, "wh_1"))
		require.Equal(t, hook.Paused, f.read(t, "wh_1").Status)
		require.Empty(t, f.told(t, hook.NotificationFilter{Notice: hook.NoticeDisabled}))
	})
}

func TestTheAccountsRuleCountsElseTheInstallations(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.Store = f.WithStreakRule(hook.StreakRule{Disable: 3})
		f.account(t, "acme")
		own, err := f.CreateAccount(t.Context(), hook.Account{ID: "own", Name: "Own", Streak: &hook.StreakRule{Notify: []int{1, 2}}})
		require.NoError(t, err)
		again, err := f.Account(t.Context(), "own")
		require.NoError(t, err)
		require.Equal(t, own, again)
		f.webhook(t, "acme", "wh_1")
		f.webhook(t, "own", "wh_own")
		var all []hook.Attempt
		for n := range 60 {
			all = append(all, answered(n, "wh_1", 500), but(answered(100+n, "wh_own", 500), func(a *hook.Attempt) { a.Account = "own" }))
		}
		f.record(t, all...)
		require.Equal(t, hook.Disabled, f.read(t, "wh_1").Status)
		require.Len(t, f.told(t, hook.NotificationFilter{}), 1)
		w, err := f.Webhook(t.Context(), "own", "wh_own")
		require.NoError(t, err)
		require.Equal(t, hook.Active, w.Status, "never")
		list, _, err := f.Notifications(t.Context(), "own", hook.NotificationFilter{}, hook.Page{Limit: 10})
		require.NoError(t, err)
		require.Len(t, list, 2)

		for _, rule := range []*hook.StreakRule{{Notify: []int{5}, Disable: 9}, {Notify: []int{5}, Disable: 9}, nil} {
			own, err = f.UpdateAccount(t.Context(), "own", func(a *hook.Account) error { a.Streak = rule; return nil })
			require.NoError(t, err)
			require.Equal(t, rule, own.Streak)
		}
		require.EqualValues(t, 4, own.Version, "created, a webhook, two changes")
	})
}

func TestOfARevokedWebhookNothingIsCounted(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		for _, id := range []string{"wh_1", "wh_2"} {
			f.webhook(t, "acme", id)
			f.record(t, answered(int(id[3]), id, 500))
			_, err := f.UpdateWebhook(t.Context(), "acme", id, 0, func(w *hook.Webhook) error { w.Status = hook.Revoked; return nil })
			require.NoError(t, err)
		}
		f.record(t, answered(2, "wh_1", 500))
		require.Zero(t, f.failing(t, "wh_1"))
		require.Equal(t, 1, f.streakRows(t))
		require.NoError(t, f.ForgetNotifications(t.Context(), start))
		require.Zero(t, f.streakRows(t))
	})
}
