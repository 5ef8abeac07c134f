package sqlstore_test

import (
	"context"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/sqlstore"
	"github.com/staffetta/staffetta/pkg/sqlstore/sqlstoretest"
)

// Each check of a property writes a log of its own, which is slow: fewer than rapid makes
// by default, and as many as one likes by -rapid.checks.
func init() {
	if err := flag.Set("rapid.checks", "30"); err != nil {
		panic(err)
	}
}

// clock is a time that tests set.
type clock struct{ now atomic.Pointer[time.Time] }

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newClock() *clock {
	c := &clock{}
	c.now.Store(&start)
	return c
}

func (c *clock) Now() time.Time { return *c.now.Load() }

func (c *clock) Add(d time.Duration) {
	next := c.Now().Add(d)
	c.now.Store(&next)
}

// fixture is a store on an empty database.
type fixture struct {
	*sqlstore.Store
	db    *database.DB
	clock *clock
}

// each runs a test on the backend that there is: PostgreSQL if STAFFETTA_TEST_DATABASE
// names one, else SQLite. CI runs all on both.
func each(t *testing.T, test func(t *testing.T, f fixture)) {
	t.Helper()
	name, open := "sqlite", openSQLite
	if os.Getenv("STAFFETTA_TEST_DATABASE") != "" {
		name, open = "postgres", openPostgres
	}
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		f := fixture{db: open(t), clock: newClock()}
		f.Store = sqlstore.New(f.db, f.clock.Now)
		test(t, f)
	})
}

func openSQLite(t testing.TB) *database.DB {
	t.Helper()
	return sqlstoretest.SQLite(t)
}

func openPostgres(t testing.TB) *database.DB { return migrated(t, emptyPostgres(t)) }

func emptySQLite(t testing.TB) *database.DB {
	return opened(t, "sqlite:"+filepath.Join(t.TempDir(), "store.db"))
}

var schemas atomic.Int64

// emptyPostgres gives a schema of its own, so that tests run side by side.
func emptyPostgres(t testing.TB) *database.DB {
	t.Helper()
	text := os.Getenv("STAFFETTA_TEST_DATABASE")
	if text == "" {
		t.Skip("STAFFETTA_TEST_DATABASE is not set")
	}
	ctx := context.WithoutCancel(t.Context())
	admin, err := database.Open(ctx, text)
	require.NoError(t, err)
	name := fmt.Sprintf("test_%d_%d", time.Now().UnixNano(), schemas.Add(1))
	_, err = admin.ExecContext(ctx, `CREATE SCHEMA `+name)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := admin.ExecContext(ctx, `DROP SCHEMA `+name+` CASCADE`)
		require.NoError(t, err)
		require.NoError(t, admin.Close())
	})
	u, err := url.Parse(text)
	require.NoError(t, err)
	query := u.Query()
	query.Set("search_path", name)
	u.RawQuery = query.Encode()
	return opened(t, u.String())
}

func opened(t testing.TB, url string) *database.DB {
	t.Helper()
	db, err := database.Open(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func migrated(t testing.TB, db *database.DB) *database.DB {
	t.Helper()
	require.NoError(t, sqlstore.Migrate(t.Context(), db))
	return db
}

func TestTheSchemaIsPendingUntilItIsMigrated(t *testing.T) {
	t.Parallel()
	db := emptySQLite(t)
	for _, want := range []bool{true, false} {
		pending, err := sqlstore.Pending(t.Context(), db)
		require.NoError(t, err)
		require.Equal(t, want, pending)
		require.NoError(t, sqlstore.Migrate(t.Context(), db))
	}
}

func (f fixture) account(t *testing.T, id string) hook.Account {
	t.Helper()
	a, err := f.CreateAccount(t.Context(), hook.Account{ID: id, Name: "The " + id})
	require.NoError(t, err)
	return a
}

// webhook gives one with every field set.
func webhook(account, id string) hook.Webhook {
	return hook.Webhook{
		ID: id, Account: account, Version: 1, Status: hook.Active, Description: "till",
		ItemTypes: []string{"Contact", "Invoice"}, EventTypes: []hook.EventType{hook.Create, hook.Delete},
		URL: "https://example.com/hook", Stores: []string{"7"},
		Format: hook.FormatRentman, Language: hook.Italian, Payload: hook.Full,
		CloudEvents: hook.Binary, Signature: hook.Ed25519,
		Secrets: [][]byte{{1, 0, 255}, {2}}, SecretsUntil: []time.Time{start.Add(time.Hour)},
		Headers:       []hook.SealedHeader{{Name: "X-Api-Key", Value: []byte{3, 0, 255}}},
		Auth:          &hook.Auth{Type: hook.AuthOAuth2, TokenURL: "https://example.com/token", ClientID: "c", Scopes: []string{"a", "b"}, Audience: "d", Secret: []byte{4, 0}},
		RetrySchedule: []time.Duration{time.Second, time.Hour}, Timeout: hook.DefaultTimeout, Concurrency: 3, RateLimit: 50,
		OnPause: hook.Drop, OnQuota: hook.DropOverQuota, Filter: `item.data.total > 1000.0`,
		Ordering: hook.OrderedByItem, Coalesce: hook.CoalesceByItem,
		CreatedAt: start,
	}
}

func (f fixture) webhook(t *testing.T, account, id string) hook.Webhook {
	t.Helper()
	w, err := f.CreateWebhook(t.Context(), webhook(account, id))
	require.NoError(t, err)
	return w
}

// walk reads a whole list page by page.
func walk[T any](t *testing.T, limit int, list func(hook.Page) ([]T, string, error)) []T {
	t.Helper()
	var all []T
	page := hook.Page{Limit: limit}
	for {
		some, next, err := list(page)
		require.NoError(t, err)
		require.LessOrEqual(t, len(some), limit)
		all = append(all, some...)
		if next == "" {
			return all
		}
		require.Len(t, some, limit, "only the last page is short")
		page.After = next
	}
}
