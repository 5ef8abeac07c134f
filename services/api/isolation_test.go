package api_test

import (
	"cmp"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/hook"
)

// One account neither sees nor changes what another one has.
func TestAnotherAccountsThingsAreNotThere(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.furnish()
	b.as(adminKey).post("/v1/accounts", `{"id": "other"}`).requires(201)
	other := b.as(b.newKey("other", "read", "write", "publish", "settings"))
	own := map[string][]string{}
	for _, template := range []string{"/v1/api-keys", "/v1/audit-log"} {
		own[template] = other.get(template).ids()
	}
	seen := map[string]int{}
	for _, op := range every(t) {
		switch id := b.oneOf(t, op); {
		case op.scope() == "admin", op.template == "/v1/item-types":
		case op.ofOne() && op.method != http.MethodPut: // a PUT makes one's own
			before := b.acme().get("/v1/webhooks").body
			body := "{"
			if op.RequestBody == nil {
				body = "" // else refused, whatever is there
			}
			other.send(op.method, op.path(id), body).requires(404)
			require.Equal(t, string(before), string(b.acme().get("/v1/webhooks").body))
			if id != "none" {
				seen[op.template]++
			}
		case op.method == http.MethodGet && op.template == "/v1/usage/series": // hours in which nothing was done
		case op.method == http.MethodGet:
			require.ElementsMatch(t, own[op.template], other.get(op.template).ids(), op)
		}
	}
	for _, template := range []string{"/v1/webhooks/{id}", "/v1/api-keys/{id}", "/v1/deliveries/{id}", "/v1/replays/{id}", "/v1/members/{id}", "/v1/quarantine/{id}", "/v1/quarantine-redrives/{id}"} {
		require.NotZero(t, seen[template], "%s was tried with an id that there is", template)
	}
}

// Whoever may not see a thing is answered the same whether or not it is there.
func TestNoAnswerTellsWhetherAnIdExists(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.furnish()
	b.as(adminKey).post("/v1/accounts", `{"id": "other"}`).requires(201)
	b.acme().put("/v1/item-types/Secret/schema", `{}`).requires(204)
	whole := []string{"read", "write", "publish", "settings"}
	others := b.as(b.newKey("other", whole...))
	ofAcme := func(scopes ...string) caller { return b.as(b.newKey("acme", scopes...)) }
	strangers := map[string]struct {
		caller
		// refused is the status of an operation; 0 where the caller may use it.
		refused func(op operation) int
	}{
		"another account's key": {others, func(op operation) int {
			return cmp.Or(lacks(whole...)(op), 404)
		}},
		"another account's read key": {b.as(b.newKey("other", "read")), lacks("read")},
		"the operator for another account": {b.as(adminKey).with("Staffetta-Account", "other"), func(op operation) int {
			if op.scope() == "admin" {
				return 0
			}
			return 404
		}},
		"a read key":                {ofAcme("read"), lacks("read")},
		"a key without settings":    {ofAcme("read", "write", "publish"), lacks("read", "write", "publish")},
		"a key with settings alone": {ofAcme("settings"), lacks("settings")},
		"an expired key":            {b.as(b.expiredKey("acme")), unauthorized},
		"a revoked key":             {b.as(b.revokedKey("acme")), unauthorized},
		"a malformed key":           {b.as("sk_"), unauthorized},
		"no key":                    {b.as(""), unauthorized},
	}
	tried := map[string]int{}
	for _, op := range every(t) {
		if !op.ofOne() {
			continue
		}
		there := b.oneOf(t, op)
		require.NotEqual(t, "none", there, "%s: acme has none", op)
		for name, s := range strangers {
			want := s.refused(op)
			if want == 0 || want == 404 && op.method == http.MethodPut {
				continue // it may; a PUT makes one's own
			}
			body := "{" // whatever is there, this is no body
			if op.RequestBody == nil {
				body = ""
			}
			real := s.send(op.method, op.path(there), body).requires(want)
			made := s.send(op.method, op.path(unlike(there)), body).requires(want)
			require.Equal(t, blurred(made, unlike(there)), blurred(real, there), "%s by %s", op, name)
			tried[name]++
		}
	}
	for name := range strangers {
		require.NotZero(t, tried[name], name)
	}
	// What was refused was not done.
	for _, op := range every(t) {
		if op.ofOne() {
			require.NotEqual(t, "none", b.oneOf(t, op), op)
		}
	}
}

// lacks refuses with 403 those operations for which the scopes do not do.
func lacks(scopes ...string) func(operation) int {
	return func(op operation) int {
		if slices.Contains(scopes, op.scope()) {
			return 0
		}
		return 403
	}
}

func unauthorized(operation) int { return 401 }

// unlike is an id of the same form that nothing has.
func unlike(id string) string {
	prefix, rest, ok := strings.Cut(id, "_")
	if !ok {
		return "Nothing" + id
	}
	return prefix + "_" + strings.Repeat("0", len(rest))
}

