package recorder_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

// notifications are those of acme, newest first.
func (f *fixture) notifications() []hook.Notification {
	f.Helper()
	list, _, err := f.store.Notifications(f.Context(), "acme", hook.NotificationFilter{}, hook.Page{Limit: 100})
	require.NoError(f, err)
	return list
}

// CONTRACT.md: members are told 48 h before held payloads expire, which Kafka keeps
// for 14 days.
func TestMembersAreToldBeforeHeldPayloadsExpire(t *testing.T) {
	f := newFixture(t)
	f.webhook("wh_a", hook.Paused)
	f.webhook("wh_b", hook.Active)
	hold := func(n int) {
		a := f.bundled(n, "wh_a")
		a.Reason, a.Published = hook.ReasonPaused, time.Now() // Kafka's clock is the real one
		f.record(a)
	}
	hold(1)
	hold(2)
	const day = 24 * time.Hour
	now := time.Since(start)
	f.ahead = now
	_, stop := f.run()
	f.eventually(f.recorded, "the log has all")
	stop()
	f.ahead = now + 11*day
	hold(3)
	_, stop = f.run()
	f.eventually(f.recorded, "the log has this one too")
	stop()
	require.Empty(t, f.notifications(), "there are three days left")

	for range 2 {
		f.ahead = now + 13*day
		_, stop = f.run()
		f.eventually(func() bool { return len(f.notifications()) == 1 }, "there is a day left")
		stop()
	}
	told := f.notifications()[0]
	require.Equal(t, hook.NoticeExpiring, told.Notice)
	require.Equal(t, "wh_a", told.Webhook)
	require.EqualValues(t, 3, told.Count)
}

func TestARecorderThatStartsAnewGoesOnWithAStreak(t *testing.T) {
	f := newFixture(t)
	f.webhook("wh_a", hook.Active)
	failed := func(n int) hook.Attempt {
		a := attempt(n, "wh_a", hook.FateRetrying)
		a.Number, a.StatusCode, a.Reason = 1, 500, hook.ReasonStatus
		return a
	}
	for n := range 50 {
		if n%20 == 0 {
			_, stop := f.run()
			defer stop()
		}
		f.record(failed(n), failed(n/2)) // its twin
	}
	f.eventually(f.recorded, "the log has all")
	require.Equal(t, hook.Disabled, f.statusOf("wh_a"))
	told := f.notifications()
	require.Len(t, told, 5)
	require.Equal(t, hook.NoticeDisabled, told[0].Notice)
	require.EqualValues(t, 50, told[0].Count)
}
