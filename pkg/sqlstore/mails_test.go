package sqlstore_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

const lease = 5 * time.Minute

// mailing is a fixture with an account, its webhook wh_1, and an owner, whose
// notifications are mailed.
func mailing(t *testing.T, f fixture) fixture {
	t.Helper()
	f.Store = f.WithMails().WithStreakRule(hook.StreakRule{Notify: counts(1, 20)})
	f.account(t, "acme")
	f.webhook(t, "acme", "wh_1")
	f.member(t, "mbr_1", "a@example.com", hook.RoleOwner)
	return f
}

// counts are those from one to another.
func counts(from, to int) (all []int) {
	for n := from; n <= to; n++ {
		all = append(all, n)
	}
	return all
}

// claim claims a letter and gives the failures in a row of its notifications.
func (f fixture) claim(t *testing.T) (hook.Letter, []int64) {
	t.Helper()
	l, err := f.ClaimLetter(t.Context(), lease)
	require.NoError(t, err)
	var failures []int64
	for _, n := range l.Notices {
		failures = append(failures, n.Count)
	}
	return l, failures
}

func (f fixture) noLetter(t *testing.T) {
	t.Helper()
	_, err := f.ClaimLetter(t.Context(), lease)
	require.ErrorIs(t, err, hook.ErrNotFound)
}

func TestALetterIsForEachMemberWithSettingsAccess(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f = mailing(t, f)
		f.account(t, "other")
		f.member(t, "mbr_2", "b@example.com", hook.RoleSettings)
		f.member(t, "mbr_3", "c@example.com", hook.RoleViewer)
		elsewhere := member("mbr_4", "d@example.com", hook.RoleOwner)
		elsewhere.Account = "other"
		_, err := f.CreateMember(t.Context(), elsewhere)
		require.NoError(t, err)
		f.noLetter(t)

		f.record(t, failures(0, 1, "wh_1")...)
		letters := map[string]hook.Letter{}
		for range 2 {
			l, _ := f.claim(t)
			letters[l.Member.ID] = l
		}
		f.noLetter(t)
		require.Contains(t, letters, "mbr_2")
		l := letters["mbr_1"]
		require.Equal(t, member("mbr_1", "a@example.com", hook.RoleOwner), l.Member)
		require.Equal(t, "The acme", l.AccountName)
		require.Len(t, l.Notices, 1)
		told := l.Notices[0]
		require.Equal(t, f.told(t, hook.NotificationFilter{})[0].Detail, told.Detail)
		require.Equal(t, hook.NoticeFailing, told.Notice)
		require.Equal(t, "wh_1", told.Webhook)
		require.Equal(t, "till", told.Description)
		require.Equal(t, "https://example.com/hook", told.URL)
		require.Equal(t, f.clock.Now(), told.CreatedAt)
	})
}

func TestNothingIsMailedOfTheTimeBeforeMailWasSetUp(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		without := f.WithStreakRule(hook.StreakRule{Notify: counts(1, 20)})
		with := mailing(t, f)
		f.Store = without
		f.record(t, failures(0, 3, "wh_1")...)
		require.Len(t, f.told(t, hook.NotificationFilter{}), 3)
		with.noLetter(t)
		with.record(t, failures(10, 11, "wh_1")...)
		_, failures := with.claim(t)
		require.Equal(t, []int64{4}, failures)
	})
}

func TestALetterThatIsNotDoneComesAgainAsItWas(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f = mailing(t, f)
		f.record(t, failures(0, 2, "wh_1")...)
		dead, told := f.claim(t)
		require.Equal(t, []int64{2, 1}, told)
		f.record(t, failures(10, 11, "wh_1")...)
		f.noLetter(t) // its sender has a lease

		f.clock.Add(lease)
		again, told := f.claim(t)
		require.Equal(t, []int64{2, 1}, told, "what came since waits")
		require.Equal(t, dead.Number, again.Number)
		require.ErrorIs(t, f.LetterDone(t.Context(), dead, f.clock.Now()), hook.ErrStale)
		require.ErrorIs(t, f.PostponeLetter(t.Context(), dead, f.clock.Now()), hook.ErrStale)

		require.NoError(t, f.PostponeLetter(t.Context(), again, f.clock.Now().Add(time.Minute)))
		f.noLetter(t)
		f.clock.Add(time.Minute)
		again, told = f.claim(t)
		require.Equal(t, []int64{2, 1}, told)
		require.Equal(t, 1, again.Tries)

		require.NoError(t, f.LetterDone(t.Context(), again, f.clock.Now().Add(time.Minute)))
		require.ErrorIs(t, f.LetterDone(t.Context(), again, f.clock.Now()), hook.ErrStale)
		f.noLetter(t)
		f.clock.Add(time.Minute)
		next, told := f.claim(t)
		require.Equal(t, []int64{3}, told)
		require.Zero(t, next.Tries)
		require.NoError(t, f.LetterDone(t.Context(), next, f.clock.Now().Add(time.Minute)))

		f.record(t, failures(20, 21, "wh_1")...)
		f.noLetter(t) // a letter a minute
		f.clock.Add(time.Minute)
		_, told = f.claim(t)
		require.Equal(t, []int64{4}, told)
	})
}

