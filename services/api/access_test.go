package api_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// The checks come in the order 401, 403, 404, then the body.
func TestOrderOfTheChecks(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.webhook()
	const bad = `{"itemTypes": 7}`
	b.as("").patch("/v1/webhooks/none", bad).requires(401)
	b.as(b.newKey("acme", "read")).patch("/v1/webhooks/none", bad).requires(403)
	b.acme().patch("/v1/webhooks/none", bad).requires(404)
	b.acme().patch("/v1/webhooks/"+id, bad).requires(422)
	b.as(adminKey).patch("/v1/accounts/none", bad).requires(404)
	b.as(adminKey).patch("/v1/accounts/acme", bad).requires(422)
	b.acme().get("/v1/deliveries/none").requires(404)
}

// The admin key without an account sees the whole of quarantine, as CONTRACT.md says.
func TestWhoSeesQuarantine(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	own, nobodys := b.quarantined("acme", "not_json"), b.quarantined("", "not_json")
	b.as(adminKey).post("/v1/accounts", `{"id": "other"}`).requires(201)
	other := b.as(b.newKey("other", "read", "write", "publish"))
	require.Equal(t, []string{nobodys, own}, b.as(adminKey).get("/v1/quarantine").ids())
	require.Equal(t, []string{own}, b.as(adminKey).with("Staffetta-Account", "acme").get("/v1/quarantine").ids())
	require.Equal(t, []string{own}, b.acme().get("/v1/quarantine").ids())
	require.Empty(t, other.get("/v1/quarantine").ids())
	b.as(adminKey).get("/v1/quarantine/" + nobodys).requires(200)
	for _, op := range []struct{ method, path, scope string }{
		{http.MethodGet, "", "read"}, {http.MethodPost, "/redrive", "write"}, {http.MethodDelete, "", "write"},
	} {
		for _, id := range []string{own, nobodys, "qrn_0"} {
			path := "/v1/quarantine/" + id + op.path
			other.send(op.method, path, "").requires(404)
			b.as("").send(op.method, path, "{").requires(401)
			for scope, status := range map[string]int{"read": 403, "write": 403, "publish": 403, "settings": 403} {
				if scope != op.scope {
					b.as(b.newKey("acme", scope)).send(op.method, path, "").requires(status)
				}
			}
		}
		b.as(adminKey).with("Staffetta-Account", "acme").send(op.method, "/v1/quarantine/"+nobodys+op.path, "").requires(404)
		b.as(adminKey).with("Staffetta-Account", "nobody").send(op.method, "/v1/quarantine/"+own+op.path, "").requires(404)
	}
	require.Empty(t, b.kafka.redriven)
	b.acme().get("/v1/quarantine/" + own).requires(200)
}

func TestAnotherAccountsWebhookIsNotThere(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.webhook()
	b.as(adminKey).post("/v1/accounts", `{"id": "other"}`).requires(201)
	other := b.as(b.newKey("other", "read", "write"))
	require.Empty(t, other.get("/v1/webhooks").ids())
	other.get("/v1/webhooks/" + id).requires(404)
	other.patch("/v1/webhooks/"+id, `{"description": "mine"}`).requires(404)
	other.post("/v1/webhooks/"+id+"/pause", "").requires(404)
	other.delete("/v1/webhooks/" + id).requires(404)
	other.post("/v1/webhooks/"+id+"/test", "").requires(404)
	other.get("/v1/webhooks/" + id + "/history").requires(404)
	require.Equal(t, "active", b.acme().get("/v1/webhooks/"+id).text("status"))
}

func TestUnknownPathsAndMethodsAreProblemsToo(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.as("").get("/v1/nothing").requires(401)
	b.as("").get("/v1").requires(401)
	b.acme().get("/v1").requires(404).faults()
	b.acme().get("/v1/nothing").requires(404).faults()
	b.acme().get("/v1/webhooks/%00").requires(404).faults()
	b.acme().delete("/v1/api-keys/%ff").requires(404).faults()
	b.as("").get("/nothing").requires(404).faults()
	b.as("").send(http.MethodPut, "/v1/webhooks", "").requires(401)
	refused := b.acme().send(http.MethodPut, "/v1/webhooks", "").requires(405)
	refused.faults()
	require.Equal(t, "GET, HEAD, POST", refused.header.Get("Allow"))
}

func TestParametersAreChecked(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const encoded = "must be name=value, parted by &, with % and ; in them escaped as %25 and %3B"
	for path, want := range map[string]string{
		"/v1/deliveries?itemId=%00":           "itemId: must be UTF-8 without control characters",
		"/v1/deliveries?store=%ff":            "store: must be UTF-8 without control characters",
		"/v1/webhooks?limit=0":                "limit: must be a number >= 1 (0)",
		"/v1/webhooks?limit=1&limit=2":        "limit: must be there once (1 & 2)",
		"/v1/webhooks?limit=501":              "limit: must be a number <= 500 (501)",
		"/v1/webhooks?limit=many":             "limit: must be an integer (many)",
		"/v1/webhooks?cursor=nonsense":        "cursor: must be one that the page before returned (nonsense)",
		"/v1/webhooks?status=gone":            `status: must be one of active, paused, resuming, disabled, revoked (gone)`,
		"/v1/webhooks?colour=red":             "colour: is not a known parameter",
		"/v1/deliveries?status=lost":          "status: must be pending, retrying, delivered, exhausted, held, superseded, dropped, cancelled or failed (lost)",
		"/v1/deliveries?from=yesterday":       "from: must be a time as in RFC 3339, such as 2023-02-02T12:07:01Z (yesterday)",
		"/v1/deliveries?limit=10&cursor=Zm9v": "cursor: must be one that the page before returned (Zm9v)",
		"/v1/api-keys?limit=-1":               "limit: must be a number >= 1 (-1)",
		"/v1/deliveries?webhookId=wh_1":       "webhookId: is not a known parameter",
		"/v1/deliveries?limit=&webhook=":      "limit: must not be empty",
		"/v1/usage?to=":                       "to: must not be empty",
		"/v1/webhooks?status=":                "status: must not be empty",
		"/v1/deliveries?itemId=50%":           "query: " + encoded + " (itemId=50%)",
		"/v1/deliveries?itemId=a;%00":         "query: " + encoded + " (itemId=a;%00)",
		"/v1/deliveries?webhook=a&webhook=b":  "webhook: must be there once (a & b)",
	} {
		require.Equal(t, []string{want}, b.acme().get(path).requires(422).faults(), path)
	}
	both := b.acme().get("/v1/webhooks?limit=0&status=gone").requires(422)
	require.Len(t, both.faults(), 2)
	require.Contains(t, both.text("detail"), `limit must be a number >= 1, not "0"`, "the detail names them too")
}

func TestListsGoOnAtTheCursor(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var made []string
	for range 5 {
		made = append(made, b.webhook())
	}
	slices.Reverse(made)
	var seen []string
	for path := "/v1/webhooks?limit=2"; path != ""; {
		page := b.acme().get(path)
		seen = append(seen, page.ids()...)
		next, _ := page.object()["next"].(string)
		if path = ""; next != "" {
			path = "/v1/webhooks?limit=2&cursor=" + next
		}
	}
	require.Equal(t, made, seen, "newest first, each once")
}
