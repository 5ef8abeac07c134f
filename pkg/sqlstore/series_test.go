package sqlstore_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/staffetta/staffetta/pkg/hook"
)

// answeredIn is delivery n's request so long after start, answered with a status in
// some time.
func answeredIn(n int, webhook string, after, took time.Duration, status int) hook.Attempt {
	return but(requested(n, webhook, after), func(a *hook.Attempt) {
		a.Duration, a.StatusCode = took, status
		if status/100 == 2 {
			a.Fate, a.Reason, a.Due = hook.FateDelivered, hook.ReasonNone, time.Time{}
		}
	})
}

func latencyOf(durations ...time.Duration) (l hook.Latency) {
	for _, d := range durations {
		l.Note(d)
	}
	return l
}

func (f fixture) series(t *testing.T, filter hook.SeriesFilter) []hook.UsageStep {
	t.Helper()
	list, err := f.Series(t.Context(), "acme", filter)
	require.NoError(t, err)
	return list
}

func TestASeriesTellsOfEachHourAndDay(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		const ms = time.Millisecond
		f.record(t,
			answeredIn(1, "wh_1", 0, 3*ms, 200), answeredIn(2, "wh_1", 59*time.Minute, 300*ms, 503),
			answeredIn(3, "wh_1", time.Hour, 7*ms, 204), answeredIn(4, "wh_1", time.Hour, 15*time.Second, 0), // no answer
			answeredIn(5, "wh_2", time.Hour+time.Second, 90*ms, 200),
			deferred(6, "wh_2", time.Hour), overQuota(7, "wh_2", time.Hour),
			held(8, "wh_1", 3), // nothing was done
			answeredIn(9, "wh_1", 36*time.Hour, ms, 200),
			but(answeredIn(10, "wh_1", 0, ms, 200), func(a *hook.Attempt) { a.Account = "other" }))
		day := start.Truncate(hook.Daily)
		hours := hook.SeriesFilter{Step: hook.Hourly, From: day, To: day.Add(3 * hook.Daily)}
		days := hours
		days.Step = hook.Daily
		one, two := hours, days
		one.Webhook, two.Webhook = "wh_1", "wh_2"
		last := hook.UsageStep{From: start.Add(36 * time.Hour), Executed: 1, Delivered: 1, Latency: latencyOf(ms)}
		require.Equal(t, []hook.UsageStep{
			{From: start, Executed: 2, Delivered: 1, Latency: latencyOf(3*ms, 300*ms)},
			{From: start.Add(time.Hour), Executed: 2, Delivered: 1, Latency: latencyOf(7 * ms)},
			last,
		}, f.series(t, one))
		require.Equal(t, []hook.UsageStep{
			{From: start, Executed: 2, Delivered: 1, Latency: latencyOf(3*ms, 300*ms)},
			{From: start.Add(time.Hour), Executed: 3, Delivered: 2, Deferred: 1, Dropped: 1, Latency: latencyOf(7*ms, 90*ms)},
			last,
		}, f.series(t, hours), "of the whole account")
		require.Equal(t, []hook.UsageStep{
			{From: day, Executed: 5, Delivered: 3, Deferred: 1, Dropped: 1, Latency: latencyOf(3*ms, 300*ms, 7*ms, 90*ms)},
			{From: day.Add(2 * hook.Daily), Executed: 1, Delivered: 1, Latency: latencyOf(ms)},
		}, f.series(t, days))
		require.Equal(t, []hook.UsageStep{
			{From: day, Executed: 1, Delivered: 1, Deferred: 1, Dropped: 1, Latency: latencyOf(90 * ms)},
		}, f.series(t, two))

		for _, webhook := range []string{"", "wh_1"} {
			within := hook.SeriesFilter{Webhook: webhook, Step: hook.Hourly, From: start.Add(time.Second), To: start.Add(2 * time.Hour)}
			steps := f.series(t, within)
			require.Len(t, steps, 1, "those that begin within the time")
			require.Equal(t, start.Add(time.Hour), steps[0].From)
			within.To = within.From
			require.Empty(t, f.series(t, within))
		}
		one.Webhook = "wh_9"
		require.Empty(t, f.series(t, one))
	})
}

