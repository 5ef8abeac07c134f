package sqlstore

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

var (
	scaleRows    = flag.Int64("log-rows", 0, "rows of the log that BenchmarkFirstPage reads (PostgreSQL); 0: it is skipped")
	scaleExplain = flag.String("log-explain", "", "file to which BenchmarkFirstPage writes the plans")
)

const (
	scaleDays = 90
	// Half of the log is this account's, and a millionth of it this one's.
	large, small = "acme", "tiny"
)

// BenchmarkFirstPage reads the first page of the log by filters that people use. Of
// -log-rows rows there are as many in each of 90 days, the last of which is today. They
// are made by the first run, in a schema of their own, which stays:
//
//	go test ./pkg/sqlstore -run '^$' -bench FirstPage -benchtime 20x -timeout 2h -log-rows 20000000
func BenchmarkFirstPage(b *testing.B) {
	if *scaleRows == 0 {
		b.Skip("only by command: -log-rows")
	}
	s := scaled(b, *scaleRows)
	now := s.now()
	var plans strings.Builder
	for _, c := range scaleFilters(b, s, now) {
		b.Run(c.name, func(b *testing.B) {
			var took []time.Duration
			var rows int
			for b.Loop() {
				begun := time.Now()
				list, _, err := s.Deliveries(b.Context(), c.account, c.filter, hook.Page{Limit: 50})
				require.NoError(b, err)
				took, rows = append(took, time.Since(begun)), len(list)
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[0].Microseconds())/1000, "min_ms")
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50_ms")
			b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "max_ms")
			b.ReportMetric(float64(rows), "rows")
			b.ReportMetric(0, "ns/op")
		})
		if *scaleExplain != "" {
			explain(b, s, &plans, c.name, c.account, c.filter)
		}
	}
	if *scaleExplain != "" {
		require.NoError(b, os.WriteFile(*scaleExplain, []byte(plans.String()), 0o600))
	}
}

type scaleCase struct {
	name, account string
	filter        hook.DeliveryFilter
}

func scaleFilters(b *testing.B, s *Store, now time.Time) []scaleCase {
	b.Helper()
	failed := []hook.Fate{hook.FateRetrying, hook.FateExhausted}
	of := func(f hook.DeliveryFilter) hook.DeliveryFilter { return f }
	var old hook.Delivery
	row := s.db.QueryRowContext(b.Context(), `SELECT `+strings.Join(listColumns, ", ")+` FROM deliveries
		WHERE account = $1 AND item IS NOT NULL AND published < $2 ORDER BY published DESC LIMIT 1`, large, database.Micros(now.AddDate(0, 0, -80)))
	old, err := scanDelivery(row.Scan)
	require.NoError(b, err)
	cases := []scaleCase{}
	for _, account := range []string{large, small} {
		for _, c := range []scaleCase{
			{name: "none", filter: of(hook.DeliveryFilter{})},
			{name: "delivered", filter: of(hook.DeliveryFilter{Statuses: []hook.Fate{hook.FateDelivered}})},
			{name: "failed", filter: of(hook.DeliveryFilter{Statuses: failed})},
			{name: "held", filter: of(hook.DeliveryFilter{Statuses: []hook.Fate{hook.FateHeld}})},
			{name: "dropped,never", filter: of(hook.DeliveryFilter{Statuses: []hook.Fate{hook.FateDropped}})},
			{name: "type,frequent", filter: of(hook.DeliveryFilter{ItemType: "Receipt"})},
			{name: "type,rare", filter: of(hook.DeliveryFilter{ItemType: "Repair"})},
			{name: "type,never", filter: of(hook.DeliveryFilter{ItemType: "Nothing"})},
			{name: "store,frequent", filter: of(hook.DeliveryFilter{Store: "1"})},
			{name: "store,rare", filter: of(hook.DeliveryFilter{Store: "rare"})},
			{name: "store,never", filter: of(hook.DeliveryFilter{Store: "none"})},
			{name: "type+store,frequent", filter: of(hook.DeliveryFilter{ItemType: "Receipt", Store: "1"})},
			{name: "type+store,never", filter: of(hook.DeliveryFilter{ItemType: "Receipt", Store: "rare"})},
			{name: "hour", filter: of(hook.DeliveryFilter{From: now.AddDate(0, 0, -40), To: now.AddDate(0, 0, -40).Add(time.Hour)})},
			{name: "hour+type,rare", filter: of(hook.DeliveryFilter{ItemType: "Repair", From: now.AddDate(0, 0, -40), To: now.AddDate(0, 0, -40).Add(time.Hour)})},
		} {
			c.account = account
			c.name = account + "/" + c.name
			cases = append(cases, c)
		}
	}
	for name, f := range map[string]hook.DeliveryFilter{
		"webhook,frequent":           {Webhook: "wh_acme_0"},
		"webhook,rare":               {Webhook: "wh_acme_19"},
		"webhook,never":              {Webhook: "wh_none"},
		"webhook,frequent+failed":    {Webhook: "wh_acme_0", Statuses: failed},
		"webhook,rare+failed":        {Webhook: "wh_acme_19", Statuses: failed},
		"webhook,frequent+type,rare": {Webhook: "wh_acme_0", ItemType: "Repair"},
		"failed+type,frequent":       {Statuses: failed, ItemType: "Receipt"},
		"failed+type,rare":           {Statuses: failed, ItemType: "Repair"},
		"failed+store,rare":          {Statuses: failed, Store: "rare"},
		"delivered+type,rare":        {Statuses: []hook.Fate{hook.FateDelivered}, ItemType: "Repair"},
		"item,80 days old":           {ItemID: old.Items[0]},
		"item,frequent":              {ItemID: "shared"},
		"event,80 days old":          {EventID: old.Event},
		"event,never":                {EventID: "evt_none"},
		"item,never":                 {ItemID: "none"},
	} {
		cases = append(cases, scaleCase{name: large + "/" + name, account: large, filter: f})
	}
	slices.SortFunc(cases, func(a, b scaleCase) int { return strings.Compare(a.name, b.name) })
	return cases
}

