package api_test

import (
	"encoding/json"
	"net/http"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/api"
)

// entries are those of a list of changes, newest first.
func (a answer) entries() []api.AuditEntry {
	a.t.Helper()
	var l struct{ Items []api.AuditEntry }
	require.NoError(a.t, json.Unmarshal(a.requires(200).body, &l))
	return l.Items
}

func operationsOf(entries []api.AuditEntry) (names []string) {
	for _, e := range entries {
		names = append(names, e.Operation)
	}
	return names
}

func TestTheAuditLogSaysWhoDidWhatFromWhere(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.webhook()
	b.acme().with("User-Agent", "till/1").with("X-Forwarded-For", "203.0.113.9").post("/v1/webhooks/"+id+"/pause", "").requires(200)
	b.acme().post("/v1/webhooks/"+id+"/pause", "").requires(200) // changes nothing
	entries := b.acme().get("/v1/audit-log").entries()
	require.Equal(t, []string{"pause-webhook", "create-webhook", "create-api-key", "create-account"}, operationsOf(entries))
	paused, key, account := entries[0], entries[2], entries[3]
	require.Equal(t, "aud_4", paused.ID)
	require.Equal(t, "key", paused.Actor.Type)
	require.Equal(t, key.Target, *paused.Actor.ID)
	require.Equal(t, "test", *paused.Actor.Name)
	require.Equal(t, "till/1", *paused.UserAgent)
	require.Equal(t, "192.0.2.1", *paused.IP, "the peer: nobody trusts what it says of others")
	require.Equal(t, id, paused.Target)
	require.Equal(t, []api.Change{{Field: "status", From: []byte(`"active"`), To: []byte(`"paused"`)}}, paused.Changes)
	require.Equal(t, "admin", key.Actor.Type)
	require.Nil(t, key.Actor.ID)
	require.Nil(t, account.UserAgent)

	require.Equal(t, []string{"pause-webhook"}, operationsOf(b.acme().get("/v1/audit-log?operation=pause-webhook").entries()))
	require.Equal(t, []string{"create-api-key", "create-account"}, operationsOf(b.acme().get("/v1/audit-log?actor=admin").entries()))
	require.Len(t, b.acme().get("/v1/audit-log?actor="+key.Target+"&target="+id+"&limit=1").entries(), 1)
	require.Empty(t, b.acme().get("/v1/audit-log?to=2020-01-01T00:00:00Z").entries())
	page := b.acme().get("/v1/audit-log?limit=3")
	require.Equal(t, "create-account", b.acme().get("/v1/audit-log?cursor=" + page.text("next")).entries()[0].Operation)
}

