package sqlstore_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/sqlstore"
)

const oneDay = 24 * time.Hour

// ids of a list of the whole log, the newest first.
func (f fixture) ids(t *testing.T, filter hook.DeliveryFilter) (ids []string) {
	t.Helper()
	for _, d := range walk(t, 2, func(p hook.Page) ([]hook.Delivery, string, error) {
		return f.Deliveries(t.Context(), "acme", filter, p)
	}) {
		ids = append(ids, d.ID)
	}
	return ids
}

func TestAListIsInOrderOverDays(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		var want []string
		for n, age := range []time.Duration{-time.Hour, 0, oneDay, 2 * oneDay, 5 * oneDay, 11 * oneDay, 14 * oneDay} {
			a := but(attempt(n), func(a *hook.Attempt) { a.Published = start.Add(-age) })
			want = append(want, a.Delivery)
			f.record(t, a)
		}
		// Later on these are days that nobody looks at first.
		for range 3 {
			for _, filter := range []hook.DeliveryFilter{
				{}, {ItemID: "shared"}, {Webhook: "wh_1"}, {ItemType: "Contact"}, {Store: "7"}, {ItemType: "Contact", Store: "7"},
				{Statuses: []hook.Fate{hook.FateRetrying, hook.FateExhausted}}, {Statuses: []hook.Fate{hook.FateRetrying}, Webhook: "wh_1"},
			} {
				require.Equal(t, want, f.ids(t, filter), "%+v", filter)
			}
			require.Equal(t, want[2:5], f.ids(t, hook.DeliveryFilter{From: start.Add(-5 * oneDay), To: start}))
			f.clock.Add(37 * oneDay)
		}
	})
}

// Upstream's clock may be years off, and a fate without an event tells no time.
func TestWhatWasPublishedAtATimeThatCannotBeIsLoggedNow(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		for name, published := range map[string]time.Time{
			"none": {}, "long ago": time.Unix(1, 0).UTC(), "before 1970": time.Date(1815, 12, 10, 0, 0, 0, 0, time.UTC),
			"weeks ago": start.Add(-16 * oneDay), "in days": start.Add(3 * oneDay), "in years": time.Date(2199, 1, 1, 0, 0, 0, 0, time.UTC),
		} {
			first := but(attempt(1), func(a *hook.Attempt) { a.Delivery, a.Event, a.Published = "dlv_"+name, name, published })
			logged := f.clock.Now()
			f.record(t, first, first)
			f.record(t, first)
			require.Equal(t, row(but(first, func(a *hook.Attempt) { a.Published = logged })), f.delivery(t, first.Delivery), name)
			// Meanwhile the time in days has come.
			f.clock.Add(4 * oneDay)
			second := but(first, func(a *hook.Attempt) { a.Number, a.Step, a.Fate, a.StatusCode = 2, 1, hook.FateDelivered, 200 })
			f.record(t, second)
			list, err := f.Attempts(t.Context(), "acme", first.Delivery)
			require.NoError(t, err)
			require.Len(t, list, 2, name)
			require.Equal(t, hook.FateDelivered, f.delivery(t, first.Delivery).Status, name)
			require.Equal(t, []string{first.Delivery}, f.ids(t, hook.DeliveryFilter{EventID: name}), name)
			require.Equal(t, 1, f.rows(t, `deliveries WHERE event = '`+name+`'`), name)
			// Attempts are read again.
			f.record(t, first, second)
			require.Equal(t, 1, f.rows(t, `deliveries WHERE event = '`+name+`'`), name)
			require.Equal(t, 2, f.rows(t, `attempts WHERE delivery = '`+first.Delivery+`'`), name)
			f.clock.Add(-4 * oneDay)
		}
	})
}

