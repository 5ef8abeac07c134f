package sqlstore_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/sqlstore"
)

// watch is how long deleted accounts are looked at again.
const watch = 28 * oneDay

// furnish makes an account that has something in every table that has anything of
// accounts.
func (f fixture) furnish(t *testing.T, account string) {
	t.Helper()
	f.Store = f.WithMails()
	ctx := t.Context()
	id := func(prefix string) string { return prefix + "_" + account }
	f.account(t, account)
	_, err := f.UpdateAccount(ctx, account, func(a *hook.Account) error {
		a.Quota = &hook.Quota{Calls: 3, Period: time.Minute}
		a.Streak = &hook.StreakRule{Notify: []int{2}, Disable: 100}
		return nil
	})
	require.NoError(t, err)
	f.webhook(t, account, id("wh"))
	k := key(account, len(account))
	k.ID = id("key")
	require.NoError(t, f.CreateKey(ctx, k))
	m := member(id("mbr"), account+"@example.com", hook.RoleOwner)
	m.Account = account
	_, err = f.CreateMember(ctx, m)
	require.NoError(t, err)
	_, err = f.PutStore(ctx, account, "roma", "Roma")
	require.NoError(t, err)
	require.NoError(t, f.PutItemSchema(ctx, account, hook.ItemSchema{ItemType: "Invoice", Schema: []byte(`{}`)}))
	_, err = f.CreateReplay(ctx, hook.Replay{ID: id("rpl"), Account: account, Webhook: id("wh"), From: start, To: start.Add(time.Hour), Rate: 5})
	require.NoError(t, err)
	_, _, err = f.Once(ctx, hook.RequestKey{Owner: [32]byte{byte(len(account))}, Account: account, Key: "k"}, start.Add(oneDay),
		func(context.Context) ([]byte, error) { return []byte("sealed"), nil })
	require.NoError(t, err)
	f.quarantine(t, hook.Quarantined{ID: id("qrn"), Account: account, Reason: "not_json", State: hook.Open, CreatedAt: start})
	_, err = f.CreateRedrive(ctx, hook.Redrive{ID: id("qrd"), Account: account, Reason: "not_json", Rate: 1})
	require.NoError(t, err)
	require.NoError(t, f.StartLinkSession(ctx, hook.Session{
		Hash: [32]byte{byte(len(account))}, Account: account, Link: id("lnk"), Role: hook.RoleViewer, Language: hook.English,
		CreatedAt: start, SeenAt: start, ExpiresAt: start.Add(time.Hour),
	}))
	require.NoError(t, f.StartKeySession(ctx, hook.Session{
		Hash: [32]byte{byte(len(account)), 1}, Account: account, APIKey: id("key"), CreatedAt: start, SeenAt: start, ExpiresAt: start.Add(time.Hour),
	}))
	f.markOf(t, account, id("wh"))
	var attempts []hook.Attempt
	for n := range 6 {
		attempts = append(attempts, but(attempt(n), func(a *hook.Attempt) {
			a.Delivery, a.Account, a.Webhook = fmt.Sprintf("dlv_%s_%d", account, n), account, id("wh")
			a.Published = start.Add(-time.Duration(n) * oneDay)
			a.At = a.Published
			if n == 5 {
				a.Published = start.Add(-100 * oneDay) // a stray
			}
		}))
		attempts = append(attempts, but(attempts[len(attempts)-1], func(a *hook.Attempt) { a.Number, a.Step = 2, 1 }))
	}
	f.record(t, attempts...)
	f.many(t, account)
	require.NoError(t, f.SettleUsage(t.Context()))
}

// markOf records a marker of a webhook.
func (f fixture) markOf(t *testing.T, account, webhook string) {
	t.Helper()
	next, err := f.NextOffset(t.Context(), 3)
	require.NoError(t, err)
	require.NoError(t, f.Record(t.Context(), []hook.Range{{Partition: 3, From: next, To: next + 1,
		Markers: []hook.Marker{{Account: account, Webhook: webhook, Version: 1}}}}))
}

// dump is all rows of all tables, and which columns these have.
func (f fixture) dump(t *testing.T) (rows, columns map[string][]string) {
	t.Helper()
	tables := `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`
	if f.db.Dialect == database.Postgres {
		tables = `SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'`
	}
	rows, columns = make(map[string][]string), make(map[string][]string)
	for _, table := range f.texts(t, tables) {
		found, err := f.db.QueryContext(t.Context(), `SELECT * FROM `+table)
		require.NoError(t, err)
		columns[table], err = found.Columns()
		require.NoError(t, err)
		for found.Next() {
			values := make([]any, len(columns[table]))
			targets := make([]any, len(values))
			for i := range values {
				targets[i] = &values[i]
			}
			require.NoError(t, found.Scan(targets...))
			rows[table] = append(rows[table], fmt.Sprintf("%q", values))
		}
		require.NoError(t, found.Err())
		slices.Sort(rows[table])
	}
	return rows, columns
}

