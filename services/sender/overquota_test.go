package sender_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/sender"
)

// limited is a snapshot in which every account has a quota.
func limited(webhooks []hook.Webhook, q hook.Quota) *snapshot {
	s := newSnapshot(webhooks)
	for id := range s.accounts {
		state := hook.AccountState{Account: hook.Account{ID: id, Name: id, Quota: &q}}
		for _, h := range webhooks {
			if h.Account == id {
				state.Webhooks = append(state.Webhooks, h)
			}
		}
		s.accounts[id] = sender.NewAccount(state, plain{})
	}
	return s
}

// usedUp is a quota with no call until a moment, and with enough from then on.
type usedUp struct{ until time.Time }

func (u usedUp) Take(context.Context, string, hook.Quota) (bool, time.Time) {
	return !time.Now().Before(u.until), u.until
}

func (u usedUp) Used(string, hook.Quota) (time.Time, bool) {
	return u.until, time.Now().Before(u.until)
}

func (u usedUp) Reserve(context.Context, string, hook.Quota, time.Duration) (time.Time, bool) {
	return u.until, time.Now().Before(u.until)
}
func (u usedUp) Return(string, hook.Quota, time.Time) {}

// counted is a quota that is counted in memory.
type counted struct {
	mu   sync.Mutex
	used map[time.Time]int64 // by start of the period
	// reserved are the calls that were taken ahead of their period.
	reserved int
}

func (c *counted) take(period time.Time, q hook.Quota) bool {
	if c.used[period] >= q.Calls {
		return false
	}
	c.used[period]++
	return true
}

func (c *counted) Take(_ context.Context, _ string, q hook.Quota) (bool, time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	from, to := q.At(time.Now())
	return c.take(from, q), to
}

func (c *counted) Used(_ string, q hook.Quota) (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	from, to := q.At(time.Now())
	return to, c.used[from] >= q.Calls
}

func (c *counted) Reserve(_ context.Context, _ string, q hook.Quota, horizon time.Duration) (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	for _, next := q.At(now); next.Before(now.Add(horizon)); _, next = q.At(next) {
		if c.take(next, q) {
			c.reserved++
			return next, true
		}
	}
	return time.Time{}, false
}

func (c *counted) Return(_ string, _ hook.Quota, period time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.used[period]--
}

// all is how many calls were taken, and the most of one period.
func (c *counted) all() (sum, most int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range c.used {
		sum += n
		most = max(most, n)
	}
	return sum, most
}

// over says which of a delivery's records tell that the quota was used up.
func over(got []hook.Attempt) (pending []hook.Attempt) {
	for _, a := range got {
		if a.Reason == hook.ReasonQuota {
			pending = append(pending, a)
		}
	}
	return pending
}

func TestWhatIsOverTheQuotaWaitsForALaterPeriodAndIsPostedOnItsCall(t *testing.T) {
	w := newWorld(t)
	h := w.webhook("/ok", nil)
	q := hook.Quota{Calls: 2, Period: 8 * time.Second}
	ledger := &counted{used: map[time.Time]int64{}}
	w.run(func(c *sender.Config) { c.Snapshot, c.Quotas = limited(w.webhooks, q), ledger })
	deferred, late := 0, 0
	deliveries := w.burst(5, h)
	for _, d := range deliveries {
		got := w.await(d, ended)
		require.Equal(t, hook.FateDelivered, got[len(got)-1].Fate)
		require.Equal(t, 1, got[len(got)-1].Number, "a deferral uses up no attempt")
		pending := over(got)
		require.LessOrEqual(t, len(pending), 1, "usage counts it once")
		if len(pending) == 0 {
			continue
		}
		deferred++
		require.Equal(t, hook.FatePending, pending[0].Fate)
		require.Zero(t, pending[0].Number)
		_, next := q.At(pending[0].At)
		require.False(t, pending[0].Due.Before(next), "it is due in a later period")
		require.False(t, got[len(got)-1].At.Before(next), "and not posted before")
		if _, end := q.At(pending[0].Due); !got[len(got)-1].At.Before(end) {
			late++ // on a busy machine; its call was of a period that had passed
		}
		require.Equal(t, 1, w.receiver.posted(d))
	}
	require.NotZero(t, deferred)
	sum, most := ledger.all()
	require.Equal(t, int64(len(deliveries)+late), sum, "one call each: what was reserved is not taken again")
	require.LessOrEqual(t, most, q.Calls)
	require.GreaterOrEqual(t, ledger.reserved, deferred)
}

func TestWhatIsOverTheQuotaIsDroppedIfTheWebhookSaysSo(t *testing.T) {
	w := newWorld(t)
	h := w.webhook("/ok", func(h *hook.Webhook) { h.OnQuota = hook.DropOverQuota })
	q := hook.Quota{Calls: 2, Period: time.Hour}
	w.run(func(c *sender.Config) {
		c.Snapshot, c.Quotas = limited(w.webhooks, q), &counted{used: map[time.Time]int64{}}
	})
	dropped := 0
	for _, d := range w.burst(20, h) {
		got := w.await(d, ended)
		require.Len(t, got, 1)
		if got[0].Fate == hook.FateDropped {
			dropped++
			require.Equal(t, hook.ReasonQuota, got[0].Reason)
			require.Zero(t, w.receiver.posted(d))
		}
	}
	require.GreaterOrEqual(t, dropped, 16, "2 are allowed, and 2 more if the hour turns")
	require.Less(t, dropped, 20)
}

