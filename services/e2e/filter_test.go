package e2e_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// deliversFiltered: a webhook gets the items that its filter lets through, and the same
// ones when it is tried again and when it is resumed.
func deliversFiltered(t *testing.T, in *installation) {
	a := in.newTenant(t)
	r := newReceiver(t, func(n int, _ *http.Request) int {
		if n == 0 {
			return http.StatusInternalServerError
		}
		return http.StatusNoContent
	})
	const rich = `event.itemType == "Invoice" && item.data.total > 1000.0`
	id, secret := a.webhook(t, object{"itemTypes": []string{"*"}, "url": r.URL, "payload": "full", "filter": rich, "retrySchedule": []string{"1s"}})
	in.awaitLive(t)
	publish := func(event string) {
		in.upstream(t).produce(t, record(a.account, fmt.Appendf(nil, `{"id": %q, "account": %q, "eventType": "create", "itemType": "Invoice", "items": [
			{"id": 1, "data": {"total": 10}}, {"id": 2, "data": {"total": 2000.50}}, {"id": 3}, {"id": 4, "data": {"total": 1e6}}]}`, event, a.account)))
	}
	requireRich := func(request received, event string) {
		t.Helper()
		requireSigned(t, request, secret)
		data := request.json(t)["data"].(object)
		require.Equal(t, event, data["id"])
		items := data["items"].([]any)
		require.Len(t, items, 2)
		require.Equal(t, []any{2.0, 4.0}, []any{items[0].(object)["id"], items[1].(object)["id"]})
		require.Contains(t, string(request.body), "2000.50", "as it was published")
	}
	publish("evt-1")
	for _, request := range r.await(t, 2) {
		requireRich(request, "evt-1")
	}
	require.Equal(t, []any{"2", "4"}, a.awaitStatus(t, "delivered", 1)[0]["itemIds"])

	a.api(t, http.MethodPost, "/v1/webhooks/"+id+"/pause", nil, http.StatusOK)
	in.awaitLive(t)
	publish("evt-2")
	require.Equal(t, []any{"2", "4"}, a.awaitStatus(t, "held", 1)[0]["itemIds"])
	a.api(t, http.MethodPost, "/v1/webhooks/"+id+"/resume", nil, http.StatusOK)
	requireRich(r.await(t, 3)[2], "evt-2")

	// The third item has no data, which the filter fails at: people are told.
	eventually(t, func() error {
		shown, _ := a.api(t, http.MethodGet, "/v1/webhooks/"+id, nil, http.StatusOK)["filterErrors"].(object)
		if shown["count"] != 2.0 || shown["last"].(object)["eventId"] != "evt-2" {
			return fmt.Errorf("shown is %v", shown)
		}
		return nil
	})
	refused := a.api(t, http.MethodPatch, "/v1/webhooks/"+id, object{"filter": "item.dta.total > 1000.0"}, http.StatusUnprocessableEntity)
	require.Contains(t, refused["detail"], "1:5: undefined field 'dta'")
}

// quarantinesWhatBreaksASchema: what breaks an account's schema goes to quarantine, with its
// place; what does not is delivered.
func quarantinesWhatBreaksASchema(t *testing.T, in *installation) {
	a, r := in.newTenant(t), newReceiver(t, nil)
	a.webhook(t, object{"itemTypes": []string{"*"}, "url": r.URL})
	a.api(t, http.MethodPut, "/v1/item-types/Invoice/schema", object{
		"type": "object", "required": []string{"total"}, "properties": object{"total": object{"type": "number"}},
	}, http.StatusNoContent)
	in.awaitLive(t)
	of := func(event, total string) []byte {
		return fmt.Appendf(nil, `{"id": %q, "account": %q, "eventType": "create", "itemType": "Invoice", "items": [{"id": 1, "data": {"total": %s}}]}`,
			event, a.account, total)
	}
	in.upstream(t).produce(t, record(a.account, of("evt-bad", `"ten"`)), record(a.account, of("evt-good", `10`)))
	require.Equal(t, "evt-good", r.await(t, 1)[0].json(t)["data"].(object)["id"])
	q := in.awaitQuarantined(t, a.account+"/Contact", "total")
	require.Equal(t, "breaks_schema", headerOf(q, "staffetta-reason"))
	require.Equal(t, "items[0].data/total breaks its schema: got string, want number", headerOf(q, "staffetta-detail"))
}