func TestASuccessCountsWhereItsFailedTwinDid(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		f.quota(t, "acme")
		const ms = time.Millisecond
		for n, together := range []bool{true, false} {
			webhook := fmt.Sprint("wh_", n)
			failed := answeredIn(10+n, webhook, 59*time.Minute, 300*ms, 503)
			success := answeredIn(10+n, webhook, time.Hour, 7*ms, 200)
			// With another attempt its rows are in another table.
			second := but(answeredIn(20+n, webhook, 59*time.Minute, 3*ms, 500), func(a *hook.Attempt) { a.Number = 2 })
			first := but(second, func(a *hook.Attempt) { a.Number = 1 })
			mended := but(second, func(a *hook.Attempt) {
				a.At, a.Fate, a.StatusCode, a.Duration = start.Add(time.Hour), hook.FateDelivered, 200, 2*ms
			})
			if together {
				f.record(t, failed, success, first, second, mended, success)
			} else {
				for _, a := range []hook.Attempt{failed, first, second} {
					f.record(t, a)
				}
				// What was counted by the quota of then is found there.
				_, err := f.UpdateAccount(t.Context(), "acme", func(a *hook.Account) error {
					a.Quota = &hook.Quota{Calls: 10, Period: time.Hour}
					return nil
				})
				require.NoError(t, err)
				for _, a := range []hook.Attempt{success, mended, mended, success} {
					f.record(t, a)
				}
			}
			require.Equal(t, []hook.UsageStep{
				{From: start, Executed: 1, Latency: latencyOf(3 * ms)},
				{From: start.Add(time.Hour), Executed: 2, Delivered: 2, Latency: latencyOf(7*ms, 2*ms)},
			}, f.series(t, hook.SeriesFilter{Webhook: webhook, Step: hook.Hourly, From: start, To: start.Add(hook.Daily)}))
			executed := map[time.Time]int64{}
			for _, u := range f.usage(t, hook.UsageFilter{Webhook: webhook}) {
				executed[u.From] += u.Executed
			}
			require.Equal(t, map[time.Time]int64{start.Add(50 * time.Minute): 1, start.Add(time.Hour): 2}, executed)
		}
	})
}

// However records come, together or alone, twice, from twins, again from the
// start of the topic, before and after sums were made: usage and series are what the log's
// rows say.
func TestUsageAndSeriesAreWhatTheLogSays(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		round := 0
		rapid.Check(t, func(r *rapid.T) {
			round++
			account := fmt.Sprint("acme-", round)
			f.account(t, account)
			if rapid.Bool().Draw(r, "quota") {
				f.quota(t, account)
			}
			if rapid.Bool().Draw(r, "many webhooks") {
				f.many(t, account)
			}
			var deliveries []string
			for n := range 3 {
				deliveries = append(deliveries, fmt.Sprintf("dlv_%d_%d", round, n))
			}
			topic := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) hook.Attempt {
				n := rapid.IntRange(0, len(deliveries)-1).Draw(r, "delivery")
				return but(attempt(n), func(a *hook.Attempt) {
					a.Account, a.Delivery, a.Webhook = account, deliveries[n], fmt.Sprint("wh_", n%2)
					a.Run = rapid.Int64Range(0, 1).Draw(r, "run")
					a.Step, a.Number = rapid.IntRange(0, 1).Draw(r, "step"), rapid.IntRange(0, 2).Draw(r, "number")
					a.Fate = rapid.SampledFrom([]hook.Fate{hook.FateRetrying, hook.FatePending, hook.FateDropped, hook.FateDelivered, hook.FateExhausted}).Draw(r, "fate")
					a.Reason = rapid.SampledFrom([]hook.Reason{hook.ReasonQuota, hook.ReasonStatus}).Draw(r, "reason")
					a.StatusCode = rapid.SampledFrom([]int{0, 200, 503}).Draw(r, "status")
					a.Duration = time.Duration(rapid.Int64Range(0, int64(20*time.Second)).Draw(r, "duration"))
					// Over the ends of periods, hours and days.
					a.At = start.Truncate(hook.Daily).Add(time.Duration(rapid.Int64Range(-int64(2*time.Hour), int64(2*time.Hour)).Draw(r, "at")))
				})
			}), 1, 12).Draw(r, "topic")
			for rest := topic; len(rest) > 0; {
				n := rapid.IntRange(1, len(rest)).Draw(r, "transaction")
				f.record(t, rest[:n]...)
				rest = rest[n:]
				if rapid.Bool().Draw(r, "settle") {
					require.NoError(r, f.SettleUsage(t.Context()))
				}
			}
			if again := rapid.IntRange(0, len(topic)).Draw(r, "again"); again > 0 {
				f.record(t, topic[:again]...) // as after a loss of the offsets
			}
			f.requireUsageOfLog(t, r, account, deliveries)
		})
	})
}