// A producer that publishes an event again under its id, days later, gets it delivered
// again under the same ids. The log has both.
func TestAnEventThatIsPublishedAgainDaysLaterIsInTheLogTwice(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		first := deliveredAtOnce(1)
		f.record(t, first)
		f.clock.Add(3 * oneDay)
		again := but(first, func(a *hook.Attempt) {
			a.Published, a.At, a.Source.Offset = a.Published.Add(3*oneDay), a.At.Add(3*oneDay), 7
			a.Fate, a.Reason, a.StatusCode = hook.FateRetrying, hook.ReasonStatus, 500
		})
		then := but(again, func(a *hook.Attempt) {
			a.Step, a.Number, a.Fate, a.Reason, a.StatusCode = 1, 2, hook.FateDelivered, "", 200
		})
		sameDay := but(again, func(a *hook.Attempt) { a.Published = a.Published.Add(time.Minute) })
		for range 2 {
			f.record(t, again, then, sameDay)
			f.record(t, first)
		}
		require.Equal(t, row(then), f.delivery(t, first.Delivery), "the newest")
		list, err := f.Attempts(t.Context(), "acme", first.Delivery)
		require.NoError(t, err)
		require.Equal(t, []hook.Attempt{first, again, then}, list)
		require.Equal(t, []string{first.Delivery, first.Delivery}, f.ids(t, hook.DeliveryFilter{}), "one of each day")
		usage, _, err := f.Usage(t.Context(), "acme", hook.UsageFilter{}, hook.Page{Limit: 10})
		require.NoError(t, err)
		require.Len(t, usage, 2)
		require.EqualValues(t, 2, usage[0].Executed)
		require.EqualValues(t, 1, usage[1].Executed)
	})
}

// So it is if both days are recorded at once, as after an hour without the database.
func TestAnEventOfTwoDaysIsInTheLogTwiceHoweverItIsRecorded(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.clock.Add(oneDay)
		failed := but(deliveredAtOnce(1), func(a *hook.Attempt) { a.Fate, a.Reason, a.StatusCode = hook.FateRetrying, hook.ReasonStatus, 500 })
		then := but(failed, func(a *hook.Attempt) {
			a.Step, a.Number, a.Fate, a.Reason, a.StatusCode = 1, 2, hook.FateDelivered, "", 200
		})
		again := but(deliveredAtOnce(1), func(a *hook.Attempt) { a.Published, a.At = a.Published.Add(oneDay), a.At.Add(oneDay) })
		for range 2 {
			f.record(t, failed, again, then, again)
		}
		require.Equal(t, 2, f.rows(t, `deliveries WHERE status = 'delivered'`))
		require.Equal(t, row(again), f.delivery(t, again.Delivery), "the newest")
		list, err := f.Attempts(t.Context(), "acme", again.Delivery)
		require.NoError(t, err)
		require.Equal(t, []hook.Attempt{failed, then, again}, list)
		usage, _, err := f.Usage(t.Context(), "acme", hook.UsageFilter{}, hook.Page{Limit: 10})
		require.NoError(t, err)
		require.Len(t, usage, 2)
		require.EqualValues(t, 1, usage[0].Executed)
		require.EqualValues(t, 2, usage[1].Executed)
	})
}

// Its producer's clock was right the first time, and not the second.
func TestAnEventThatIsPublishedAgainAtATimeThatCannotBeIsOne(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		first := deliveredAtOnce(1)
		again := but(first, func(a *hook.Attempt) { a.Published = time.Unix(1, 0).UTC() })
		failed := but(again, func(a *hook.Attempt) {
			a.Run, a.Fate, a.Reason, a.StatusCode = 1, hook.FateRetrying, hook.ReasonStatus, 500
		})
		f.record(t, first)
		f.clock.Add(time.Minute)
		f.record(t, again)
		f.record(t, failed)
		f.clock.Add(oneDay)
		f.record(t, but(failed, func(a *hook.Attempt) { a.Step, a.Number = 1, 2 }))
		f.record(t, first, again, failed)
		require.Equal(t, 1, f.rows(t, `deliveries`))
		list, err := f.Attempts(t.Context(), "acme", first.Delivery)
		require.NoError(t, err)
		require.Len(t, list, 3)
	})
}