func (f fixture) texts(t *testing.T, query string) (all []string) {
	t.Helper()
	rows, err := f.db.QueryContext(t.Context(), query)
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var text string
		require.NoError(t, rows.Scan(&text))
		all = append(all, text)
	}
	require.NoError(t, rows.Err())
	return all
}

// erase erases until there is nothing more to do, and returns in how many pieces.
func (f fixture) erase(t *testing.T) (pieces int) {
	t.Helper()
	for {
		more, err := f.Erase(t.Context(), watch)
		require.NoError(t, err)
		if !more {
			return pieces
		}
		pieces++
	}
}

// positions are tables that know nothing of accounts: what they say may differ.
var positions = []string{sqlstore.Versions, "attempt_offsets", "register_offsets", "notification_numbers", "log_days"}

// Every table that there is, so that one that is added is not forgotten: it has to be
// filled by furnish, and emptied by Erase.
func TestOfADeletedAccountNothingIsLeftInAnyTable(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.furnish(t, "other")
		before, _ := f.dump(t)
		f.furnish(t, "acme")
		full, columns := f.dump(t)
		for table, has := range columns {
			if slices.ContainsFunc(has, func(column string) bool { return slices.Contains([]string{"account", "webhook", "member"}, column) }) {
				of := strings.Join(full[table], "\n")
				require.True(t, strings.Contains(of, "acme") || strings.HasPrefix(table, "deliveries_"), "furnish puts nothing into %s", table)
			}
		}
		for _, table := range []string{"attempts", "delivery_items", "log_strays"} {
			require.Greater(t, len(full[table]), len(before[table]), table)
		}
		require.NoError(t, f.DeleteAccount(t.Context(), "acme"))
		f.erase(t)

		after, _ := f.dump(t)
		for table, rows := range after {
			if slices.Contains(positions, table) {
				continue
			}
			var kept []string
			for _, row := range rows {
				if strings.Contains(row, "acme") && (table == "accounts" || table == "audit") {
					kept = append(kept, row)
				}
			}
			rows = slices.DeleteFunc(rows, func(row string) bool { return slices.Contains(kept, row) })
			require.ElementsMatch(t, before[table], rows, table)
			if table == "accounts" || table == "audit" {
				require.Len(t, kept, 1, table)
				require.NotContains(t, kept[0], "The acme", table)
			}
		}
		require.Equal(t, []string{"acme"}, f.texts(t, `SELECT id || name FROM accounts WHERE deleted AND quota_calls IS NULL AND streak IS NULL`))
		require.Equal(t, []string{"delete-account acme []"}, f.texts(t, `SELECT operation || ' ' || target || ' ' || changes FROM audit WHERE account = 'acme'`))
		_, err := f.CreateAccount(t.Context(), hook.Account{ID: "acme"})
		require.ErrorIs(t, err, hook.ErrConflict)
	})
}

func TestAnErasureTellsHowFarItIs(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.furnish(t, "acme")
		for _, id := range []string{"acme", "nobody"} {
			_, err := f.Erasure(t.Context(), id)
			require.ErrorIs(t, err, hook.ErrNotFound)
		}
		require.NoError(t, f.DeleteAccount(t.Context(), "acme"))
		e, err := f.Erasure(t.Context(), "acme")
		require.NoError(t, err)
		require.Equal(t, hook.Erasure{Account: "acme", DeletedAt: start}, e)
		f.clock.Add(time.Minute)
		f.erase(t)
		f.clock.Add(2 * time.Hour)
		f.erase(t)
		e, err = f.Erasure(t.Context(), "acme")
		require.NoError(t, err)
		require.Equal(t, hook.Erasure{Account: "acme", DeletedAt: start, ErasedAt: start.Add(time.Minute)}, e)
	})
}

// A piece is one transaction, and what is left is found again.
func TestAnErasureThatIsKilledGoesOn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.furnish(t, "other")
		f.furnish(t, "acme")
		before, _ := f.dump(t)
		var many []hook.Attempt
		for n := range 1_200 {
			many = append(many, but(attempt(n), func(a *hook.Attempt) { a.Webhook, a.Published = "wh_acme", start.Add(-time.Duration(n%10)*oneDay) }))
		}
		f.record(t, many...)
		require.NoError(t, f.DeleteAccount(t.Context(), "acme"))

		whole := f.rows(t, "deliveries")
		for piece := 1; piece <= 2; piece++ {
			more, err := f.Erase(t.Context(), watch)
			require.NoError(t, err)
			require.True(t, more)
			require.Equal(t, whole-piece*500, f.rows(t, "deliveries"), "a piece is bounded")
			require.NotZero(t, len(f.texts(t, `SELECT id FROM webhooks WHERE account = 'acme'`)), "webhooks go last")
			killed, kill := context.WithCancel(t.Context())
			kill()
			_, err = f.Erase(killed, watch)
			require.Error(t, err)
			f.Store = sqlstore.New(f.db, f.clock.Now) // another process
		}
		f.clock.Add(2 * time.Minute) // one that failed waits a little
		f.erase(t)
		for _, table := range []string{"deliveries", "attempts", "delivery_items", "log_strays"} {
			require.Equal(t, len(before[table])/2, f.rows(t, table), table)
		}
	})
}