// Every operation that changes something is in the log, by its own name.
func TestWhateverIsChangedIsInTheAuditLog(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.run()
	a := b.acme()
	id := b.webhook()
	failed := attempt(id, 1, hook.FateExhausted)
	b.record(failed, attempt(id, 2, hook.FateExhausted), attempt(id, 3, hook.FateExhausted))
	b.kafka.payloads[failed.Bundle] = hook.Event{ID: failed.Event}
	quarantined := b.quarantined("acme", "not_json")
	b.quarantined("acme", "tombstone")
	receiver := b.webhook()
	replay := a.post("/v1/replays", `{"webhook": "`+receiver+`", "from": "2026-01-01T00:00:00Z"}`).requires(201).text("id")
	a.post("/v1/members", `{"email": "owner@example.com", "role": "owner"}`).requires(201)
	member := a.post("/v1/members", `{"email": "b@example.com", "role": "viewer"}`).requires(201).text("id")
	key := a.post("/v1/api-keys", `{"name": "k", "scopes": ["read"]}`).requires(201).text("id")
	steps := []struct{ method, path, body, operation string }{
		{http.MethodPost, "/v1/webhooks", `{"itemTypes": ["Contact"], "url": "https://example.com/hook"}`, "create-webhook"},
		{http.MethodDelete, "/v1/replays/" + replay, ``, "cancel-replay"},
		{http.MethodPost, "/v1/replays/" + replay + "/resume", ``, "resume-replay"},
		{http.MethodPost, "/v1/replays", `{"webhook": "` + id + `", "source": "` + receiver + `", "from": "2026-01-01T00:00:00Z"}`, "create-replay"},
		{http.MethodPatch, "/v1/members/" + member, `{"role": "settings"}`, "update-member"},
		{http.MethodDelete, "/v1/members/" + member, ``, "delete-member"},
		{http.MethodDelete, "/v1/api-keys/" + key, ``, "revoke-api-key"},
		{http.MethodPatch, "/v1/webhooks/" + id, `{"description": "new"}`, "update-webhook"},
		{http.MethodPost, "/v1/webhooks/" + id + "/rotate-secret", `{}`, "rotate-webhook-secret"},
		{http.MethodPost, "/v1/webhooks/" + id + "/pause", ``, "pause-webhook"},
		{http.MethodPost, "/v1/webhooks/" + id + "/resume", ``, "resume-webhook"},
		{http.MethodPost, "/v1/webhooks/" + id + "/test", ``, "test-webhook"},
		{http.MethodPost, "/v1/webhooks/" + b.webhook() + "/recover", `{"from": "2020-01-01T00:00:00Z"}`, "recover-webhook"},
		{http.MethodPost, "/v1/deliveries/" + failed.Delivery + "/retry", ``, "retry-delivery"},
		{http.MethodDelete, "/v1/deliveries/" + attempt(id, 2, hook.FateExhausted).Delivery, ``, "discard-delivery"},
		{http.MethodDelete, "/v1/deliveries?webhook=" + id, ``, "discard-deliveries"},
		{http.MethodPut, "/v1/item-types/Invoice/schema", `{}`, "put-item-schema"},
		{http.MethodDelete, "/v1/item-types/Invoice/schema", ``, "delete-item-schema"},
		{http.MethodPost, "/v1/members", `{"email": "a@example.com", "role": "viewer"}`, "create-member"},
		{http.MethodPost, "/v1/api-keys", `{"name": "k", "scopes": ["read"]}`, "create-api-key"},
		{http.MethodPut, "/v1/stores/roma", `{"name": "Roma"}`, "put-store"},
		{http.MethodDelete, "/v1/stores/roma", ``, "delete-store"},
		{http.MethodPost, "/v1/portal-links", `{"role": "viewer"}`, "create-portal-link"},
		{http.MethodPost, "/v1/quarantine/" + quarantined + "/redrive", ``, "redrive-quarantined"},
		{http.MethodDelete, "/v1/quarantine/" + quarantined, ``, "discard-quarantined"},
		{http.MethodPost, "/v1/quarantine-redrives", `{"reason": "tombstone"}`, "create-quarantine-redrive"},
		{http.MethodDelete, "/v1/quarantine-redrives/{made}", ``, "cancel-quarantine-redrive"},
		{http.MethodDelete, "/v1/quarantine?reason=tombstone", ``, "discard-all-quarantined"},
		{http.MethodDelete, "/v1/webhooks/" + id, ``, "delete-webhook"},
	}
	made := ""
	seen := map[string]bool{
		"publish-events": true, "preview-webhook": true, // change nothing of the account
		"create-account": true, "update-account": true, "delete-account": true, // below
	}
	for _, step := range steps {
		answer := a.send(step.method, strings.Replace(step.path, "{made}", made, 1), step.body)
		made = path.Base(answer.header.Get("Location"))
		require.Less(t, answer.code, 300, "%s: %s", step.operation, answer.body)
		newest := a.get("/v1/audit-log?limit=1").entries()[0]
		require.Equal(t, step.operation, newest.Operation)
		require.Equal(t, "key", newest.Actor.Type)
		require.Equal(t, "192.0.2.1", *newest.IP)
		require.WithinDuration(t, time.Now(), newest.At, time.Minute)
		seen[step.operation] = true
	}
	for _, op := range every(t) {
		if op.method != http.MethodGet {
			require.True(t, seen[op.OperationID], "%s is not tried here", op)
		}
	}

	operator := b.as(adminKey)
	operator.patch("/v1/accounts/acme", `{"name": "Acme & C."}`).requires(200)
	require.Equal(t, []string{"update-account"}, operationsOf(a.get("/v1/audit-log?limit=1").entries()))
	operator.delete("/v1/accounts/acme").requires(204)
	entries, _, err := b.store.Audit(t.Context(), "acme", hook.AuditFilter{}, hook.Page{Limit: 1})
	require.NoError(t, err)
	require.Equal(t, "delete-account", entries[0].Origin.Operation)
	require.Equal(t, hook.ActorAdmin, entries[0].Origin.Actor.Kind)
	require.Equal(t, "192.0.2.1", entries[0].Origin.IP)
}

