package e2e_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
)

// mendsAndRedrives follows bad input from its topic through quarantine to its webhook,
// and a store from its first event to its name.
func mendsAndRedrives(t *testing.T, in *installation) {
	a, r := in.newTenant(t), newReceiver(t, nil)
	a.webhook(t, object{"itemTypes": []string{"*"}, "url": r.URL})
	in.awaitLive(t)
	id, good := contact(a.account, func(e object) { e["store"] = "7" })
	_, bad := contact(a.account, func(e object) { e["id"], e["eventType"] = id, "created" })
	later, early := contact("later-"+a.account, nil)
	in.upstream(t).produce(t,
		record(a.account, bad),
		&kgo.Record{Topic: "events.contacts", Key: []byte("later-" + a.account + "/Contact"), Value: early})

	mine := a.quarantined(t, a.key, "", 1)[0]
	require.Equal(t, "invalid_field", mine["reason"])
	require.Equal(t, "events.contacts", mine["topic"])
	path := "/v1/quarantine/" + mine["id"].(string)
	shown := a.api(t, http.MethodGet, path, nil, http.StatusOK)["record"].(object)
	require.JSONEq(t, string(bad), shown["value"].(string))

	// As it came it comes back; mended it is delivered.
	a.api(t, http.MethodPost, path+"/redrive", nil, http.StatusAccepted)
	a.quarantined(t, a.key, "", 2)
	require.Equal(t, "redriven", a.api(t, http.MethodPost, path+"/redrive", object{"value": string(good)}, http.StatusAccepted)["state"])
	require.Equal(t, id, r.await(t, 1)[0].json(t)["data"].(object)["id"])
	a.awaitStatus(t, "delivered", 1)

	// What came before its account did is there for it once it has come.
	in.call(t, "api", http.MethodPost, "/v1/accounts", in.adminKey, "", object{"id": "later-" + a.account}, http.StatusCreated)
	t.Cleanup(func() {
		_, _, _ = in.try("api", http.MethodDelete, "/v1/accounts/later-"+a.account, in.adminKey, "", nil)
	})
	early1 := a.quarantined(t, in.adminKey, "later-"+a.account, 1)[0]
	require.Equal(t, "unknown_account", early1["reason"])
	in.call(t, "api", http.MethodPost, "/v1/webhooks", in.adminKey, "later-"+a.account,
		object{"itemTypes": []string{"*"}, "url": r.URL}, http.StatusCreated)
	in.awaitLive(t)
	in.call(t, "api", http.MethodPost, "/v1/quarantine/"+early1["id"].(string)+"/redrive", in.adminKey, "later-"+a.account, nil, http.StatusAccepted)
	r.awaitEvents(t, later)

	// The store of the event, by the token of a portal link.
	link := a.api(t, http.MethodPost, "/v1/portal-links", object{"role": "viewer"}, http.StatusCreated)
	token := link["url"].(string)[len("/portal/?token="):]
	eventually(t, func() error {
		stores := in.call(t, "api", http.MethodGet, "/v1/stores", token, "", nil, http.StatusOK)["items"].([]any)
		if len(stores) != 1 || stores[0].(object)["id"] != "7" {
			return fmt.Errorf("stores are %v", stores)
		}
		return nil
	})
	in.call(t, "api", http.MethodPut, "/v1/stores/7", token, "", object{"name": "Bari"}, http.StatusForbidden)
	a.api(t, http.MethodPut, "/v1/stores/7", object{"name": "Bari"}, http.StatusOK)
	a.api(t, http.MethodDelete, path, nil, http.StatusNoContent)
	a.api(t, http.MethodPost, path+"/redrive", nil, http.StatusConflict)
}

// quarantined waits until so many records of an account are in quarantine.
func (a *tenant) quarantined(t *testing.T, key, account string, count int) []object {
	t.Helper()
	var items []object
	eventually(t, func() error {
		list := a.in.call(t, "api", http.MethodGet, "/v1/quarantine", key, account, nil, http.StatusOK)
		items = nil
		for _, item := range list["items"].([]any) {
			items = append(items, item.(object))
		}
		if len(items) != count {
			return fmt.Errorf("%d records are in quarantine, want %d: %v", len(items), count, items)
		}
		return nil
	})
	return items
}

// redrivesWhenKilled mends a thousand records in one call, and kills the recorder in the
// middle.
func redrivesWhenKilled(t *testing.T, in *installation) {
	const all = 1000
	a, r := in.newTenant(t), newReceiver(t, nil)
	a.webhook(t, object{"itemTypes": []string{"*"}, "url": r.URL})
	in.awaitLive(t)
	ids := make([]string, all)
	records := make([]*kgo.Record, all)
	for n := range all {
		var bad []byte
		ids[n], bad = contact(a.account, func(e object) { e["eventType"] = "created" })
		records[n] = record(a.account, bad)
	}
	in.upstream(t).produce(t, records...)
	eventually(t, func() error {
		listed := 0
		for query := "?limit=500&state=open&reason=invalid_field"; ; {
			page := a.api(t, http.MethodGet, "/v1/quarantine"+query, nil, http.StatusOK)
			listed += len(page["items"].([]any))
			next, more := page["next"].(string)
			if !more {
				break
			}
			query = "?limit=500&state=open&reason=invalid_field&cursor=" + next
		}
		if listed != all {
			return fmt.Errorf("%d of %d are in quarantine", listed, all)
		}
		return nil
	})
	redrive := a.api(t, http.MethodPost, "/v1/quarantine-redrives",
		object{"reason": "invalid_field", "patch": object{"eventType": "create"}, "rate": 200}, http.StatusAccepted)
	require.EqualValues(t, all, redrive["progress"].(object)["total"])
	r.await(t, all/6)
	in.kill(t, "recorder")
	in.start(t, "recorder")
	in.awaitReady(t, "recorder")
	r.awaitEvents(t, ids...)
	eventually(t, func() error {
		redrive = a.api(t, http.MethodGet, "/v1/quarantine-redrives/"+redrive["id"].(string), nil, http.StatusOK)
		if redrive["state"] != "done" {
			return fmt.Errorf("the redrive is %v", redrive)
		}
		return nil
	})
	require.EqualValues(t, all, redrive["progress"].(object)["sent"])
	require.Empty(t, a.api(t, http.MethodGet, "/v1/quarantine?state=open", nil, http.StatusOK)["items"])
	require.EqualValues(t, all, a.api(t, http.MethodDelete, "/v1/quarantine?reason=invalid_field&state=redriven", nil, http.StatusOK)["discarded"])
	require.Empty(t, a.api(t, http.MethodGet, "/v1/quarantine", nil, http.StatusOK)["items"])
}
