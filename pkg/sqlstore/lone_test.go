package sqlstore_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/sqlstore"
)

// rows counts those of a table.
func (f fixture) rows(t *testing.T, table string) int {
	t.Helper()
	var n int
	require.NoError(t, f.db.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM `+table).Scan(&n))
	return n
}

func TestADeliveryDoneAtOnceIsOneRow(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		done := deliveredAtOnce(1)
		f.record(t, done, done)
		f.record(t, done)
		require.Equal(t, 1, f.rows(t, "deliveries"))
		require.Zero(t, f.rows(t, "attempts"))
		require.Zero(t, f.rows(t, "delivery_items"))
		list, err := f.Attempts(t.Context(), "acme", done.Delivery)
		require.NoError(t, err)
		require.Equal(t, []hook.Attempt{done}, list)

		again := but(done, func(a *hook.Attempt) { a.Run, a.ResponseHeaders, a.Response = 7, nil, []byte("again") })
		f.record(t, again)
		require.Equal(t, 2, f.rows(t, "attempts"), "its first attempt is a row of its own now")
		list, err = f.Attempts(t.Context(), "acme", done.Delivery)
		require.NoError(t, err)
		require.Equal(t, []hook.Attempt{done, again}, list)
		require.Equal(t, row(again), f.delivery(t, done.Delivery))
	})
}

func TestAReleaseKeepsWhatWasHeld(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		f.webhook(t, "acme", "wh_1")
		waits := held(1, "wh_1", 3)
		f.record(t, waits)
		list, err := f.Releasable(t.Context(), []int{3}, 10)
		require.NoError(t, err)
		require.NoError(t, f.Released(t.Context(), list, 7))
		require.NoError(t, f.Released(t.Context(), list, 7), "twice")
		attempts, err := f.Attempts(t.Context(), "acme", waits.Delivery)
		require.NoError(t, err)
		require.Equal(t, []hook.Attempt{waits}, attempts)
		require.Equal(t, hook.FateRetrying, f.delivery(t, waits.Delivery).Status)
	})
}

// The first version had a row for each attempt, and for each item.
func TestTheLogOfTheFirstVersionIsKept(t *testing.T) {
	t.Parallel()
	for name, empty := range map[string]func(testing.TB) *database.DB{"sqlite": emptySQLite, "postgres": emptyPostgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := fixture{db: empty(t), clock: newClock()}
			require.NoError(t, database.Migrate(t.Context(), f.db, migrationsUpTo(t, "00001_hooks.sql"), sqlstore.Versions))
			for _, statement := range []string{
				`INSERT INTO deliveries VALUES ('dlv_1', 'acme', 'wh_1', 'evt_é', 'create', 'Contact', '["7","8"]', '', 'retrying', 'status',
					0, 0, 1, 500, 'deliveries', 3, 11, 'events.contacts', 1, 12, 1772366400000000, 1772366401000000, 1772366405000000, 'trace')`,
				`INSERT INTO delivery_items VALUES ('acme', '7', 1772366400000000, 'dlv_1'), ('acme', '8', 1772366400000000, 'dlv_1')`,
				`INSERT INTO attempts VALUES ('dlv_1', 0, 1, '', 0, 'retrying', 'status', '500', 3, 11, 1772366401000000, 1500,
					'https://example.com/hook', 500, '', 1772366405000000, 'trace')`,
				`INSERT INTO attempt_offsets VALUES (3, 5)`,
			} {
				_, err := f.db.ExecContext(t.Context(), statement)
				require.NoError(t, err)
			}
			require.NoError(t, sqlstore.Migrate(t.Context(), f.db))
			f.Store = sqlstore.New(f.db, f.clock.Now)

			for _, filter := range []hook.DeliveryFilter{{}, {EventID: "evt_é"}, {ItemID: "8"}, {Webhook: "wh_1"}} {
				list, _, err := f.Deliveries(t.Context(), "acme", filter, hook.Page{Limit: 10})
				require.NoError(t, err)
				require.Equal(t, []hook.Delivery{f.delivery(t, "dlv_1")}, list, "%+v", filter)
			}
			require.Equal(t, []string{"7", "8"}, f.delivery(t, "dlv_1").Items)
			first, err := f.Attempts(t.Context(), "acme", "dlv_1")
			require.NoError(t, err)
			require.Len(t, first, 1)
			require.Equal(t, "500", first[0].Detail)

			second := but(first[0], func(a *hook.Attempt) { a.Number, a.Step, a.Fate, a.StatusCode = 2, 1, hook.FateDelivered, 200 })
			f.record(t, first[0], second)
			both, err := f.Attempts(t.Context(), "acme", "dlv_1")
			require.NoError(t, err)
			require.Equal(t, []hook.Attempt{first[0], second}, both)
			require.Equal(t, hook.FateDelivered, f.delivery(t, "dlv_1").Status)
		})
	}
}
