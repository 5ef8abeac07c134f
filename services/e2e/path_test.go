package e2e_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/staffetta/staffetta/pkg/signature"
)

// requireSigned verifies a request as its receiver does.
func requireSigned(t *testing.T, r received, secret string) {
	t.Helper()
	require.NoError(t, signature.Verify(r.header, r.body, secret, r.at, signature.DefaultTolerance))
}

func deliversDomainChanges(t *testing.T, in *installation) {
	for _, c := range []struct {
		service, collection, itemType, snake string
		item                                 object
	}{
		{"contacts", "contacts", "Contact", "contact", object{"name": "Mario Rossi"}},
		{"receipts", "receipts", "Receipt", "receipt", object{"total": 12.5}},
		{"invoices", "invoices", "Invoice", "invoice", object{"total": 1220, "date": "2026-11-23"}},
		{"stock", "equipment", "Equipment", "equipment", object{"name": "Microphone"}},
	} {
		t.Run(c.service, func(t *testing.T) {
			t.Parallel()
			a, r := in.newTenant(t), newReceiver(t, nil)
			_, secret := a.webhook(t, object{"itemTypes": []string{c.itemType}, "url": r.URL, "payload": "full"})
			in.awaitLive(t)

			path := "/" + c.collection
			created := in.call(t, c.service, http.MethodPost, path, a.key, "", c.item, http.StatusCreated)
			id := strconv.Itoa(int(created["id"].(float64)))
			in.call(t, c.service, http.MethodPatch, path+"/"+id, a.key, "", object{"note": "changed"}, http.StatusOK)
			in.call(t, c.service, http.MethodDelete, path+"/"+id, a.key, "", nil, http.StatusNoContent)

			types := map[string]object{}
			for _, request := range r.await(t, 3)[:3] {
				requireSigned(t, request, secret)
				body := request.json(t)
				types[body["type"].(string)] = body
			}
			for _, event := range []string{"create", "update", "delete"} {
				body, ok := types[c.snake+"."+event]
				require.True(t, ok, "%s of %v", event, types)
				item := body["data"].(object)["items"].([]any)[0].(object)
				require.Equal(t, created["id"], item["id"])
				require.Equal(t, path+"/"+id, item["ref"])
			}
			// The ref in the payload answers with the item that was created.
			in.call(t, c.service, http.MethodGet, path+"/"+id, a.key, "", nil, http.StatusGone)

			for _, d := range a.awaitStatus(t, "delivered", 3) {
				detail := a.api(t, http.MethodGet, "/v1/deliveries/"+d["id"].(string), nil, http.StatusOK)
				require.Len(t, detail["attempts"], 1)
				require.NotEmpty(t, detail["traceId"])
				require.NotNil(t, detail["payload"])
			}
		})
	}
}

func deliversRentman(t *testing.T, in *installation) {
	a, r := in.newTenant(t), newReceiver(t, nil)
	_, token := a.webhook(t, object{"itemTypes": []string{"*"}, "url": r.URL + "/en", "format": "rentman"})
	a.webhook(t, object{"itemTypes": []string{"*"}, "url": r.URL + "/it", "format": "rentman", "language": "it", "secret": "some_secret_key"})
	in.awaitLive(t)
	_, value := contact(a.account, nil)
	in.upstream(t).produce(t, record(a.account, value))

	name := "Account " + a.account
	for _, request := range r.await(t, 2) {
		if request.path == "/it" {
			require.NoError(t, signature.VerifyDigest(request.header, request.body, "some_secret_key"))
			require.JSONEq(t, `{"account": "`+name+`", "utente": {"tipoElemento": "Equipaggio", "id": 33, "ref": "/crew/33"},
				"tipoEvento": "crea", "tipoElemento": "Contatto",
				"elementi": [{"id": 12014, "ref": "/contacts/12014", "genitore": null}],
				"dataEvento": "2023-02-02T12:07:01+01:00"}`, string(request.body))
			continue
		}
		require.NoError(t, signature.VerifyDigest(request.header, request.body, token))
		require.JSONEq(t, `{"account": "`+name+`", "user": {"itemType": "Crew", "id": 33, "ref": "/crew/33"},
			"eventType": "create", "itemType": "Contact",
			"items": [{"id": 12014, "ref": "/contacts/12014", "parent": null}],
			"eventDate": "2023-02-02T12:07:01+01:00"}`, string(request.body))
	}
}