// "Deletion is immediate and final for the configuration; the history stays."
func TestOfADeletedWebhookTheHistoryStaysAndNoSecret(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.run()
	mirror := b.mirror()
	made := b.acme().post("/v1/webhooks", `{"itemTypes": ["Contact"], "url": "https://example.com/hook?token=url-secret",
		"headers": {"X-Api-Key": "header-secret"}, "auth": {"type": "bearer", "token": "auth-secret"},
		"filter": "item.id == \"filter-secret\""}`).requires(201)
	id, secret := made.text("id"), made.text("secret")
	b.requireSeen(mirror, 1)
	b.acme().patch("/v1/webhooks/"+id, `{"filter": "item.id == \"filter-secret-2\"", "onPause": "drop"}`).requires(200)
	rotated := b.acme().post("/v1/webhooks/"+id+"/rotate-secret", `{}`).requires(200).text("secret")
	w, err := b.store.Webhook(t.Context(), "acme", id)
	require.NoError(t, err)
	var sealed []string
	require.NoError(t, w.EachSealed(func(text *[]byte, _ []byte) error {
		encoded, err := json.Marshal(*text)
		sealed = append(sealed, string(*text), strings.Trim(string(encoded), `"`))
		return err
	}))
	require.NotEmpty(t, sealed)

	b.acme().delete("/v1/webhooks/" + id).requires(204)
	b.requireSeen(mirror, 0)
	shown := b.acme().get("/v1/webhooks/" + id).requires(200)
	require.Equal(t, "revoked", shown.text("status"))
	require.Equal(t, "https://example.com/hook", shown.text("url"))
	require.Nil(t, shown.object()["filter"])
	history := b.acme().get("/v1/webhooks/" + id + "/history")
	var changed []string
	entries := history.entries()
	require.Equal(t, []string{"delete-webhook", "rotate-webhook-secret", "update-webhook", "create-webhook"}, operationsOf(entries))
	for _, c := range entries[2].Changes {
		changed = append(changed, c.Field)
		require.Equal(t, c.Field == "filter", c.Secret)
	}
	require.Equal(t, []string{"onPause", "filter"}, changed)
	require.NotContains(t, string(history.body), "192.0.2.1", "where from is for those with settings")

	everything := b.everything() + b.redis.Dump() + string(history.body) + string(b.acme().get("/v1/audit-log").body)
	for _, hidden := range append(sealed, secret, rotated, "url-secret", "header-secret", "auth-secret", "filter-secret") {
		require.NotContains(t, everything, hidden)
	}
}

// everything is what is in the database.
func (b *bench) everything() string {
	b.t.Helper()
	var all strings.Builder
	for _, table := range []string{"accounts", "webhooks", "audit", "api_keys", "markers", "members"} {
		rows, err := b.db.QueryContext(b.t.Context(), `SELECT * FROM `+table)
		require.NoError(b.t, err)
		columns, err := rows.Columns()
		require.NoError(b.t, err)
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		for rows.Next() {
			require.NoError(b.t, rows.Scan(values...))
			for _, v := range values {
				switch v := (*v.(*any)).(type) {
				case []byte:
					all.Write(v)
				case string:
					all.WriteString(v)
				}
			}
		}
		require.NoError(b.t, rows.Err())
		require.NoError(b.t, rows.Close())
	}
	return all.String()
}
