package sqlstore_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

// quota gives the account one of 10 calls in 10 minutes.
func (f fixture) quota(t *testing.T, account string) {
	t.Helper()
	_, err := f.UpdateAccount(t.Context(), account, func(a *hook.Account) error {
		a.Quota = &hook.Quota{Calls: 10, Period: 10 * time.Minute}
		return nil
	})
	require.NoError(t, err)
}

func (f fixture) usage(t *testing.T, filter hook.UsageFilter) []hook.Usage {
	t.Helper()
	return walk(t, 2, func(p hook.Page) ([]hook.Usage, string, error) { return f.Usage(t.Context(), "acme", filter, p) })
}

// usageOf is all of an account's.
func (f fixture) usageOf(t *testing.T, account string) []hook.Usage {
	t.Helper()
	return walk(t, 100, func(p hook.Page) ([]hook.Usage, string, error) {
		return f.Usage(t.Context(), account, hook.UsageFilter{}, p)
	})
}

// requested, deferred and overQuota are delivery n's records so long after start.
func requested(n int, webhook string, after time.Duration) hook.Attempt {
	return but(attempt(n), func(a *hook.Attempt) { a.Webhook, a.At = webhook, start.Add(after) })
}

func deferred(n int, webhook string, after time.Duration) hook.Attempt {
	return but(requested(n, webhook, after), func(a *hook.Attempt) {
		a.Number, a.Fate, a.Reason, a.StatusCode = 0, hook.FatePending, hook.ReasonQuota, 0
	})
}

func overQuota(n int, webhook string, after time.Duration) hook.Attempt {
	return but(deferred(n, webhook, after), func(a *hook.Attempt) { a.Fate = hook.FateDropped })
}

func executable(n int64) *int64 { return &n }

func TestUsageIsCountedByPeriodOfTheQuota(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		f.quota(t, "acme")
		f.record(t,
			requested(1, "wh_1", 0), requested(2, "wh_1", time.Second), requested(3, "wh_2", 9*time.Minute),
			deferred(4, "wh_2", 9*time.Minute), overQuota(5, "wh_1", 599*time.Second),
			requested(6, "wh_1", 10*time.Minute),
			held(7, "wh_1", 3), // neither
			but(requested(8, "wh_1", 0), func(a *hook.Attempt) { a.Account = "other" }))
		first := hook.Usage{From: start, To: start.Add(10 * time.Minute), Executable: executable(7)}
		wh1, wh2 := first, first
		wh1.Webhook, wh1.Executed, wh1.Dropped = "wh_1", 2, 1
		wh2.Webhook, wh2.Executed, wh2.Deferred = "wh_2", 1, 1
		second := hook.Usage{Webhook: "wh_1", From: first.To, To: first.To.Add(10 * time.Minute), Executed: 1, Executable: executable(9)}
		require.Equal(t, []hook.Usage{second, wh1, wh2}, f.usage(t, hook.UsageFilter{}), "newest period first, then by webhook")
		require.Equal(t, []hook.Usage{wh1, wh2}, f.usage(t, hook.UsageFilter{Exceeded: true}))
		require.Equal(t, []hook.Usage{second, wh1}, f.usage(t, hook.UsageFilter{Webhook: "wh_1"}))
		require.Equal(t, []hook.Usage{second}, f.usage(t, hook.UsageFilter{From: second.From}))
		require.Equal(t, []hook.Usage{wh1, wh2}, f.usage(t, hook.UsageFilter{To: second.From}))

		total := first
		total.Executed, total.Deferred, total.Dropped = 3, 1, 1
		whole := second
		whole.Webhook = ""
		require.Equal(t, []hook.Usage{whole, total}, f.usage(t, hook.UsageFilter{Totals: true}))
		require.Equal(t, []hook.Usage{total}, f.usage(t, hook.UsageFilter{Totals: true, Exceeded: true}))
		require.Len(t, walk(t, 1, func(p hook.Page) ([]hook.Usage, string, error) {
			return f.Usage(t.Context(), "acme", hook.UsageFilter{Totals: true}, p)
		}), 2)

		for n := range 12 {
			f.record(t, requested(100+n, "wh_1", 10*time.Minute))
		}
		second.Executed, second.Executable = 13, executable(0)
		require.Equal(t, second, f.usage(t, hook.UsageFilter{})[0], "never less than 0")
		_, _, err := f.Usage(t.Context(), "acme", hook.UsageFilter{}, hook.Page{Limit: 1, After: "bWFkZSB1cA"})
		var faults hook.Invalid
		require.ErrorAs(t, err, &faults)
	})
}

func TestWithoutAQuotaAPeriodIsADay(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		f.record(t, requested(1, "wh_1", 0), requested(2, "wh_1", 12*time.Hour-time.Second), requested(3, "wh_1", 12*time.Hour))
		today := start.Truncate(24 * time.Hour)
		tomorrow := today.Add(24 * time.Hour)
		require.Equal(t, []hook.Usage{
			{Webhook: "wh_1", From: tomorrow, To: tomorrow.Add(24 * time.Hour), Executed: 1},
			{Webhook: "wh_1", From: today, To: tomorrow, Executed: 2},
		}, f.usage(t, hook.UsageFilter{}))
	})
}

func TestARecordCountsOnceHoweverOftenItIsWritten(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		f.quota(t, "acme")
		failed := requested(1, "wh_1", 0)
		history := []hook.Attempt{
			deferred(1, "wh_1", 0), failed, failed,
			but(failed, func(a *hook.Attempt) { a.Fate, a.StatusCode = hook.FateDelivered, 200 }), // a twin that succeeded
			but(failed, func(a *hook.Attempt) { a.Number, a.Step = 2, 1 }),                        // another request
			deferred(2, "wh_1", 0), overQuota(3, "wh_1", 0), overQuota(3, "wh_1", 0),
		}
		want := []hook.Usage{{
			Webhook: "wh_1", From: start, To: start.Add(10 * time.Minute), Executed: 2, Executable: executable(8), Deferred: 2, Dropped: 1,
		}}
		f.record(t, history...)
		require.Equal(t, want, f.usage(t, hook.UsageFilter{}))
		f.record(t, history...)
		for _, a := range history {
			f.record(t, a)
		}
		require.Equal(t, want, f.usage(t, hook.UsageFilter{}))

		next, err := f.NextOffset(t.Context(), 3)
		require.NoError(t, err)
		stale := f.write(t, 3, next+1, next+2, hook.Recorded{Offset: next + 1, Attempt: requested(9, "wh_1", 0)})
		require.ErrorIs(t, stale, hook.ErrStale)
		require.Equal(t, want, f.usage(t, hook.UsageFilter{}), "nothing of a stale batch counts")
	})
}