func TestWhatIsTooOldIsForgotten(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		old := but(attempt(1), func(a *hook.Attempt) { a.Published = start.Add(-2 * oneDay) })
		again := but(old, func(a *hook.Attempt) { a.Step, a.Number = 1, 2 })
		stray := but(attempt(2), func(a *hook.Attempt) { a.Published = time.Unix(1, 0).UTC() })
		other := but(deliveredAtOnce(3), func(a *hook.Attempt) { a.Account, a.Published = "other", start.Add(-2*oneDay) })
		young := but(attempt(4), func(a *hook.Attempt) { a.Published = start.Add(oneDay / 2) })
		f.record(t, old, again, stray, other, young)
		keep := func(retention time.Duration) {
			t.Helper()
			for more := true; more; {
				var err error
				more, err = f.KeepLog(t.Context(), retention)
				require.NoError(t, err)
			}
		}
		keep(3 * oneDay)
		require.Equal(t, []string{young.Delivery, stray.Delivery, old.Delivery}, f.ids(t, hook.DeliveryFilter{}))
		require.Equal(t, 4, f.rows(t, "deliveries"))

		f.clock.Add(2 * oneDay)
		keep(3 * oneDay)
		require.Equal(t, []string{young.Delivery, stray.Delivery}, f.ids(t, hook.DeliveryFilter{ItemID: "shared"}))
		require.Equal(t, 2, f.rows(t, "deliveries"))
		require.Zero(t, f.rows(t, "attempts"))
		require.Equal(t, 4, f.rows(t, "delivery_items"))
		require.Equal(t, 1, f.rows(t, "log_strays"))
		_, err := f.Delivery(t.Context(), "acme", old.Delivery)
		require.ErrorIs(t, err, hook.ErrNotFound)

		f.clock.Add(3 * oneDay)
		keep(3 * oneDay)
		for _, table := range []string{"deliveries", "delivery_items", "attempts", "log_strays"} {
			require.Zero(t, f.rows(t, table), table)
		}
		late := but(again, func(a *hook.Attempt) { a.Number = 3 })
		f.record(t, late)
		require.Equal(t, []string{old.Delivery}, f.ids(t, hook.DeliveryFilter{}), "what comes all the same is logged")
	})
}

// Another recorder, or somebody by hand, may drop a day that this one knows.
func TestADayThatIsGoneIsMadeAgain(t *testing.T) {
	t.Parallel()
	f := fixture{db: openPostgres(t), clock: newClock()}
	f.Store = sqlstore.New(f.db, f.clock.Now)
	f.record(t, attempt(1))
	other := sqlstore.New(f.db, func() time.Time { return start.Add(100 * oneDay) })
	more, err := other.KeepLog(t.Context(), 90*oneDay)
	require.NoError(t, err)
	require.True(t, more)
	require.Zero(t, f.rows(t, "deliveries"))
	f.record(t, attempt(2))
	require.Equal(t, []string{"dlv_0002"}, f.ids(t, hook.DeliveryFilter{}))
}

func TestRecordersMakeTheSameDaysAtOnce(t *testing.T) {
	t.Parallel()
	db := openPostgres(t)
	var work sync.WaitGroup
	errs := make(chan error, 4)
	for partition := range cap(errs) {
		work.Go(func() {
			store := sqlstore.New(db, newClock().Now)
			var records []hook.Recorded
			for n := range 10 {
				a := but(attempt(10*partition+n), func(a *hook.Attempt) { a.Published = start.Add(-time.Duration(n%4) * oneDay) })
				records = append(records, hook.Recorded{Offset: int64(n), Attempt: a})
			}
			errs <- store.Record(t.Context(), []hook.Range{{Partition: partition, To: 10, Records: records}})
		})
	}
	work.Wait()
	for range cap(errs) {
		require.NoError(t, <-errs)
	}
	f := fixture{db: db, Store: sqlstore.New(db, newClock().Now)}
	require.Len(t, f.ids(t, hook.DeliveryFilter{}), 40)
	require.Equal(t, 4, f.rows(t, "log_days"))
}

// A day that is over is prepared for rare searches, while others go on.
func TestADayThatIsOverIsCompleted(t *testing.T) {
	t.Parallel()
	f := fixture{db: openPostgres(t), clock: newClock()}
	f.Store = sqlstore.New(f.db, f.clock.Now)
	f.record(t, attempt(1))
	const table = "deliveries_20260301"
	// Broken off once, it left an index that nobody can use.
	_, err := f.db.ExecContext(t.Context(), `CREATE INDEX `+table+`_store ON `+table+` (store)`)
	require.NoError(t, err)
	f.clock.Add(oneDay)
	for more := true; more; {
		more, err = f.KeepLog(t.Context(), 90*oneDay)
		require.NoError(t, err)
	}
	require.Equal(t, 1, f.rows(t, `log_days WHERE complete`))
	require.Equal(t, 3, f.rows(t, `pg_indexes WHERE schemaname = current_schema() AND tablename = '`+table+`' AND indexname IN ('`+
		strings.Join([]string{table + "_item_type", table + "_store", table + "_item_type_store"}, "', '")+`')`))
	f.record(t, but(attempt(1), func(a *hook.Attempt) { a.Step, a.Number = 1, 2 }))
	require.Equal(t, []string{"dlv_0001"}, f.ids(t, hook.DeliveryFilter{Store: "7", ItemType: "Contact"}))
}