func TestALetterListsTheNewestAndCountsTheOthers(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f = mailing(t, f)
		f.Store = f.WithStreakRule(hook.StreakRule{Notify: counts(1, 120)})
		f.record(t, failures(0, 120, "wh_1")...)
		l, told := f.claim(t)
		require.Len(t, told, hook.MaxLetterNotices)
		require.EqualValues(t, 120, told[0])
		require.EqualValues(t, 70, l.More)
		require.NoError(t, f.LetterDone(t.Context(), l, f.clock.Now()))
		f.noLetter(t)
	})
}

func TestWhatWaitedForThreeDaysIsInNoLetter(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f = mailing(t, f)
		f.record(t, failures(0, 2, "wh_1")...)
		f.clock.Add(hook.LetterLife - time.Hour)
		l, told := f.claim(t)
		require.Equal(t, []int64{2, 1}, told)
		require.NoError(t, f.PostponeLetter(t.Context(), l, f.clock.Now().Add(2*time.Hour)))
		f.record(t, failures(10, 11, "wh_1")...)

		f.clock.Add(2 * time.Hour)
		l, told = f.claim(t)
		require.Empty(t, told)
		require.EqualValues(t, 2, l.Expired)
		require.NoError(t, f.LetterDone(t.Context(), l, f.clock.Now()))
		l, told = f.claim(t)
		require.Equal(t, []int64{3}, told)
		require.Zero(t, l.Expired)
	})
}

func TestWhoMayNotKnowAnyMoreIsNotMailed(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f = mailing(t, f)
		f.member(t, "mbr_2", "b@example.com", hook.RoleSettings)
		f.member(t, "mbr_3", "c@example.com", hook.RoleSettings)
		f.record(t, failures(0, 1, "wh_1")...)
		require.NoError(t, f.DeleteMember(t.Context(), "acme", "mbr_2"))
		role := func(role hook.Role) {
			_, err := f.UpdateMember(t.Context(), "acme", "mbr_3", func(m *hook.Member) error { m.Role = role; return nil })
			require.NoError(t, err)
		}
		role(hook.RoleViewer)
		l, _ := f.claim(t)
		require.Equal(t, "mbr_1", l.Member.ID)
		f.noLetter(t)
		role(hook.RoleSettings)
		f.noLetter(t)
		require.NoError(t, f.LetterDone(t.Context(), l, f.clock.Now()))

		f.record(t, failures(10, 11, "wh_1")...)
		require.NoError(t, f.DeleteAccount(t.Context(), "acme"))
		f.noLetter(t)
		require.NoError(t, f.ForgetNotifications(t.Context(), f.clock.Now().Add(time.Second)))
		for _, table := range []string{"mails", "mailboxes"} {
			var left int
			require.NoError(t, f.db.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM `+table).Scan(&left))
			require.Zero(t, left, table)
		}
	})
}

// Several recorders send, while others write: each notification is in one letter.
func TestNoNotificationIsMailedTwiceOrForgottenAmongMany(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f = mailing(t, f)
		f.member(t, "mbr_2", "b@example.com", hook.RoleSettings)
		const partitions, each = 4, 5
		var work sync.WaitGroup
		for p := range partitions {
			id := fmt.Sprint("wh_p", p)
			f.webhook(t, "acme", id)
			work.Go(func() {
				for n := range each {
					if err := f.write(t, 10+p, int64(n), int64(n+1), hook.Recorded{Offset: int64(n), Attempt: answered(10*p+n, id, 500)}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		var mutex sync.Mutex
		mailed := map[string]int{}
		const all = 2 * partitions * each
		total := func() int {
			mutex.Lock()
			defer mutex.Unlock()
			return len(mailed)
		}
		for range 3 {
			work.Go(func() {
				for total() < all && t.Context().Err() == nil {
					l, err := f.ClaimLetter(t.Context(), lease)
					if err != nil {
						continue // nothing is due
					}
					mutex.Lock()
					for _, n := range l.Notices {
						mailed[l.Member.ID+" "+n.ID]++
					}
					mutex.Unlock()
					if err := f.LetterDone(t.Context(), l, f.clock.Now()); err != nil {
						t.Error(err)
					}
				}
			})
		}
		work.Wait()
		for what, times := range mailed {
			require.Equal(t, 1, times, what)
		}
		f.noLetter(t)
	})
}