// explain writes the plans of the first page's queries in the newest two spans: those of
// the others are alike.
func explain(b *testing.B, s *Store, to *strings.Builder, name, account string, f hook.DeliveryFilter) {
	b.Helper()
	fmt.Fprintf(to, "== %s\n", name)
	left, searched := 51, 0
	for _, span := range s.spans() {
		if !span.overlaps(f.From, f.To) || left <= 0 || searched == 2 {
			continue
		}
		searched++
		most := 0
		for _, source := range sources(f, true) {
			where := source.conditions(account, f)
			query := source.query(where, span, left)
			lines, err := collect(b.Context(), s.db, func(scan func(...any) error) (line string, err error) {
				return line, scan(&line)
			}, `EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) `+query, where.args...)
			require.NoError(b, err)
			shown := slices.DeleteFunc(lines, func(line string) bool { return strings.Contains(line, "never executed") })
			fmt.Fprintf(to, "-- published%s\n%s\n", span.conditions("d"), strings.Join(shown, "\n"))
			rows, err := collect(b.Context(), s.db, scanDelivery, query, where.args...)
			require.NoError(b, err)
			most += len(rows)
		}
		left -= most
	}
}

// scaled is a store on a log of so many rows.
func scaled(b *testing.B, rows int64) *Store {
	b.Helper()
	text := os.Getenv("STAFFETTA_TEST_DATABASE")
	if text == "" {
		b.Skip("STAFFETTA_TEST_DATABASE is not set")
	}
	ctx := context.WithoutCancel(b.Context())
	admin, err := database.Open(ctx, text)
	require.NoError(b, err)
	name := fmt.Sprintf("log_of_%d", rows)
	_, err = admin.ExecContext(ctx, `CREATE SCHEMA IF NOT EXISTS `+name)
	require.NoError(b, err)
	require.NoError(b, admin.Close())
	u, err := url.Parse(text)
	require.NoError(b, err)
	query := u.Query()
	query.Set("search_path", name)
	u.RawQuery = query.Encode()
	db, err := database.Open(ctx, u.String())
	require.NoError(b, err)
	b.Cleanup(func() { _ = db.Close() })
	require.NoError(b, Migrate(ctx, db))
	s := New(db, nil)
	fill(b, s, rows)
	for more := true; more; {
		more, err = s.KeepLog(ctx, 2*scaleDays*day)
		require.NoError(b, err)
	}
	return s
}

// fill makes what the log lacks of so many rows.
func fill(b *testing.B, s *Store, rows int64) {
	b.Helper()
	today := dayOf(s.stamp())
	for n := range int64(scaleDays) {
		from := today - n*day.Microseconds()
		require.NoError(b, s.makeDays(b.Context(), []int64{from}))
		var there bool
		table := "deliveries_" + database.Time(from).Format("20060102")
		require.NoError(b, s.db.QueryRowContext(b.Context(), `SELECT EXISTS (SELECT FROM `+table+`)`).Scan(&there))
		if there {
			continue
		}
		length := min(day.Microseconds(), s.stamp()-from)
		begun := time.Now()
		require.NoError(b, s.db.Tx(b.Context(), func(tx *sql.Tx) error {
			for _, statement := range []string{`SET LOCAL synchronous_commit = off`, fmt.Sprintf(fillDay, rows/scaleDays, from, length), fillItems} {
				if _, err := tx.ExecContext(b.Context(), statement); err != nil {
					return err
				}
			}
			return nil
		}))
		b.Logf("%s: %d rows in %s", table, rows/scaleDays, time.Since(begun).Round(time.Millisecond))
	}
}

