package e2e_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/signature"
)

// A webhook of each format is tried out, whatever state it is in: its receiver gets
// what it would get of a real event, once, marked as a test.
func triesOut(t *testing.T, in *installation) {
	a := in.newTenant(t)
	away := newReceiver(t, func(int, *http.Request) int { return http.StatusServiceUnavailable })
	r := newReceiver(t, nil)
	types := []string{"Contact", "Receipt"}
	made := map[string]string{}
	first, standard := a.try(t, r, "standard", object{"itemTypes": types, "payload": "full"}, "")
	second, clouds := a.try(t, r, "cloudevents", object{"itemTypes": types}, "")
	third, token := a.try(t, r, "cassa-in-cloud", object{"itemTypes": types, "stores": []string{"7"}}, "")
	rentman, key := a.try(t, r, "rentman", object{"itemTypes": types, "language": "it"}, "/pause")
	made["/standard"], made["/cloudevents"], made["/cassa-in-cloud"], made["/rentman"] = first, second, third, rentman
	ids := map[string]bool{}
	for _, request := range r.await(t, 8) {
		require.Equal(t, "true", request.header.Get("Staffetta-Test"))
		body := request.json(t)
		a.requirePreviewed(t, made[request.path], request)
		switch request.path {
		case "/standard":
			requireSigned(t, request, standard)
			ids[request.header.Get("webhook-id")] = true
			require.Contains(t, []any{"contact.create", "receipt.create"}, body["type"])
			item := body["data"].(object)["items"].([]any)[0].(object)
			require.Equal(t, "TEST-1", item["id"])
			require.Equal(t, "TEST-1", item["data"].(object)["id"])
		case "/cloudevents":
			requireSigned(t, request, clouds)
			require.Equal(t, "TEST-1", body["data"].(object)["items"].([]any)[0].(object)["id"])
		case "/cassa-in-cloud":
			require.NoError(t, signature.VerifySHA1(request.header, request.body, token))
			require.Contains(t, []string{"CONTACT/CREATE", "RECEIPT/CREATE"}, request.header.Get("x-cn-operation"))
			require.Equal(t, "TEST-1", body["id"])
			require.Equal(t, "7", body["store"])
		case "/rentman":
			require.NoError(t, signature.VerifyDigest(request.header, request.body, key))
			require.Equal(t, "crea", body["tipoEvento"])
			require.Contains(t, []any{"Contatto", "Scontrino"}, body["tipoElemento"])
			require.Equal(t, "Equipaggio", body["utente"].(object)["tipoElemento"])
			require.Equal(t, "TEST-1", body["elementi"].([]any)[0].(object)["id"])
		}
	}
	for _, d := range a.awaitStatus(t, "delivered", 8) {
		require.Equal(t, true, d["test"])
		delete(ids, d["id"].(string))
	}
	require.Empty(t, ids, "each is in the log under the id that its receiver has")
	require.Equal(t, "paused", a.api(t, http.MethodGet, "/v1/webhooks/"+rentman, nil, http.StatusOK)["status"])

	failing, _ := a.try(t, away, "standard", object{"itemTypes": []string{"*"}}, "")
	for _, d := range a.awaitStatus(t, "exhausted", 10) {
		require.Equal(t, "throttled", d["reason"])
		require.EqualValues(t, 1, d["attemptCount"])
	}
	require.Equal(t, "closed", a.api(t, http.MethodGet, "/v1/webhooks/"+failing, nil, http.StatusOK)["circuit"])
	require.Len(t, away.all(), 10, "none is retried")
	require.Empty(t, a.api(t, http.MethodGet, "/v1/usage", nil, http.StatusOK)["items"])

	// Asked for again it is a test still; a replay leaves it out.
	again := a.deliveries(t, "status=exhausted")[0]["id"].(string)
	a.api(t, http.MethodPost, "/v1/deliveries/"+again+"/retry", nil, http.StatusAccepted)
	require.Equal(t, "true", away.await(t, 11)[10].header.Get("Staffetta-Test"))
	a.awaitStatus(t, "exhausted", 10)
	replay := a.awaitReplay(t, a.api(t, http.MethodPost, "/v1/webhooks/"+failing+"/recover", object{"from": early()}, http.StatusAccepted)["id"])
	require.EqualValues(t, 0, replay["progress"].(object)["replayed"])
	require.Len(t, away.all(), 11)
}

// try makes a webhook of a format, has something done to it, and tries it out before
// anything can have heard of that but the API.
func (a *tenant) try(t *testing.T, r *receiver, format string, settings object, do string) (id, secret string) {
	t.Helper()
	settings["format"], settings["url"] = format, r.URL+"/"+format
	id, secret = a.webhook(t, settings)
	if do != "" {
		a.api(t, http.MethodPost, "/v1/webhooks/"+id+do, nil, http.StatusOK)
	}
	a.api(t, http.MethodPost, "/v1/webhooks/"+id+"/test", nil, http.StatusAccepted)
	return id, secret
}

// history is what a webhook's history says, newest first: who did what.
func (a *tenant) history(t *testing.T, webhook string) (lines []string) {
	t.Helper()
	text, err := json.Marshal(a.api(t, http.MethodGet, "/v1/webhooks/"+webhook+"/history", nil, http.StatusOK))
	require.NoError(t, err)
	var list struct {
		Items []struct {
			Operation string
			Actor     struct{ Type string }
		}
	}
	require.NoError(t, json.Unmarshal(text, &list))
	for _, e := range list.Items {
		lines = append(lines, e.Actor.Type+" "+e.Operation)
	}
	return lines
}

// requirePreviewed checks that a preview shows the lines of a request's header that was
// sent, in what does not change by the event.
func (a *tenant) requirePreviewed(t *testing.T, webhook string, request received) {
	t.Helper()
	preview := a.api(t, http.MethodPost, "/v1/webhook-previews", object{"webhook": webhook}, http.StatusOK)
	sent := request.header.Clone()
	sent.Del("Staffetta-Test")
	shown := map[string]string{}
	for _, line := range preview["headers"].([]any) {
		shown[line.(object)["name"].(string)] = line.(object)["value"].(string)
	}
	require.Contains(t, preview["url"], shown["Host"])
	delete(shown, "Host") // Go's server has it elsewhere
	require.ElementsMatch(t, slices.Collect(maps.Keys(sent)), slices.Collect(maps.Keys(shown)))
	require.Equal(t, sent.Get("User-Agent"), shown["User-Agent"])
	require.Equal(t, sent.Get("Content-Type"), shown["Content-Type"])
}
