package sqlstore

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

// SQLite plans without statistics, so each list must come with an index that
// suits it whatever the data: no sorting of more than one event's deliveries,
// and no walk over the whole account.
func TestEachFilterIsLedByItsIndex(t *testing.T) {
	t.Parallel()
	db, err := database.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "plan.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	require.NoError(t, Migrate(t.Context(), db))
	failed := []hook.Fate{hook.FateExhausted}
	for name, c := range map[string]struct {
		filter  hook.DeliveryFilter
		indexes []string // one for each source
		sorted  bool
	}{
		"none":             {hook.DeliveryFilter{}, []string{"deliveries_account"}, true},
		"webhook":          {hook.DeliveryFilter{Webhook: "wh_1"}, []string{"deliveries_webhook"}, true},
		"delivered":        {hook.DeliveryFilter{Webhook: "wh_1", Statuses: []hook.Fate{hook.FateDelivered}}, []string{"deliveries_webhook"}, true},
		"failed":           {hook.DeliveryFilter{Statuses: failed}, []string{"deliveries_undelivered"}, true},
		"failed, webhook":  {hook.DeliveryFilter{Statuses: failed, Webhook: "wh_1"}, []string{"deliveries_undelivered_webhook"}, true},
		"two statuses":     {hook.DeliveryFilter{Statuses: []hook.Fate{hook.FateExhausted, hook.FateRetrying}}, []string{"deliveries_undelivered", "deliveries_undelivered"}, true},
		"event":            {hook.DeliveryFilter{EventID: "evt_1"}, []string{"deliveries_event"}, false},
		"event, webhook":   {hook.DeliveryFilter{EventID: "evt_1", Webhook: "wh_1"}, []string{"deliveries_event"}, false},
		"item":             {hook.DeliveryFilter{ItemID: "7"}, []string{"deliveries_item", "PRIMARY KEY"}, true},
		"item and so on":   {hook.DeliveryFilter{ItemID: "7", Webhook: "wh_1", Statuses: failed}, []string{"deliveries_item", "PRIMARY KEY"}, true},
		"item type, store": {hook.DeliveryFilter{ItemType: "Contact", Store: "7"}, []string{"deliveries_account"}, true},
	} {
		found := sources(c.filter, false)
		require.Len(t, found, len(c.indexes), name)
		for i, source := range found {
			where := source.conditions("acme", c.filter)
			query := source.query(where, span{}, 50)
			steps, err := collect(t.Context(), db, func(scan func(...any) error) (detail string, err error) {
				var id, parent, unused int
				return detail, scan(&id, &parent, &unused, &detail)
			}, `EXPLAIN QUERY PLAN `+query, where.args...)
			require.NoError(t, err, name)
			require.Contains(t, steps[0], c.indexes[i], "%s: %s", name, query)
			if c.sorted {
				require.NotContains(t, steps, "USE TEMP B-TREE FOR ORDER BY", "%s: %s", name, query)
			}
		}
	}
}