// requireUsageOfLog computes all that is told of an account's usage from its log.
func (f fixture) requireUsageOfLog(t *testing.T, r *rapid.T, account string, deliveries []string) {
	t.Helper()
	owner, err := f.Account(t.Context(), account)
	require.NoError(r, err)
	quota := hook.Quota{Period: hook.Daily}
	if owner.Quota != nil {
		quota = *owner.Quota
	}
	type series struct {
		webhook string
		step    time.Duration
	}
	periods, steps := map[string]*hook.Usage{}, map[series]map[time.Time]*hook.UsageStep{}
	calls := map[time.Time]int64{}
	for _, id := range deliveries {
		attempts, err := f.Attempts(t.Context(), account, id)
		if err != nil {
			require.ErrorIs(r, err, hook.ErrNotFound)
			continue
		}
		for _, a := range attempts {
			deferred := a.Number == 0 && a.Reason == hook.ReasonQuota && a.Fate == hook.FatePending
			dropped := a.Number == 0 && a.Reason == hook.ReasonQuota && a.Fate == hook.FateDropped
			if a.Number == 0 && !deferred && !dropped {
				continue
			}
			from, to := quota.At(a.At)
			key := fmt.Sprint(a.Webhook, from)
			u := periods[key]
			if u == nil {
				u = &hook.Usage{Webhook: a.Webhook, From: from, To: to}
				periods[key] = u
			}
			var all []*hook.UsageStep
			for _, of := range []series{
				{a.Webhook, hook.Hourly}, {a.Webhook, hook.Daily}, {"", hook.Hourly}, {"", hook.Daily},
			} {
				if steps[of] == nil {
					steps[of] = map[time.Time]*hook.UsageStep{}
				}
				begins := a.At.Truncate(of.step)
				if steps[of][begins] == nil {
					steps[of][begins] = &hook.UsageStep{From: begins}
				}
				all = append(all, steps[of][begins])
			}
			switch {
			case deferred:
				u.Deferred++
			case dropped:
				u.Dropped++
			default:
				u.Executed++
				calls[from]++
			}
			for _, s := range all {
				switch {
				case deferred:
					s.Deferred++
				case dropped:
					s.Dropped++
				default:
					s.Executed++
					if a.Fate == hook.FateDelivered {
						s.Delivered++
					}
					if a.StatusCode != 0 {
						s.Latency.Note(a.Duration)
					}
				}
			}
		}
	}
	got := map[string]*hook.Usage{}
	for _, u := range f.usageOf(t, account) {
		if u.Executed+u.Deferred+u.Dropped == 0 {
			continue // what a failed twin's success has left behind
		}
		require.Equal(r, owner.Quota == nil, u.Executable == nil)
		if u.Executable != nil {
			require.Equal(r, max(owner.Quota.Calls-calls[u.From], 0), *u.Executable)
			u.Executable = nil
		}
		got[fmt.Sprint(u.Webhook, u.From)] = &u
	}
	require.Equal(r, periods, got)
	totals, _, err := f.Usage(t.Context(), account, hook.UsageFilter{Totals: true}, hook.Page{Limit: 100})
	require.NoError(r, err)
	told := map[time.Time]int64{}
	for _, u := range totals {
		if u.Executed > 0 {
			told[u.From] += u.Executed
		}
	}
	require.Equal(r, calls, told)
	for _, webhook := range []string{"wh_0", "wh_1", ""} {
		for _, step := range []time.Duration{hook.Hourly, hook.Daily} {
			list, err := f.Series(t.Context(), account, hook.SeriesFilter{
				Webhook: webhook, Step: step, From: start.Add(-2 * hook.Daily), To: start.Add(2 * hook.Daily),
			})
			require.NoError(r, err)
			list = slices.DeleteFunc(list, func(s hook.UsageStep) bool { return s == hook.UsageStep{From: s.From} })
			want := []hook.UsageStep{}
			for _, s := range slices.SortedFunc(maps.Values(steps[series{webhook, step}]),
				func(a, b *hook.UsageStep) int { return cmp.Compare(a.From.Unix(), b.From.Unix()) }) {
				want = append(want, *s)
			}
			require.Equal(r, want, append([]hook.UsageStep{}, list...), "%q by %s", webhook, step)
		}
	}
}

func TestUsageExpires(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		const month = 30 * hook.Daily
		f.record(t, requested(1, "wh_1", 0), requested(2, "wh_1", 4*month))
		f.quota(t, "acme")
		f.record(t, requested(3, "wh_2", 0), requested(4, "wh_2", 4*month))
		f.many(t, "acme")
		f.clock.Add(5 * month)
		require.NoError(t, f.SettleUsage(t.Context()))
		type kept struct{ hours, days, periods int }
		count := func() kept {
			all := hook.SeriesFilter{From: start.Add(-hook.Daily), To: start.Add(5 * month)}
			hours, days := all, all
			hours.Step, days.Step = hook.Hourly, hook.Daily
			return kept{len(f.series(t, hours)), len(f.series(t, days)), len(f.usage(t, hook.UsageFilter{}))}
		}
		for _, c := range []struct {
			at   time.Time
			want kept
		}{
			{start, kept{2, 2, 4}},
			{start.Add(hook.HourlyKept), kept{2, 2, 4}},
			{start.Add(hook.HourlyKept + 1), kept{2, 2, 4}}, // to the microsecond
			{start.Add(hook.HourlyKept + time.Second), kept{1, 2, 3}},
			{start.Add(hook.DailyKept), kept{0, 1, 1}},
			{start.Add(hook.DailyKept + 6*month), kept{0, 0, 0}},
		} {
			require.NoError(t, f.ExpireUsage(t.Context(), c.at))
			require.Equal(t, c.want, count(), c.at)
		}
		series, periods := f.settled(t)
		require.Zero(t, series+periods, "nor sums of it")
	})
}
