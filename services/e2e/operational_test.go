package e2e_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// A webhook whose receiver fails is disabled, works again, and goes beyond the quota:
// the account's operational webhook is told of each, signed and in the log, and of
// nothing that an operational webhook does itself.
func tellsOperationalWebhooks(t *testing.T, in *installation) {
	a := in.newTenant(t)
	admin := func(change object) {
		in.call(t, "api", http.MethodPatch, "/v1/accounts/"+a.account, in.adminKey, "", change, http.StatusOK)
	}
	admin(object{"streak": object{"notify": []int{1}, "disable": 2}})
	var back atomic.Bool
	failing := newReceiver(t, func(int, *http.Request) int {
		if back.Load() {
			return http.StatusNoContent
		}
		return http.StatusInternalServerError
	})
	broken := newReceiver(t, func(int, *http.Request) int { return http.StatusInternalServerError })
	told := newReceiver(t, nil)
	id, _ := a.webhook(t, object{"itemTypes": []string{"*"}, "url": failing.URL, "retrySchedule": []string{"1h"}})
	ops, secret := a.webhook(t, object{"notices": []string{"*"}, "url": told.URL})
	deaf, _ := a.webhook(t, object{"notices": []string{"*"}, "url": broken.URL, "format": "cloudevents", "retrySchedule": []string{}})
	in.awaitLive(t)
	notifications := func(webhook string) (kinds []string) {
		for _, n := range a.api(t, http.MethodGet, "/v1/notifications?webhook="+webhook, nil, http.StatusOK)["items"].([]any) {
			kinds = append(kinds, n.(object)["kind"].(string))
		}
		return kinds
	}
	u := in.upstream(t)
	publish := func(count int) {
		for range count {
			_, value := contact(a.account, nil)
			u.produce(t, record(a.account, value))
		}
	}

	publish(2)
	kinds := map[any]bool{}
	for _, request := range told.await(t, 2) {
		requireSigned(t, request, secret)
		body := request.json(t)
		kinds[body["type"]] = true
		data := body["data"].(object)
		require.Equal(t, a.account, data["account"])
		require.Equal(t, id, data["webhook"])
		require.Contains(t, data["detail"], "500")
		require.Regexp(t, "^ntf_", data["id"])
	}
	require.Equal(t, map[any]bool{"webhook.failing": true, "webhook.disabled": true}, kinds)
	require.Equal(t, "disabled", a.api(t, http.MethodGet, "/v1/webhooks/"+id, nil, http.StatusOK)["status"])
	eventually(t, func() error { // of the other operational webhook members are told, and nobody else
		return is(strings.Join(notifications(deaf), ", "), "webhook.disabled, webhook.failing")
	})
	require.Equal(t, "webhook.failing", broken.await(t, 2)[0].json(t)["type"])

	back.Store(true)
	a.api(t, http.MethodPatch, "/v1/webhooks/"+id, object{"url": failing.URL}, http.StatusOK)
	in.awaitLive(t)
	publish(1)
	require.Equal(t, "webhook.recovered", told.await(t, 3)[2].json(t)["type"])

	admin(object{"quota": object{"calls": 1, "period": "24h"}})
	in.awaitLive(t)
	publish(4)
	exceeded := told.await(t, 4)[3].json(t)
	require.Equal(t, "quota.exceeded", exceeded["type"])
	for _, request := range told.all() {
		require.NotEqual(t, deaf, request.json(t)["data"].(object)["webhook"], "a notice about one leads to no other")
	}
	var log []object
	eventually(t, func() error { // each once, whatever the quota
		log = a.deliveries(t, "status=delivered&webhook="+ops)
		return is(len(log), 4)
	})
	for _, d := range log {
		require.Equal(t, "notice", d["eventType"])
	}
	for _, used := range a.api(t, http.MethodGet, "/v1/usage", nil, http.StatusOK)["items"].([]any) {
		require.Equal(t, id, used.(object)["webhook"])
	}
	payload := a.api(t, http.MethodGet, "/v1/deliveries/"+log[0]["id"].(string), nil, http.StatusOK)["payload"].(object)
	require.Equal(t, exceeded["data"], payload["items"].([]any)[0].(object)["data"])

	a.api(t, http.MethodPost, "/v1/webhooks/"+ops+"/test", nil, http.StatusAccepted)
	for _, request := range told.await(t, 9)[4:] {
		requireSigned(t, request, secret)
		require.Equal(t, "true", request.header.Get("Staffetta-Test"))
	}
}