func deliversEveryForm(t *testing.T, in *installation) {
	a, r := in.newTenant(t), newReceiver(t, nil)
	_, secret := a.webhook(t, object{"itemTypes": []string{"Contact"}, "url": r.URL, "payload": "full"})
	in.awaitLive(t)
	_, plain := contact(a.account, nil)
	_, inner := contact(a.account, func(e object) { delete(e, "id") })
	structured, err := json.Marshal(object{
		"specversion": "1.0", "id": "ce-1", "source": "/pos", "type": "it.example.contact", "data": json.RawMessage(inner),
	})
	require.NoError(t, err)
	in.upstream(t).produce(t,
		record(a.account, plain),
		record(a.account, protobuf(t, a.account), header("content-type", "application/protobuf")),
		record(a.account, structured, header("content-type", "application/cloudevents+json")),
		record(a.account, inner, header("ce_specversion", "1.0"), header("ce_id", "ce-2"), header("ce_source", "/pos"),
			header("ce_type", "x"), header("content-type", "application/json")),
	)
	ids := map[string]bool{}
	for _, request := range r.await(t, 4) {
		requireSigned(t, request, secret)
		data := request.json(t)["data"].(object)
		ids[data["id"].(string)] = true
		item := data["items"].([]any)[0].(object)
		require.Equal(t, "Mario Rossi", item["data"].(object)["name"])
		require.EqualValues(t, 3, item["version"])
	}
	require.Len(t, ids, 4)
	require.True(t, ids["ce-1"] && ids["ce-2"], "a CloudEvent's id fills in: %v", ids)
}

func deliversIngested(t *testing.T, in *installation) {
	a, r := in.newTenant(t), newReceiver(t, nil)
	a.webhook(t, object{"itemTypes": []string{"Contact"}, "url": r.URL})
	in.awaitLive(t)
	answer := a.api(t, http.MethodPost, "/v1/events", object{
		"eventType": "update", "itemType": "Contact", "items": []object{{"id": "7"}},
	}, http.StatusAccepted)
	id := answer["items"].([]any)[0].(object)["id"]
	require.Equal(t, id, r.await(t, 1)[0].json(t)["data"].(object)["id"])
}

func deliversAddedTopic(t *testing.T, in *installation) {
	a, r := in.newTenant(t), newReceiver(t, nil)
	a.webhook(t, object{"itemTypes": []string{"*"}, "url": r.URL})
	in.awaitLive(t)
	_, value := contact(a.account, func(e object) { e["itemType"] = "LoyaltyCard" })
	in.upstream(t).produce(t, &kgo.Record{Topic: "upstream.own", Key: []byte(a.account + "/LoyaltyCard"), Value: value})
	require.Equal(t, "loyalty_card.create", r.await(t, 1)[0].json(t)["type"])
}

func quarantinesBadInput(t *testing.T, in *installation) {
	a, r := in.newTenant(t), newReceiver(t, nil)
	a.webhook(t, object{"itemTypes": []string{"*"}, "url": r.URL})
	in.awaitLive(t)
	_, nobody := contact("nobody-"+a.account, nil)
	_, bad := contact(a.account, func(e object) { e["eventType"] = "created" })
	_, incomplete := contact(a.account, func(e object) { delete(e, "itemType") })
	huge := []byte(`{"account": "` + a.account + `", "pad": "` + strings.Repeat("x", 1<<20) + `"}`)
	for _, c := range []struct {
		reason, detail string
		value          []byte
	}{
		{"not_json", "", []byte("this is no JSON")},
		{"unknown_account", "nobody-" + a.account, nobody},
		{"invalid_field", "created", bad},
		{"invalid_field", "itemType", incomplete},
		{"too_large", "", huge},
		{"tombstone", "", nil},
	} {
		// One key, so one partition: the good one comes behind the bad one.
		key := a.account + "/" + c.reason + "/" + c.detail
		id, good := contact(a.account, nil)
		in.upstream(t).produce(t,
			&kgo.Record{Topic: "events.contacts", Key: []byte(key), Value: c.value},
			&kgo.Record{Topic: "events.contacts", Key: []byte(key), Value: good})
		q := in.awaitQuarantined(t, key, c.detail)
		require.Equal(t, c.reason, headerOf(q, "staffetta-reason"))
		require.Equal(t, "events.contacts", headerOf(q, "staffetta-topic"))
		require.Equal(t, c.value, q.Value)
		r.awaitEvents(t, id)
	}
	require.Len(t, r.events(t), 6, "one good event behind each bad one, and none of those")
}