// blurred is all of an answer that may tell something, but the id that was asked for.
func blurred(a answer, id string) string {
	header := a.header.Clone()
	header.Del("Content-Length") // of the id too
	return strings.ReplaceAll(fmt.Sprintln(a.code, header, string(a.body)), id, "ID")
}

func (b *bench) revokedKey(account string) string {
	b.t.Helper()
	operator := b.as(adminKey).with("Staffetta-Account", account)
	made := operator.post("/v1/api-keys", `{"name": "gone", "scopes": ["read", "write", "publish", "settings"]}`).requires(201)
	operator.delete("/v1/api-keys/" + made.text("id")).requires(204)
	return made.text("key")
}

func (b *bench) expiredKey(account string) string {
	b.t.Helper()
	text, hash := apiauth.NewKey()
	require.NoError(b.t, b.store.CreateKey(b.t.Context(), hook.Key{
		ID: "key_old", Account: account, Name: "old", Scopes: hook.Scopes, Hash: hash, ExpiresAt: time.Now().Add(-time.Second),
	}))
	return text
}

// Nor does a list, a filter of one, or a body that names a thing of another account.
func TestAnotherAccountsIdsMeanNothingInFiltersAndBodies(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.furnish()
	b.acme().put("/v1/item-types/Secret/schema", `{}`).requires(204)
	b.as(adminKey).post("/v1/accounts", `{"id": "other"}`).requires(201)
	other := b.as(b.newKey("other", "read", "write", "publish", "settings"))
	own := other.post("/v1/webhooks", `{"itemTypes": ["Contact"], "url": "https://example.com/hook"}`).requires(201).text("id")
	ids := map[string]string{
		"webhook": b.acme().get("/v1/webhooks").ids()[0], "eventId": "evt_1", "itemId": "7", "store": "roma",
		"actor": b.acme().get("/v1/api-keys").ids()[0], "target": b.acme().get("/v1/members").ids()[0],
	}
	tried := 0
	for _, op := range every(t) {
		if op.method != http.MethodGet || op.ofOne() || op.scope() == "admin" {
			continue
		}
		for _, p := range op.Parameters {
			id, known := ids[p.Name]
			if p.In != "query" || !known {
				continue
			}
			fixed := ""
			if op.template == "/v1/usage/series" {
				fixed = "&from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z" // its hours are those until now, else
			}
			real := other.get(op.template + "?" + p.Name + "=" + id + fixed).requires(200)
			made := other.get(op.template + "?" + p.Name + "=" + unlike(id) + fixed).requires(200)
			require.Equal(t, blurred(made, unlike(id)), blurred(real, id), "%s by %s", op, p.Name)
			tried++
		}
	}
	require.GreaterOrEqual(t, tried, 8)

	webhook := ids["webhook"]
	b.record(attempt(webhook, 90, hook.FateExhausted))
	for _, all := range []string{"/v1/deliveries?webhook=" + webhook, "/v1/quarantine?reason=not_json"} {
		require.EqualValues(t, 0, other.send(http.MethodDelete, all, "").requires(200).object()["discarded"], all)
		require.NotEqualValues(t, 0, b.acme().send(http.MethodDelete, all, "").requires(200).object()["discarded"], all)
	}
	for _, c := range []struct{ path, body string }{
		{"/v1/replays", `{"webhook": "ID", "from": "2026-01-01T00:00:00Z"}`},
		{"/v1/replays", `{"webhook": "` + own + `", "source": "ID", "from": "2026-01-01T00:00:00Z"}`},
	} {
		real := other.post(c.path, strings.ReplaceAll(c.body, "ID", webhook))
		made := other.post(c.path, strings.ReplaceAll(c.body, "ID", unlike(webhook)))
		require.GreaterOrEqual(t, real.code, 400)
		require.Equal(t, blurred(made, unlike(webhook)), blurred(real, webhook), c.body)
	}
	other.post("/v1/events", `{"account": "acme", "eventType": "create", "itemType": "Contact", "items": [{"id": 1}]}`).requires(422)

	require.NotContains(t, string(other.get("/v1/item-types").requires(200).body), "Secret")
	executed := regexp.MustCompile(`"executed":[1-9]`)
	require.Regexp(t, executed, string(b.acme().get("/v1/usage/series").requires(200).body))
	require.NotRegexp(t, executed, string(other.get("/v1/usage/series").requires(200).body))

	// A PUT makes one's own, and leaves the other's as it is.
	other.put("/v1/stores/roma", `{"name": "Mine"}`).requires(200)
	other.put("/v1/item-types/Secret/schema", `{"type": "array"}`).requires(204)
	require.Contains(t, string(b.acme().get("/v1/stores").body), `"Roma"`)
	require.JSONEq(t, `{}`, string(b.acme().get("/v1/item-types/Secret/schema").requires(200).body))
}
