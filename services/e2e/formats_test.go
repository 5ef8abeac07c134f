package e2e_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/signature"
)

// ingest publishes an event of items by REST.
func (a *tenant) ingest(t *testing.T, eventType, itemType string, items ...object) {
	t.Helper()
	a.api(t, http.MethodPost, "/v1/events", object{"eventType": eventType, "itemType": itemType, "items": items}, http.StatusAccepted)
}

// Of an event with three items there are three deliveries: one fails and is tried
// again alone. What was held is released item by item.
func deliversItemByItem(t *testing.T, in *installation) {
	a, r := in.newTenant(t), newReceiver(t, func(n int, _ *http.Request) int {
		if n == 1 {
			return http.StatusInternalServerError
		}
		return http.StatusNoContent
	})
	id, token := a.webhook(t, object{
		"itemTypes": []string{"Receipt"}, "url": r.URL, "format": "cassa-in-cloud", "retrySchedule": []string{"1s"}, "concurrency": 1,
	})
	in.awaitLive(t)
	a.ingest(t, "create", "Receipt", object{"id": 1, "data": object{"n": 1}}, object{"id": 2, "data": object{"n": 2}}, object{"id": 3})
	bodies := map[string]int{}
	for _, request := range r.await(t, 4) {
		require.NoError(t, signature.VerifySHA1(request.header, request.body, token))
		require.Equal(t, "RECEIPT/CREATE", request.header.Get("x-cn-operation"))
		bodies[string(request.body)]++
	}
	require.Len(t, bodies, 3)
	for _, body := range []string{`{"n":1}`, `{"n":2}`, `{"id":3}`} {
		require.Contains(t, bodies, body)
	}
	for _, d := range a.awaitStatus(t, "delivered", 3) {
		require.Len(t, d["itemIds"], 1)
		detail := a.api(t, http.MethodGet, "/v1/deliveries/"+d["id"].(string), nil, http.StatusOK)
		items := detail["payload"].(object)["items"].([]any)
		require.Len(t, items, 1, "the payload is the delivery's own")
	}

	a.api(t, http.MethodPost, "/v1/webhooks/"+id+"/pause", nil, http.StatusOK)
	in.awaitLive(t)
	a.ingest(t, "delete", "Receipt", object{"id": 1, "data": object{"n": 1, "last": true}}, object{"id": 2})
	a.awaitStatus(t, "held", 2)
	a.api(t, http.MethodPost, "/v1/webhooks/"+id+"/resume", nil, http.StatusOK)
	a.awaitStatus(t, "delivered", 5)
	var last []string
	for _, request := range r.all()[4:] {
		require.NoError(t, signature.VerifySHA1(request.header, request.body, token))
		require.Equal(t, "RECEIPT/DELETE", request.header.Get("x-cn-operation"))
		last = append(last, string(request.body))
	}
	require.ElementsMatch(t, []string{`{"last":true,"n":1}`, `{"id":2}`}, last)
}

func deliversCloudEvents(t *testing.T, in *installation) {
	a, r := in.newTenant(t), newReceiver(t, nil)
	made := a.api(t, http.MethodPost, "/v1/webhooks", object{
		"itemTypes": []string{"*"}, "url": r.URL + "/structured", "format": "cloudevents", "signature": "ed25519",
	}, http.StatusCreated)
	_, secret := a.webhook(t, object{
		"itemTypes": []string{"*"}, "url": r.URL + "/binary", "format": "cloudevents", "cloudevents": "binary", "payload": "full",
	})
	in.awaitLive(t)
	a.ingest(t, "update", "ContactPerson", object{"id": 7, "version": 3, "data": object{"name": "Mario"}})
	for _, request := range r.await(t, 2) {
		if request.path == "/structured" {
			requireSigned(t, request, made["publicKey"].(string))
			event := request.json(t)
			require.Equal(t, request.header.Get("webhook-id"), event["id"])
			require.Equal(t, "contact_person.update", event["type"])
			require.Equal(t, "/accounts/"+a.account, event["source"])
			require.EqualValues(t, 3, event["data"].(object)["items"].([]any)[0].(object)["version"])
			continue
		}
		requireSigned(t, request, secret)
		require.Equal(t, request.header.Get("webhook-id"), request.header.Get("ce-id"))
		require.Equal(t, "1.0", request.header.Get("ce-specversion"))
		require.Equal(t, "/accounts/"+a.account, request.header.Get("ce-source"))
		require.Equal(t, object{"name": "Mario"}, request.json(t)["items"].([]any)[0].(object)["data"])
	}
}

func rotatesSecrets(t *testing.T, in *installation) {
	a, r := in.newTenant(t), newReceiver(t, nil)
	id, old := a.webhook(t, object{"itemTypes": []string{"*"}, "url": r.URL})
	fresh := a.api(t, http.MethodPost, "/v1/webhooks/"+id+"/rotate-secret", object{}, http.StatusOK)["secret"].(string)
	in.awaitLive(t)
	a.ingest(t, "create", "Contact", object{"id": 1})
	request := r.await(t, 1)[0]
	requireSigned(t, request, old)
	requireSigned(t, request, fresh)

	newest := a.api(t, http.MethodPost, "/v1/webhooks/"+id+"/rotate-secret", object{"overlap": "0s"}, http.StatusOK)["secret"].(string)
	in.awaitLive(t)
	a.ingest(t, "create", "Contact", object{"id": 2})
	request = r.await(t, 2)[1]
	requireSigned(t, request, newest)
	require.ErrorIs(t, signature.Verify(request.header, request.body, fresh, request.at, signature.DefaultTolerance), signature.ErrMismatch)
}
