package sqlstore_test

import (
	"io/fs"
	"path"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/sqlstore"
)

// What the first release wrote reads as it was meant: no quota, no rate limit,
// and over quota is deferred.
func TestRowsOfTheFirstVersionKeepTheirMeaning(t *testing.T) {
	t.Parallel()
	for name, empty := range map[string]func(testing.TB) *database.DB{"sqlite": emptySQLite, "postgres": emptyPostgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := empty(t)
			require.NoError(t, database.Migrate(t.Context(), db, migrationsUpTo(t, "00001_hooks.sql"), sqlstore.Versions))
			for _, statement := range []string{
				`INSERT INTO accounts (id, name, version, published, deleted, created_at) VALUES ('acme', 'Acme', 2, 2, FALSE, 1)`,
				`INSERT INTO webhooks (id, account, version, status, settings, created_at, resuming) VALUES ('wh_1', 'acme', 1, 'active',
					'{"itemTypes":["*"],"eventTypes":["create"],"url":"https://example.com","format":"standard","language":"en",
					"payload":"thin","timeout":15000000000,"onPause":"hold"}', 1, 0)`,
				`INSERT INTO webhooks (id, account, version, status, settings, created_at, resuming)
					SELECT 'wh_2', account, 1, 'resuming', settings, 1, 1 FROM webhooks`,
			} {
				_, err := db.ExecContext(t.Context(), statement)
				require.NoError(t, err)
			}

			require.NoError(t, sqlstore.Migrate(t.Context(), db))
			store := sqlstore.New(db, nil)
			a, err := store.Account(t.Context(), "acme")
			require.NoError(t, err)
			require.Nil(t, a.Quota)
			w, err := store.Webhook(t.Context(), "acme", "wh_1")
			require.NoError(t, err)
			require.Zero(t, w.RateLimit)
			require.Equal(t, hook.Defer, w.OnQuota)
			require.Equal(t, hook.Unordered, w.Ordering)
			require.Equal(t, hook.CoalesceNone, w.Coalesce)
			same, err := store.UpdateWebhook(t.Context(), "acme", "wh_1", 0, func(*hook.Webhook) error { return nil })
			require.NoError(t, err)
			require.EqualValues(t, 1, same.Version, "a default is no change")
			require.NoError(t, store.FinishResuming(t.Context(), func(string) bool { return true }))
			w, err = store.Webhook(t.Context(), "acme", "wh_2")
			require.NoError(t, err)
			require.Equal(t, hook.Active, w.Status, "one that was resuming waits for no marker")
		})
	}
}

// migrationsUpTo are those of both dialects up to the one of that name.
func migrationsUpTo(t *testing.T, last string) fs.FS {
	t.Helper()
	all, err := sqlstore.Migrations()
	require.NoError(t, err)
	some := fstest.MapFS{}
	files, err := fs.Glob(all, "*/*.sql")
	require.NoError(t, err)
	for _, name := range files {
		if path.Base(name) > last {
			continue
		}
		text, err := fs.ReadFile(all, name)
		require.NoError(t, err)
		some[name] = &fstest.MapFile{Data: text}
	}
	require.Zero(t, len(some)%2, "one for each dialect")
	return some
}
