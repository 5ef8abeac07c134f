package router_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
)

func TestAnEventWhoseDataBreaksItsSchemaGoesToQuarantine(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	acme, broken := account("acme"), account("broken")
	acme.Schemas = []hook.ItemSchema{{ItemType: "Contact", Schema: []byte(`{"properties": {"age": {"type": "integer", "minimum": 0}}}`)}}
	broken.Schemas = []hook.ItemSchema{{ItemType: "Contact", Schema: []byte(`{"type": 7}`)}}
	f.run(newAccounts(acme, broken, account("other")))
	of := func(id, account, eventType, itemType, items string) []byte {
		return fmt.Appendf(nil, `{"id":%q,"account":%q,"eventType":%q,"itemType":%q,"items":%s}`, id, account, eventType, itemType, items)
	}
	const bad = `[{"id":"1","data":{"age":3}},{"id":"2","data":{"age":"x"}}]`
	f.publish(0,
		of("evt_bad", "acme", "create", "Contact", bad),
		of("evt_good", "acme", "create", "Contact", `[{"id":"1","data":{"age":3}},{"id":"2"}]`),
		of("evt_delete", "acme", "delete", "Contact", bad),
		of("evt_type", "acme", "create", "Crew", bad),
		of("evt_other", "other", "create", "Contact", bad),
		of("evt_broken", "broken", "create", "Contact", bad),
		event("evt_last", "acme", 1),
	)
	seen := f.awaitDelivered(f.reader(bus.Deliveries), "evt_good", "evt_delete", "evt_type", "evt_other", "evt_last")
	require.NotContains(t, seen, "evt_bad")
	require.NotContains(t, seen, "evt_broken")
	details := map[string]string{}
	reader := f.reader(bus.Quarantine)
	for len(details) < 2 {
		for _, r := range f.next(reader) {
			require.Equal(t, "breaks_schema", headerOf(r, "staffetta-reason"))
			details[headerOf(r, "staffetta-offset")] = headerOf(r, "staffetta-detail")
		}
	}
	require.Equal(t, "items[1].data/age breaks its schema: got string, want integer", details["0"])
	require.Contains(t, details["5"], "the data cannot be checked")
	f.eventually(f.committed, "what breaks a schema is done with")
}
