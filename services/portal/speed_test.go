package portal_test

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/sqlstore"
	"github.com/staffetta/staffetta/services/portal/portaltest"
)

var (
	speedRows     = flag.Int64("log-rows", 0, "rows of the log on which BenchmarkPages serves pages; 0: it is skipped")
	speedWebhooks = flag.Int("webhooks", 10_000, "webhooks of BenchmarkPages' account")
)

// BenchmarkPages serves each page of an account with 10,000 webhooks. On SQLite it makes
// a log of -log-rows rows of the last week; on PostgreSQL, where STAFFETTA_TEST_DATABASE
// names one, it takes that of BenchmarkFirstPage in pkg/sqlstore with as many:
//
//	go test ./services/portal -run '^$' -bench Pages -benchtime 20x -timeout 1h -log-rows 200000
func BenchmarkPages(b *testing.B) {
	if *speedRows == 0 {
		b.Skip("only by command: -log-rows")
	}
	db := speedDatabase(b)
	i := portaltest.On(b, db)
	fillAccount(b, i.Store, db)
	require.NoError(b, i.Store.SettleUsage(b.Context()))
	on := i.Visit(hook.RoleOwner)
	newest, _, err := i.Store.Deliveries(b.Context(), portaltest.Account, hook.DeliveryFilter{}, hook.Page{Limit: 1})
	require.NoError(b, err)
	for _, c := range speedPages(newest[0].ID) {
		b.Run(strings.TrimPrefix(c, "/portal/"), func(b *testing.B) {
			var took []time.Duration
			var shown portaltest.Page
			for b.Loop() {
				begun := time.Now()
				shown = on.Get(c)
				took = append(took, time.Since(begun))
			}
			require.Equal(b, http.StatusOK, shown.Status, shown.Body)
			slices.Sort(took)
			b.ReportMetric(float64(took[0].Microseconds())/1000, "min_ms")
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50_ms")
			b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "max_ms")
			b.ReportMetric(float64(len(shown.Body))/1024, "KiB")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// speedPages are all that show what is in the database.
func speedPages(delivery string) []string {
	return []string{
		"/portal/session", "/portal/webhooks", "/portal/webhooks?sort=description", "/portal/webhooks?search=nowhere", "/portal/webhooks/new",
		"/portal/webhooks/wh_acme_7",
		"/portal/log", "/portal/log?status=failed", "/portal/log/" + delivery, "/portal/replays",
		"/portal/usage", "/portal/usage?range=90d", "/portal/usage?by=account", "/portal/usage?exceeded=true", "/portal/usage?by=account&exceeded=true",
		"/portal/usage?webhook=wh_acme_7", "/portal/quarantine", "/portal/notifications", "/portal/settings", "/portal/audit",
	}
}

// speedDatabase has a log of the account.
func speedDatabase(b *testing.B) *database.DB {
	b.Helper()
	ctx := context.WithoutCancel(b.Context())
	text := os.Getenv("STAFFETTA_TEST_DATABASE")
	if text != "" {
		u, err := url.Parse(text)
		require.NoError(b, err)
		query := u.Query()
		query.Set("search_path", fmt.Sprintf("log_of_%d", *speedRows))
		u.RawQuery = query.Encode()
		text = u.String()
	} else {
		// It stays for the next run, as the schema does.
		text = "sqlite:" + filepath.Join(os.TempDir(), fmt.Sprintf("staffetta-pages-%d-%d.db", *speedRows, *speedWebhooks))
	}
	db, err := database.Open(ctx, text)
	require.NoError(b, err)
	b.Cleanup(func() { _ = db.Close() })
	require.NoError(b, sqlstore.Migrate(ctx, db))
	return db
}

// fillAccount adds what the database lacks of the account.
func fillAccount(b *testing.B, store *sqlstore.Store, db *database.DB) {
	b.Helper()
	ctx := b.Context()
	var there int
	require.NoError(b, db.QueryRowContext(ctx, `SELECT count(*) FROM webhooks WHERE account = $1`, portaltest.Account).Scan(&there))
	begun := time.Now()
	if there == 0 {
		_, err := store.CreateAccount(ctx, hook.Account{ID: portaltest.Account, Name: "The ACME", Quota: &hook.Quota{Calls: 1_000_000, Period: time.Hour}})
		require.NoError(b, err)
	}
	for n := there; n < *speedWebhooks; n++ {
		_, err := store.CreateWebhook(ctx, speedWebhook(n))
		require.NoError(b, err)
	}
	b.Logf("%d webhooks in %s", max(*speedWebhooks-there, 0), time.Since(begun).Round(time.Second))
	var filled bool
	require.NoError(b, db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM usage_series WHERE account = $1)`, portaltest.Account).Scan(&filled))
	if filled {
		return
	}
	begun = time.Now()
	now := time.Now().UTC()
	for _, fill := range []struct {
		statement string
		arguments []any
	}{
		{fillSeries, []any{portaltest.Account, hook.Daily.Microseconds(), database.Micros(now.Truncate(hook.Daily)), 90}},
		{fillSeries, []any{portaltest.Account, hook.Hourly.Microseconds(), database.Micros(now.Truncate(hook.Hourly)), 24}},
		{fillUsage, []any{portaltest.Account, time.Hour.Microseconds(), database.Micros(now.Truncate(time.Hour)), 24}},
	} {
		_, err := db.ExecContext(ctx, fill.statement, fill.arguments...)
		require.NoError(b, err)
	}
	b.Logf("their usage in %s", time.Since(begun).Round(time.Second))
	if db.Dialect == database.SQLite {
		fillLog(b, store)
	}
}

// speedWebhook is the n-th: a fifth of them are of all types, one in ten is paused.
func speedWebhook(n int) hook.Webhook {
	types := []string{"Receipt", "Invoice", "Contact", "Order", hook.AnyItemType}
	status := hook.Active
	if n%10 == 9 {
		status = hook.Paused
	}
	return hook.Webhook{
		ID: fmt.Sprintf("wh_acme_%d", n), Account: portaltest.Account, Status: status, Description: fmt.Sprintf("Webhook %d of the shop in Via Torino", n),
		ItemTypes: types[n%5 : n%5+1], EventTypes: []hook.EventType{hook.Create, hook.Update, hook.Delete}, Stores: []string{fmt.Sprint(n % 60)},
		URL: fmt.Sprintf("https://hooks.example.com/%d", n), Format: hook.FormatStandard, Language: hook.English, Payload: hook.Thin,
		RetrySchedule: []time.Duration{5 * time.Second, 5 * time.Minute}, Timeout: 15 * time.Second,
		OnPause: hook.Hold, OnQuota: hook.Defer, Ordering: hook.Unordered, Coalesce: hook.CoalesceNone,
	}
}

// What each webhook did in each of the last steps of time, and what it was charged.
const (
	fillSeries = `
INSERT INTO usage_series (account, webhook, step, begins, executed, delivered, latency, latency_2, latency_3)
WITH RECURSIVE steps (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM steps WHERE n + 1 < CAST($4 AS BIGINT))
SELECT w.account, w.id, CAST($2 AS BIGINT), CAST($3 AS BIGINT) - n * CAST($2 AS BIGINT), 10, 9, 400000, 5, 5 FROM webhooks AS w CROSS JOIN steps WHERE w.account = $1`
	fillUsage = `
INSERT INTO usage (account, webhook, period_from, period_to, quota_calls, executed, deferred, dropped)
WITH RECURSIVE steps (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM steps WHERE n + 1 < CAST($4 AS BIGINT))
SELECT w.account, w.id, CAST($3 AS BIGINT) - n * CAST($2 AS BIGINT), CAST($3 AS BIGINT) - (n - 1) * CAST($2 AS BIGINT), 1000000, 10, CASE WHEN n % 12 = 3 THEN 1 ELSE 0 END, 0
FROM webhooks AS w CROSS JOIN steps WHERE w.account = $1`
)

// fillLog records deliveries of the last week.
func fillLog(b *testing.B, store *sqlstore.Store) {
	b.Helper()
	begun := time.Now()
	const batch = 5000
	length := 7 * 24 * time.Hour / time.Duration(*speedRows)
	for from := int64(0); from < *speedRows; from += batch {
		r := hook.Range{Partition: 1, From: from, To: min(from+batch, *speedRows)}
		for n := r.From; n < r.To; n++ {
			r.Records = append(r.Records, hook.Recorded{Offset: n, Attempt: speedAttempt(n, begun.Add(-time.Duration(*speedRows-n)*length))})
		}
		require.NoError(b, store.Record(b.Context(), []hook.Range{r}))
	}
	b.Logf("%d rows of the log in %s", *speedRows, time.Since(begun).Round(time.Second))
}

func speedAttempt(n int64, at time.Time) hook.Attempt {
	a := hook.Attempt{
		Delivery: fmt.Sprintf("dlv_%026d", n), Number: 1, Fate: hook.FateDelivered, StatusCode: http.StatusNoContent,
		Account: portaltest.Account, Webhook: fmt.Sprintf("wh_acme_%d", n*7919%int64(*speedWebhooks)), Store: fmt.Sprint(n % 60),
		Event: fmt.Sprintf("evt_%020d", n), EventType: hook.Update, ItemType: []string{"Receipt", "Invoice", "Contact", "Order"}[n%4],
		Items: []string{fmt.Sprint(n)}, Bundle: hook.Coordinates{Topic: "deliveries", Offset: n},
		Source: hook.Coordinates{Topic: "events.ingest", Offset: n}, Published: at, At: at.Add(8 * time.Millisecond),
		Duration: 40 * time.Millisecond, URL: "https://hooks.example.com/", TraceID: fmt.Sprintf("%032x", n),
	}
	if n%30 == 29 {
		a.Fate, a.Reason, a.StatusCode = hook.FateExhausted, hook.ReasonStatus, http.StatusInternalServerError
	}
	return a
}