func TestWhatComesOfADeletedAccountLaterIsNotWrittenBack(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.furnish(t, "other")
		f.furnish(t, "acme")
		require.NoError(t, f.DeleteAccount(t.Context(), "acme"))
		f.erase(t)
		before, _ := f.dump(t)

		next, err := f.NextOffset(t.Context(), 3)
		require.NoError(t, err)
		late := but(attempt(1), func(a *hook.Attempt) { a.Webhook, a.Fate, a.Number = "wh_acme", hook.FateCancelled, 0 })
		others := but(attempt(2), func(a *hook.Attempt) { a.Account, a.Webhook = "other", "wh_other" })
		require.NoError(t, f.Record(t.Context(), []hook.Range{{
			Partition: 3, From: next, To: next + 4,
			Records: []hook.Recorded{{Offset: next, Attempt: late}, {Offset: next + 1, Attempt: others}, {Offset: next + 3, Attempt: late}},
			Markers: []hook.Marker{{Account: "acme", Webhook: "wh_acme", Version: 9}},
		}}))
		f.quarantine(t, hook.Quarantined{ID: "qrn_late", Account: "acme", Reason: "unknown_account", State: hook.Open, CreatedAt: start})
		_, err = f.Register(t.Context(), hook.Registration{Seen: []hook.Sighting{{Account: "acme", Store: "milano"}}})
		require.NoError(t, err)

		moved, err := f.NextOffset(t.Context(), 3)
		require.NoError(t, err)
		require.Equal(t, next+4, moved, "the log is past them")
		after, _ := f.dump(t)
		require.Len(t, after["deliveries"], len(before["deliveries"])+1, "the other account's is there")
		for _, table := range []string{"quarantine", "stores", "markers", "streaks"} {
			require.Equal(t, len(before[table]), len(after[table]), table)
		}
	})
}

// A transaction that began before the deletion may end after it.
func TestADeletedAccountIsLookedAtAgainForAWhile(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.furnish(t, "acme")
		require.NoError(t, f.DeleteAccount(t.Context(), "acme"))
		f.erase(t)
		late := func() {
			_, err := f.db.ExecContext(t.Context(), `INSERT INTO usage (account, webhook, period_from, period_to, executed, deferred, dropped)
				VALUES ('acme', 'wh_acme', 0, 1, 1, 0, 0)`)
			require.NoError(t, err)
		}
		late()
		require.Zero(t, f.erase(t), "not all the time")
		f.clock.Add(time.Hour)
		f.erase(t)
		require.Zero(t, f.rows(t, "usage"))
		f.clock.Add(watch)
		late()
		f.erase(t)
		require.Zero(t, f.rows(t, "usage"))
		f.clock.Add(watch)
		require.Zero(t, f.erase(t), "and not for ever")
	})
}

func TestAccountsThatWereDeletedByOlderVersionsAreErased(t *testing.T) {
	t.Parallel()
	for name, empty := range map[string]func(testing.TB) *database.DB{"sqlite": emptySQLite, "postgres": emptyPostgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := empty(t)
			require.NoError(t, database.Migrate(t.Context(), db, migrationsUpTo(t, "00011_life.sql"), sqlstore.Versions))
			for _, statement := range []string{
				`INSERT INTO accounts (id, name, version, published, deleted, created_at) VALUES ('acme', 'Acme', 2, 2, TRUE, 1), ('other', 'Other', 1, 1, FALSE, 1)`,
				`INSERT INTO usage (account, webhook, period_from, period_to, executed, deferred, dropped) VALUES ('acme', 'wh', 0, 1, 1, 0, 0), ('other', 'wh', 0, 1, 1, 0, 0)`,
			} {
				_, err := db.ExecContext(t.Context(), statement)
				require.NoError(t, err)
			}
			require.NoError(t, sqlstore.Migrate(t.Context(), db))
			// By one that has not ended yet.
			for _, statement := range []string{
				`INSERT INTO accounts (id, name, version, published, deleted, created_at) VALUES ('late', 'Late', 2, 2, TRUE, 1)`,
				`INSERT INTO usage (account, webhook, period_from, period_to, executed, deferred, dropped) VALUES ('late', 'wh', 0, 1, 1, 0, 0)`,
			} {
				_, err := db.ExecContext(t.Context(), statement)
				require.NoError(t, err)
			}
			f := fixture{Store: sqlstore.New(db, nil), db: db}
			f.erase(t)
			require.Equal(t, []string{"other"}, f.texts(t, `SELECT account FROM usage`))
			require.Equal(t, []string{"", "", "Other"}, f.texts(t, `SELECT name FROM accounts ORDER BY id`))
			e, err := f.Erasure(t.Context(), "acme")
			require.NoError(t, err)
			require.WithinDuration(t, time.Now(), e.DeletedAt, time.Minute)
		})
	}
}