func TestWithoutACallToReserveATaskAsksAgainWithin15Minutes(t *testing.T) {
	w := newWorld(t)
	h := w.webhook("/ok", nil)
	q := hook.Quota{Calls: 1, Period: 31 * 24 * time.Hour}
	tiers := w.tiers()
	w.run(func(c *sender.Config) {
		c.Snapshot, c.Quotas = limited(w.webhooks, q), &counted{used: map[time.Time]int64{}}
	})
	w.await(w.publish(0, h)[0], ended)
	d := w.publish(0, h)[0]
	got := w.await(d, func(got []hook.Attempt) bool { return len(got) == 1 })
	require.Equal(t, hook.FatePending, got[0].Fate)
	require.WithinDuration(t, got[0].At.Add(15*time.Minute), got[0].Due, 2*time.Minute)
	require.Eventually(t, func() bool { return len(tiers.tasks(d)) == 1 }, within, pollEvery)
	require.True(t, tiers.tasks(d)[0].GetOverQuota(), "so that it is not counted again")
	require.Zero(t, tiers.tasks(d)[0].GetReservedMs())
}

// forgetful is a quota that gives calls of three later periods, which turn out to
// be used up, and has enough from then on.
type forgetful struct{ reserved *atomic.Int32 }

func (f forgetful) over() bool { return f.reserved.Load() < 3 }

func (f forgetful) Take(context.Context, string, hook.Quota) (bool, time.Time) {
	return !f.over(), time.Now().Add(time.Second)
}

func (f forgetful) Used(string, hook.Quota) (time.Time, bool) {
	return time.Now().Add(time.Second), f.over()
}

func (f forgetful) Reserve(context.Context, string, hook.Quota, time.Duration) (time.Time, bool) {
	f.reserved.Add(1)
	return time.Now().Add(time.Second), true
}

func (forgetful) Return(string, hook.Quota, time.Time) {}

func TestATaskThatIsDeferredAgainAndAgainIsCountedOnce(t *testing.T) {
	w := newWorld(t)
	h := w.webhook("/ok", nil)
	q := hook.Quota{Calls: 100, Period: time.Second}
	tiers := w.tiers()
	w.run(func(c *sender.Config) {
		c.Snapshot, c.Quotas = limited(w.webhooks, q), forgetful{new(atomic.Int32)}
	})
	d := w.publish(0, h)[0]
	require.Equal(t, "pending#0 delivered#1", fates(w.await(d, ended)))
	require.GreaterOrEqual(t, len(tiers.tasks(d)), 3)
	requireOneTaskOfEachStep(t, tiers.tasks(d))
	require.Equal(t, 1, w.receiver.posted(d))
}

// Rules 3 and 6 for the one deferral that is written down.
func TestASenderThatDiesWhileItDefersForTheQuotaTellsTheLogOnce(t *testing.T) {
	parallel(t)
	for _, at := range []sender.Moment{sender.Written, sender.Parked} {
		t.Run(string(at), func(t *testing.T) {
			w := newWorld(t)
			h := w.webhook("/ok", nil)
			tiers := w.tiers()
			delivery := w.publish(0, h)[0]
			told := w.orders()
			told.Quota, told.QuotaFrom = &hook.Quota{Calls: 100, Period: time.Second}, time.Now().Add(10*time.Second).Truncate(time.Second)
			again := told
			told.Stop, told.Nth, told.Delivery = at, 1, delivery
			launch(t, told).died(t)
			launch(t, again)
			got := w.await(delivery, ended)
			require.Equal(t, "pending#0 delivered#1", fates(got))
			require.Equal(t, 1, w.receiver.posted(delivery))
			require.False(t, got[1].At.Before(told.QuotaFrom))
			requireOneTaskOfEachStep(t, tiers.tasks(delivery))
			require.Equal(t, got[0].Due.UnixMilli(), tiers.tasks(delivery)[0].GetDueMs())
		})
	}
}

func TestAnOperationalWebhookTakesNoCallOfTheQuota(t *testing.T) {
	w := newWorld(t)
	h := w.webhook("/ok", func(h *hook.Webhook) {
		h.ItemTypes, h.EventTypes, h.Notices, h.OnQuota = nil, nil, []hook.Notice{hook.AnyNotice}, hook.DropOverQuota
	})
	ledger := &counted{used: map[time.Time]int64{}}
	w.run(func(c *sender.Config) {
		c.Snapshot, c.Quotas = limited(w.webhooks, hook.Quota{Calls: 1, Period: time.Hour}), ledger
	})
	for _, d := range w.burst(20, h) {
		got := w.await(d, ended)
		require.Equal(t, hook.FateDelivered, got[len(got)-1].Fate)
	}
	sum, _ := ledger.all()
	require.Zero(t, sum)
}
