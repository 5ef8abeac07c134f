package sqlstore_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// SQLite plans without statistics, so each list must come with an index that
// suits it whatever the data: no sorting, and no walk over the whole account.
func TestListsAreReadInTheOrderOfAnIndex(t *testing.T) {
	t.Parallel()
	db := openSQLite(t)
	const held = `SELECT id FROM deliveries WHERE status = 'held' AND bundle_partition = 1 `
	for query, index := range map[string]string{
		held + `AND webhook = 'wh_1' ORDER BY published, id_key`:                                                  "deliveries_held",
		`SELECT MIN(webhook) FROM deliveries WHERE status = 'held' AND bundle_partition = 1 AND webhook > 'wh_1'`: "deliveries_held",
		`SELECT 1 FROM deliveries d WHERE d.webhook = 'wh_1' AND d.status = 'held' AND d.status <> 'delivered'`:   "deliveries_undelivered_webhook",
		`SELECT id FROM deliveries d WHERE d.account || '' = 'acme' AND d.webhook = 'wh_1' AND d.status IN ('retrying', 'exhausted')
			AND d.published >= 1 AND d.published < 9 AND (d.published, d.id_key) > (1, 2) ORDER BY d.published, d.id_key LIMIT 10`: "deliveries_webhook",
		`SELECT id FROM replays WHERE state = 'running'`:                                                              "replays_running",
		`SELECT id FROM quarantine WHERE state <> 'discarded' ORDER BY created_at DESC, id DESC`:                      "quarantine_newest",
		`SELECT id FROM quarantine WHERE account = 'acme' AND state <> 'discarded' ORDER BY created_at DESC, id DESC`: "quarantine_account",
		`SELECT id FROM redrives WHERE state = 'running'`:                                                             "redrives_running",
		`SELECT id FROM quarantine WHERE account = 'acme' AND state = 'open' AND reason = 'not_json' AND created_at < 9 AND (created_at, id) > (1, 'qrn_1')
			ORDER BY created_at, id LIMIT 10`: "quarantine_(account|reason)",
		`SELECT id FROM quarantine WHERE state = 'open' AND source_topic = 'own' AND created_at < 9 ORDER BY created_at, id LIMIT 10`:                "quarantine_newest",
		`SELECT id FROM webhooks WHERE account = 'acme' AND status <> 'revoked' AND words LIKE '%x%' ORDER BY created_at DESC, id DESC`:              "webhooks_list",
		`SELECT id FROM webhooks WHERE account = 'acme' AND status <> 'revoked' AND instr(types, 'x') > 0 ORDER BY described, id`:                    "webhooks_described",
		`SELECT id FROM webhooks WHERE account = 'acme' AND status = 'paused' AND (suspended_at, id) < (1, 'x') ORDER BY suspended_at DESC, id DESC`: "webhooks_suspended",
		`SELECT id FROM accounts WHERE published < version ORDER BY id`:                                                                              "accounts_unpublished",
	} {
		rows, err := db.QueryContext(t.Context(), `EXPLAIN QUERY PLAN `+query)
		require.NoError(t, err)
		var plan string
		for rows.Next() {
			var id, parent, unused int
			var detail string
			require.NoError(t, rows.Scan(&id, &parent, &unused, &detail))
			plan += detail + "\n"
		}
		require.NoError(t, rows.Err())
		require.NoError(t, rows.Close())
		require.Regexp(t, `INDEX `+index+`\b`, plan, query)
		require.NotContains(t, plan, "TEMP B-TREE", query)
	}
}
