package sqlstore_test

import (
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

// many gives an account so many webhooks that its usage is added up ahead.
func (f fixture) many(t *testing.T, account string) {
	t.Helper()
	_, err := f.db.ExecContext(t.Context(), `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
		INSERT INTO webhooks (id, account, version, status, settings, created_at, resuming, awaited)
		SELECT $1 || '_many_' || i, $1, 1, 'active', '{"itemTypes":["*"],"eventTypes":["create"],"url":"https://example.com"}', i, 0, 0 FROM n`, account)
	require.NoError(t, err)
}

// settled is how many sums there are that are not stale.
func (f fixture) settled(t *testing.T) (series, periods int) {
	t.Helper()
	require.NoError(t, f.db.QueryRowContext(t.Context(), `SELECT (SELECT COUNT(*) FROM settled_series WHERE NOT stale), (SELECT COUNT(*) FROM settled_usage WHERE NOT stale)`).
		Scan(&series, &periods))
	return series, periods
}

// whole is what readers are told of all webhooks together.
func (f fixture) whole(t *testing.T) (hours, days []hook.UsageStep, periods []hook.Usage) {
	t.Helper()
	filter := hook.SeriesFilter{Step: hook.Hourly, From: start.Add(-3 * hook.Daily), To: start.Add(3 * hook.Daily)}
	hours = f.series(t, filter)
	filter.Step = hook.Daily
	return hours, f.series(t, filter), f.usage(t, hook.UsageFilter{Totals: true})
}

func TestWhatIsOverIsAddedUpAndStaysRightWhateverComesLater(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		f.quota(t, "acme")
		for n := range 4 {
			f.record(t, requested(n, fmt.Sprint("wh_", n%2), time.Duration(n)*20*time.Minute))
		}
		require.NoError(t, f.SettleUsage(t.Context()))
		series, periods := f.settled(t)
		require.Zero(t, series+periods, "of few webhooks nothing")
		f.many(t, "acme")

		sum := func(series, periods int) {
			t.Helper()
			wantHours, wantDays, wantPeriods := f.whole(t)
			for range 2 {
				require.NoError(t, f.SettleUsage(t.Context()))
				s, p := f.settled(t)
				require.Equal(t, []int{series, periods}, []int{s, p})
				hours, days, periods := f.whole(t)
				require.Equal(t, wantHours, hours)
				require.Equal(t, wantDays, days)
				require.Equal(t, wantPeriods, periods)
			}
		}
		sum(0, 0) // nothing is over
		if f.db.Dialect == database.Postgres {
			f.clock.Add(time.Hour) // as long as nobody is late
		}
		f.clock.Add(time.Hour - time.Microsecond)
		sum(0, 3)
		f.clock.Add(time.Hour)
		sum(1, 4)
		f.clock.Add(hook.Daily)
		sum(3, 4)

		// What comes late makes sums stale: of its hour, day and period.
		f.record(t, answeredIn(9, "wh_9", 30*time.Minute, time.Second, 200), requested(10, "wh_1", 20*time.Minute))
		series, periods = f.settled(t)
		require.Equal(t, []int{1, 3}, []int{series, periods})
		hours, days, list := f.whole(t)
		require.EqualValues(t, []int64{5, 1}, []int64{hours[0].Executed, hours[1].Executed})
		require.EqualValues(t, 6, days[0].Executed)
		require.Len(t, list, 5, "a period that there was not")
		sum(3, 4) // what begins before the newest sum is added up by its readers

		// What is corrected too: an older version of the recorder does not know of sums.
		_, err := f.db.ExecContext(t.Context(), `UPDATE usage_series SET executed = executed + 7 WHERE webhook = 'wh_9'`)
		require.NoError(t, err)
		_, err = f.db.ExecContext(t.Context(), `UPDATE usage SET executed = executed + 7 WHERE webhook = 'wh_1' AND period_from = $1`, database.Micros(start.Add(20*time.Minute)))
		require.NoError(t, err)
		hours, days, list = f.whole(t)
		require.EqualValues(t, 12, hours[0].Executed)
		require.EqualValues(t, 13, days[0].Executed)
		require.EqualValues(t, 9, list[3].Executed)
		sum(3, 4)
	})
}

// Whoever records late and whoever adds up wait for each other.
func TestASumMissesNothingThatIsRecordedMeanwhile(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		f.many(t, "acme")
		f.record(t, requested(1, "wh_1", 0))
		f.clock.Add(3 * hook.Daily)
		ended := make(chan error, 1)
		require.NoError(t, f.db.Tx(t.Context(), func(tx *sql.Tx) error {
			for _, statement := range []string{
				`UPDATE usage_series SET executed = executed + 1 WHERE account = 'acme'`, `UPDATE usage SET executed = executed + 1 WHERE account = 'acme'`,
			} {
				if _, err := tx.ExecContext(t.Context(), statement); err != nil {
					return err
				}
			}
			go func() { ended <- f.SettleUsage(t.Context()) }()
			if f.db.Dialect == database.Postgres {
				require.Eventually(t, func() bool {
					var waits bool
					return f.db.QueryRowContext(t.Context(), `SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)`).Scan(&waits) == nil && waits
				}, 10*time.Second, time.Millisecond)
			}
			return nil
		}))
		require.NoError(t, <-ended)
		series, periods := f.settled(t)
		require.Equal(t, []int{2, 1}, []int{series, periods})
		hours, days, list := f.whole(t)
		require.EqualValues(t, []int64{2, 2, 2}, []int64{hours[0].Executed, days[0].Executed, list[0].Executed})
	})
}