func headerOf(r *kgo.Record, key string) string {
	for _, h := range r.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

// awaitQuarantined waits for a record of that key whose detail contains a text.
func (in *installation) awaitQuarantined(t *testing.T, key, detail string) *kgo.Record {
	t.Helper()
	u := in.upstream(t, kgo.ConsumeTopics("quarantine"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	for ctx.Err() == nil {
		fetches := u.client.PollFetches(ctx)
		for iter := fetches.RecordIter(); !iter.Done(); {
			r := iter.Next()
			if string(r.Key) == key && strings.Contains(headerOf(r, "staffetta-detail"), detail) {
				return r
			}
		}
	}
	t.Fatalf("nothing in quarantine with key %q and a detail like %q", key, detail)
	return nil
}

func skipsAborted(t *testing.T, in *installation) {
	a, r := in.newTenant(t), newReceiver(t, nil)
	a.webhook(t, object{"itemTypes": []string{"*"}, "url": r.URL})
	in.awaitLive(t)
	u := in.upstream(t, kgo.TransactionalID("tx-"+a.account))
	transact := func(outcome kgo.TransactionEndTry) (ids []string) {
		require.NoError(t, u.client.BeginTransaction())
		for range 3 {
			id, value := contact(a.account, nil)
			u.produce(t, record(a.account, value))
			ids = append(ids, id)
		}
		require.NoError(t, u.client.EndTransaction(t.Context(), outcome))
		return ids
	}
	before := in.counted(t, "router", "staffetta_router_skipped_records_total")
	transact(kgo.TryAbort)
	want := transact(kgo.TryCommit)
	transact(kgo.TryAbort)
	id, value := contact(a.account, nil)
	in.upstream(t).produce(t, record(a.account, value))
	want = append(want, id)

	var got []string
	for _, request := range r.await(t, 4) {
		got = append(got, request.json(t)["data"].(object)["id"].(string))
	}
	require.ElementsMatch(t, want, got)
	a.awaitStatus(t, "delivered", 4)
	require.Len(t, r.all(), 4, "nothing of the aborted transactions")
	after := in.counted(t, "router", "staffetta_router_skipped_records_total")
	require.GreaterOrEqual(t, after-before, 9.0, "6 records and 3 markers are counted")
}

func matchesStoresAndTypes(t *testing.T, in *installation) {
	a, r := in.newTenant(t), newReceiver(t, nil)
	a.webhook(t, object{"itemTypes": []string{"Contact"}, "eventTypes": []string{"update"}, "stores": []string{"7"}, "url": r.URL})
	in.awaitLive(t)
	event := func(store any, itemType, eventType string) []byte {
		_, value := contact(a.account, func(e object) { e["store"], e["itemType"], e["eventType"] = store, itemType, eventType })
		return value
	}
	in.upstream(t).produce(t,
		record(a.account, event("8", "Contact", "update")),
		record(a.account, event("7", "Contact", "create")),
		record(a.account, event("7", "Invoice", "update")),
		record(a.account, event("7", "Contact", "update")),
		record(a.account, event(nil, "Contact", "update")),
	)
	stores := []any{}
	for _, request := range r.await(t, 2) {
		stores = append(stores, request.json(t)["data"].(object)["store"])
	}
	require.ElementsMatch(t, []any{"7", nil}, stores)
	require.Len(t, a.awaitStatus(t, "delivered", 2), 2)
}