// fillDay adds rows as the recorder would: half of one account's, of webhooks, types
// and stores of which a few have most. One in thirty was not delivered, one in twenty
// has two items, one in a hundred the item "shared".
const fillDay = `
CREATE TEMP TABLE filled ON COMMIT DROP AS
WITH numbers AS (
	SELECT n, random() AS who, random() AS hook, random() AS kind, random() AS place, random() AS fate, random() AS what,
		'evt_' || md5(n::text || %[2]d) AS event
	FROM generate_series(1, %[1]d) n),
named AS (
	SELECT *, CASE WHEN who < 0.5 THEN 'acme' WHEN who > 0.999999 THEN 'tiny' ELSE 'acct_' || floor((who - 0.5) * 2 * 200)::int END AS account,
		floor(20 * power(hook, 6))::int AS nth,
		CASE WHEN kind < 0.3 THEN 'Receipt' WHEN kind < 0.5 THEN 'Invoice' WHEN kind > 0.999997 THEN 'Repair'
			ELSE 'Type' || floor(kind * 40)::int END AS item_type
	FROM numbers),
rows AS (
	SELECT *, 'wh_' || account || '_' || CASE WHEN hook > 0.999995 THEN 19 ELSE least(nth, 18) END AS webhook,
		CASE WHEN place < 0.2 THEN '' WHEN item_type <> 'Receipt' AND place > 0.999995 THEN 'rare' ELSE floor(1 + 60 * power(place - 0.2, 3))::int::text END AS store,
		CASE WHEN fate < 0.967 THEN 'delivered' WHEN fate < 0.99 THEN 'exhausted' WHEN fate < 0.999 THEN 'retrying' ELSE 'held' END AS status,
		'dlv_' || left(md5(event || nth), 26) AS id,
		CASE WHEN what < 0.01 THEN 'shared' ELSE floor(what * 1e9)::bigint::text END AS thing
	FROM named)
SELECT ('x' || left(encode(sha256(convert_to(id, 'UTF8')), 'hex'), 16))::bit(64)::bigint AS id_key, id, account, webhook,
	('x' || left(encode(sha256(convert_to(account || '/' || event, 'UTF8')), 'hex'), 16))::bit(64)::bigint AS event_key, event,
	'update' AS event_type, item_type,
	CASE WHEN what < 0.95 THEN ('x' || left(encode(sha256(convert_to(account || '/' || thing, 'UTF8')), 'hex'), 16))::bit(64)::bigint END AS item_key,
	CASE WHEN what < 0.95 THEN thing END AS item,
	CASE WHEN what >= 0.95 THEN '["' || thing || '","more"]' END AS items, store,
	'events.ingest' AS source_topic, 3::bigint AS source_partition, n::bigint AS source_offset,
	%[2]d + n * (%[3]d / %[1]d) AS published, status, CASE status WHEN 'delivered' THEN '' WHEN 'held' THEN 'paused' ELSE 'status' END AS reason,
	0::bigint AS run, 0::bigint AS step, 1::bigint AS attempts, CASE status WHEN 'delivered' THEN 204 ELSE 500 END::bigint AS status_code,
	'deliveries' AS bundle_topic, nth::bigint AS bundle_partition, n::bigint AS bundle_offset,
	%[2]d + n * (%[3]d / %[1]d) + 4000 AS updated_at, 0::bigint AS due, md5(event) AS trace_id,
	3500::bigint AS duration, 'https://hooks.example.com/staffetta' AS url, NULL::text AS detail, NULL::bytea AS response,
	'[{"name":"Date","value":"Mon, 23 Nov 2026 03:33:51 GMT"},{"name":"Server","value":"nginx"}]' AS response_headers,
	NULL::bigint AS dns, NULL::bigint AS connect, NULL::bigint AS tls, 3400::bigint AS first_byte,
	decode(repeat(md5(event), 5), 'hex') AS request
FROM rows;
INSERT INTO deliveries (id_key, id, account, webhook, event_key, event, event_type, item_type, item_key, item, items, store,
	source_topic, source_partition, source_offset, published, status, reason, run, step, attempts, status_code,
	bundle_topic, bundle_partition, bundle_offset, updated_at, due, trace_id, duration, url, detail, response, response_headers,
	dns, connect, tls, first_byte, request)
SELECT * FROM filled ORDER BY published`

const fillItems = `
INSERT INTO delivery_items (item_key, published, id_key)
SELECT ('x' || left(encode(sha256(convert_to(account || '/' || one, 'UTF8')), 'hex'), 16))::bit(64)::bigint, published, id_key
FROM filled, jsonb_array_elements_text(items::jsonb) AS of (one) WHERE items IS NOT NULL`