// What was logged before there were days is read, added to and forgotten.
func TestALogFromBeforeThereWereDaysIsKept(t *testing.T) {
	t.Parallel()
	for name, empty := range map[string]func(testing.TB) *database.DB{"sqlite": emptySQLite, "postgres": emptyPostgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := fixture{db: empty(t), clock: newClock()}
			now := time.Now().UTC()
			f.clock.now.Store(&now)
			require.NoError(t, database.Migrate(t.Context(), f.db, migrationsUpTo(t, "00005_replays.sql"), sqlstore.Versions))
			id := func(n int) string { return fmt.Sprintf("dlv_%d", n) }
			published := []time.Time{now.AddDate(-1, 0, 0), now.Add(-40 * oneDay), now.Add(-time.Minute), now.AddDate(70, 0, 0)}
			for n, at := range published {
				insert := func(table string, columns map[string]any) {
					t.Helper()
					var names, marks []string
					var args []any
					for column, value := range columns {
						names, args = append(names, column), append(args, value)
						marks = append(marks, fmt.Sprint("$", len(args)))
					}
					_, err := f.db.ExecContext(t.Context(), `INSERT INTO `+table+` (`+strings.Join(names, ", ")+`) VALUES (`+strings.Join(marks, ", ")+`)`, args...)
					require.NoError(t, err)
				}
				key := database.Key(id(n))
				insert("deliveries", map[string]any{
					"id_key": key, "id": id(n), "account": "acme", "webhook": "wh_1", "event_key": database.Key("acme/evt"), "event": "evt",
					"event_type": "create", "item_type": "Contact", "items": `["7","8"]`, "store": "", "status": "retrying", "reason": "status",
					"run": 0, "step": 1, "attempts": 2, "status_code": 500, "bundle_topic": "deliveries", "bundle_partition": 3, "bundle_offset": 1,
					"source_topic": "events.contacts", "source_partition": 1, "source_offset": n, "published": database.Micros(at),
					"updated_at": database.Micros(now), "due": 0, "trace_id": "",
				})
				insert("delivery_items", map[string]any{"item_key": database.Key("acme/7"), "published": database.Micros(at), "id_key": key})
				for number := 1; number <= 2; number++ {
					insert("attempts", map[string]any{
						"id_key": key, "delivery": id(n), "run": 0, "number": number, "place": "", "step": number - 1, "fate": "retrying", "reason": "status",
						"detail": "", "bundle_partition": 3, "bundle_offset": 1, "at": database.Micros(now) + int64(number), "duration": 1,
						"url": "https://example.com/hook", "status_code": 500, "due": 0, "trace_id": "",
					})
				}
			}
			require.NoError(t, sqlstore.Migrate(t.Context(), f.db))
			f.Store = sqlstore.New(f.db, f.clock.Now)

			want := []string{id(3), id(2), id(1), id(0)}
			require.Equal(t, want, f.ids(t, hook.DeliveryFilter{ItemID: "7"}))
			fresh := but(deliveredAtOnce(9), func(a *hook.Attempt) { a.Published = now.Add(time.Second) })
			f.record(t, fresh)
			for n, at := range published {
				f.record(t, but(attempt(n), func(a *hook.Attempt) {
					a.Delivery, a.Event, a.Published, a.Step, a.Number, a.Fate = id(n), "evt", at, 2, 3, hook.FateDelivered
				}))
				list, err := f.Attempts(t.Context(), "acme", id(n))
				require.NoError(t, err)
				require.Len(t, list, 3, id(n))
				require.Equal(t, hook.FateDelivered, f.delivery(t, id(n)).Status)
			}
			got := f.ids(t, hook.DeliveryFilter{})
			require.ElementsMatch(t, append(want, fresh.Delivery), got)
			require.Equal(t, want[1:], slices.DeleteFunc(got, func(id string) bool { return id == fresh.Delivery || id == want[0] }))
			require.Equal(t, 5, f.rows(t, "deliveries"))
			// One that is published again on another day of that time finds its place.
			again := but(attempt(1), func(a *hook.Attempt) { a.Delivery, a.Event, a.Published = id(2), "evt", now.Add(-2*oneDay) })
			f.record(t, again)
			f.record(t, again)
			require.Equal(t, hook.FateDelivered, f.delivery(t, id(2)).Status)

			f.clock.Add(95 * oneDay)
			for more := true; more; {
				var err error
				more, err = f.KeepLog(t.Context(), 90*oneDay)
				require.NoError(t, err)
			}
			require.Zero(t, f.rows(t, "deliveries"))
			require.Zero(t, f.rows(t, "attempts"))
			require.Zero(t, f.rows(t, "delivery_items"))
		})
	}
}
