package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/seal"
	"github.com/staffetta/staffetta/pkg/signature"
)

func TestANewWebhookHasTheDefaults(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	made := b.acme().post("/v1/webhooks", `{"itemTypes": ["Contact"], "url": "https://example.com/hook"}`).requires(201)
	o := made.object()
	require.Regexp(t, `^wh_[0-9a-v]{26}$`, o["id"])
	require.Regexp(t, `^whsec_[A-Za-z0-9+/]{43}=$`, o["secret"])
	require.Equal(t, `"1"`, made.header.Get("ETag"))
	created, err := time.Parse(time.RFC3339, made.text("createdAt"))
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), created, time.Minute)
	require.True(t, strings.HasSuffix(made.text("createdAt"), "Z"), "in UTC")
	for _, field := range []string{"id", "secret", "createdAt"} {
		delete(o, field)
	}
	got, err := json.Marshal(o)
	require.NoError(t, err)
	require.JSONEq(t, `{
		"status": "active", "circuit": "closed", "description": "", "itemTypes": ["Contact"], "eventTypes": ["create", "update", "delete"], "notices": [],
		"url": "https://example.com/hook", "stores": [], "format": "standard", "language": "en", "payload": "thin",
		"cloudevents": "structured", "signature": "hmac-sha256", "oldSecretUntil": null, "failures": 0, "failingSince": null,
		"retrySchedule": ["5s", "5m", "30m", "2h", "5h", "10h", "14h", "20h", "24h"], "concurrency": 0, "rateLimit": null, "timeout": "15s",
		"onPause": "hold", "onQuota": "defer", "headers": {}, "auth": {"type": "none"}, "ordering": "none", "coalesce": "none", "filter": null,
		"suspendedAt": null, "revokedAt": null}`, string(got))

	shown := b.acme().get("/v1/webhooks/" + made.text("id")).requires(200)
	require.NotContains(t, string(shown.body), `"secret"`, "it is shown once")
	require.Equal(t, `"1"`, shown.header.Get("ETag"))
}

func TestEverySettingIsKept(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const body = `{"description": "tills", "itemTypes": ["Contatto", "Contact", "Prenotazione"], "eventTypes": ["delete"],
		"url": "https://example.com:8443/hook?x=1", "stores": ["7", "8"], "format": "cloudevents", "language": "it", "payload": "full",
		"cloudevents": "binary", "signature": "ed25519",
		"retrySchedule": ["1s", "90m", "1h30m30s"], "concurrency": 3, "rateLimit": 50, "timeout": "2500ms",
		"onPause": "drop", "onQuota": "drop", "ordering": "item", "coalesce": "item",
		"filter": "item.data.total > 1000.0",
		"secret": "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="}`
	const want = `{"status": "active", "circuit": "closed", "description": "tills", "itemTypes": ["Contact", "Prenotazione"], "eventTypes": ["delete"], "notices": [],
		"url": "https://example.com:8443/hook?x=1", "stores": ["7", "8"], "format": "cloudevents", "language": "it", "payload": "full",
		"cloudevents": "binary", "signature": "ed25519", "oldSecretUntil": null, "failures": 0, "failingSince": null,
		"publicKey": "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=",
		"retrySchedule": ["1s", "1h30m", "1h30m30s"], "concurrency": 3, "rateLimit": 50, "timeout": "2.5s",
		"onPause": "drop", "onQuota": "drop", "headers": {}, "auth": {"type": "none"}, "ordering": "item", "coalesce": "item",
		"filter": "item.data.total > 1000.0",
		"suspendedAt": null, "revokedAt": null}`
	made := b.acme().post("/v1/webhooks", body).requires(201)
	require.True(t, strings.HasPrefix(made.text("secret"), "whsk_6Xb/"))

	// A webhook with defaults becomes the same by a PATCH.
	id := b.webhook()
	b.acme().patch("/v1/webhooks/"+id, body).requires(200)
	for _, id := range []string{made.text("id"), id} {
		o := b.acme().get("/v1/webhooks/" + id).object()
		delete(o, "id")
		delete(o, "createdAt")
		got, err := json.Marshal(o)
		require.NoError(t, err)
		require.JSONEq(t, want, string(got))
	}
	none := b.acme().patch("/v1/webhooks/"+id, `{"retrySchedule": [], "stores": [], "description": ""}`).requires(200)
	require.Equal(t, []any{}, none.object()["retrySchedule"], "no retries")
	require.Equal(t, []any{}, none.object()["stores"])
	for _, none := range []string{"null", "0"} {
		b.acme().patch("/v1/webhooks/"+id, `{"rateLimit": 100000}`).requires(200)
		require.Equal(t, 100000.0, b.acme().patch("/v1/webhooks/"+id, `{}`).requires(200).object()["rateLimit"], "absent leaves it")
		unlimited := b.acme().patch("/v1/webhooks/"+id, `{"rateLimit": `+none+`}`).requires(200).object()
		require.Contains(t, unlimited, "rateLimit")
		require.Nil(t, unlimited["rateLimit"], none)
		made := b.acme().post("/v1/webhooks", `{"itemTypes": ["*"], "url": "https://example.com", "rateLimit": `+none+`}`).requires(201)
		require.Nil(t, made.object()["rateLimit"], none)
	}
	require.Equal(t, "defer", b.acme().patch("/v1/webhooks/"+id, `{"onQuota": "defer"}`).requires(200).text("onQuota"))
}

func TestRulesOfWebhooks(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.webhook()
	many := func(n int, text string) string {
		return "[" + strings.TrimSuffix(strings.Repeat(`"`+text+`",`, n), ",") + "]"
	}
	const itemType = "must be 1 to 100 printable characters, such as Contact"
	const delay = "must be a duration from 1s to 168h"
	for fields, want := range map[string]string{
		`"itemTypes": []`:                    "itemTypes: must be a list of 1 to 100 strings (0 strings)",
		`"itemTypes": null`:                  "itemTypes: must be a list of 1 to 100 strings (null)",
		`"itemTypes": "Contact"`:             `itemTypes: must be a list of 1 to 100 strings (Contact)`,
		`"itemTypes": [""]`:                  "itemTypes[0]: " + itemType,
		`"itemTypes": ["Contact", 7]`:        `itemTypes: must be a list of 1 to 100 strings (["Contact", 7])`,
		`"itemTypes": ["a\tb"]`:              "itemTypes[0]: " + itemType + " (a\tb)",
		`"itemTypes": [" Contact"]`:          "itemTypes[0]: " + itemType + " ( Contact)",
		`"itemTypes": ["*", "Contact"]`:      "itemTypes: must be * alone or names without * (*, Contact)",
		`"eventTypes": []`:                   "eventTypes: must be a list of 1 to 3 strings (0 strings)",
		`"eventTypes": ["created"]`:          "eventTypes[0]: must be create, update or delete (created)",
		`"notices": null`:                    "notices: must be a list of 0 to 5 strings (null)",
		`"notices": ["webhook.broken"]`:      "notices[0]: must be *, webhook.failing, webhook.disabled, webhook.recovered, quota.exceeded or payloads.expiring (webhook.broken)",
		`"notices": ["*", "quota.exceeded"]`: "notices: must be * alone or names without * (*, quota.exceeded)",
		`"url": ""`:                          "url: must be an absolute URL of https",
		`"url": "example.com/hook"`:          "url: must be an absolute URL of https (example.com/hook)",
		`"url": "ftp://example.com"`:         "url: must be an absolute URL of https (ftp://example.com)",
		`"url": "http://example.com"`:        "url: must be an https URL (http://example.com)",
		`"url": "https://10.0.0.7/"`:         "url: must not name a private or reserved address: 10.0.0.0/8 is private (https://10.0.0.7/)",
		`"url": "https://0x7f.1/"`:           "url: must write an IPv4 address as four decimal numbers, such as 192.0.2.7 (https://0x7f.1/)",
		`"url": "https://localhost/"`:        "url: must not name this host (https://localhost/)",
		`"url": "https://redis/"`:            "url: must name a host in full, such as hooks.example.com (https://redis/)",
		`"url": "https://x.com./"`:           "url: must name a host without a dot at its end (https://x.com./)",
		`"url": "https://u:pw@x.com/"`:       "url: must not hold a user name or password",
		`"url": "ftp://u:pw@x.com"`:          "url: must be an absolute URL of https",
		`"url": "https://x.com/#top"`:        "url: must not have a fragment (https://x.com/#top)",
		`"url": "https://x.com:22/"`:         "url: must use port 443 or one from 1024 to 65535 that belongs to no well-known service (https://x.com:22/)",
		`"url": 7`:                           "url: must be a string (7)",
		`"stores": [""]`:                     "stores[0]: must be the id of a store: 1 to 256 bytes without control characters",
		`"stores": [7]`:                      "stores: must be a list of 0 to 1000 strings ([7])",
		`"format": "xml"`:                    "format: must be standard, rentman, cassa-in-cloud or cloudevents (xml)",
		`"language": "fr"`:                   "language: must be en or it (fr)",
		`"payload": "fat"`:                   "payload: must be thin or full (fat)",
		`"onPause": "keep"`:                  "onPause: must be hold or drop (keep)",
		`"onPause": null`:                    "onPause: must be hold or drop (null)",
		`"onQuota": "hold"`:                  "onQuota: must be defer or drop (hold)",
		`"filter": 7`:                        "filter: must be a CEL expression (7)",
		`"filter": "item.data.total >"`:      "filter: must be a CEL expression: 1:18: Syntax error: mismatched input '<EOF>' (item.data.total >)",
		`"filter": "event.itmType == 'x'"`:   "filter: must be a CEL expression: 1:6: undefined field 'itmType' at .itmType == 'x' (event.itmType == 'x')",
		`"filter": "event.account"`:          "filter: must be a CEL expression: gives string, and must give bool (event.account)",
		`"onQuota": null`:                    "onQuota: must be defer or drop (null)",
		`"ordering": "items"`:                "ordering: must be none or item (items)",
		`"coalesce": null`:                   "coalesce: must be none or item (null)",
		`"rateLimit": -1`:                    "rateLimit: must be an integer from 0 to 100000 (-1)",
		`"rateLimit": 100001`:                "rateLimit: must be an integer from 0 to 100000 (100001)",
		`"rateLimit": 0.5`:                   "rateLimit: must be an integer from 0 to 100000 (0.5)",
		`"rateLimit": "50"`:                  "rateLimit: must be an integer from 0 to 100000 (50)",
		`"timeout": "31s"`:                   "timeout: must be a duration from 1s to 30s (31s)",
		`"timeout": "999ms"`:                 "timeout: must be a duration from 1s to 30s (999ms)",
		`"timeout": 15`:                      "timeout: must be a duration from 1s to 30s (15)",
		`"concurrency": -1`:                  "concurrency: must be an integer from 0 to 1000 (-1)",
		`"concurrency": 1001`:                "concurrency: must be an integer from 0 to 1000 (1001)",
		`"concurrency": 1.5`:                 "concurrency: must be an integer from 0 to 1000 (1.5)",
		`"retrySchedule": ["soon"]`:          "retrySchedule[0]: " + delay + " (soon)",
		`"retrySchedule": ["5s", "0s"]`:      "retrySchedule[1]: " + delay + " (0s)",
		`"retrySchedule": ["168h", "1s"]`:    "retrySchedule: must be at most 168h in all (168h0m1s in all)",
		`"retrySchedule": ` + many(51, "1s"): "retrySchedule: must have at most 50 delays (51 delays)",
		`"retrySchedule": 5`:                 "retrySchedule: must be a list of durations, such as 5m (5)",
		`"description": "` + strings.Repeat("x", 501) + `"`: "description: must be a string of 0 to 500 characters without control characters (" +
			strings.Repeat("x", 64) + "…)",
		`"status": "paused"`:                          "status: is read-only",
		`"id": "wh_1"`:                                "id: is read-only",
		`"order": "item"`:                             "order: is not a known field; known are description, itemTypes, eventTypes, notices, url, stores, format, language, payload, cloudevents, signature, secret, retrySchedule, concurrency, rateLimit, timeout, onPause, onQuota, headers, auth, ordering, coalesce, filter",
		`"secret": 7`:                                 "secret: must be a string",
		`"cloudevents": "json"`:                       "cloudevents: must be structured or binary (json)",
		`"signature": "rsa"`:                          "signature: must be hmac-sha256 or ed25519 (rsa)",
		`"publicKey": "whpk_"`:                        "publicKey: is read-only",
		`"oldSecretUntil": null`:                      "oldSecretUntil: is read-only",
		`"secret": "hunter2"`:                         "secret: must begin with whsec_",
		`"secret": "whsec_!"`:                         "secret: must be base64 after whsec_",
		`"secret": "whsec_c2hvcnQ="`:                  "secret: must be the base64 of 24 to 64 bytes after whsec_",
		`"format": "rentman", "signature": "ed25519"`: "signature: must be hmac-sha256 in the format rentman (ed25519)",
		`"signature": "ed25519", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"`: "secret: must begin with whsk_",
		`"format": "rentman", "secret": "a token"`:                                   "secret: must be 8 to 256 visible ASCII characters",
	} {
		require.Equal(t, []string{want}, b.acme().patch("/v1/webhooks/"+id, "{"+fields+"}").requires(422).faults(), fields)
		complete := map[string]any{"itemTypes": []string{"Contact"}, "url": "https://example.com"}
		require.NoError(t, json.Unmarshal([]byte("{"+fields+"}"), &complete))
		body, err := json.Marshal(complete)
		require.NoError(t, err)
		b.acme().post("/v1/webhooks", string(body)).requires(422)
	}
	require.Equal(t, []string{"itemTypes: is required", "url: is required"}, b.acme().post("/v1/webhooks", `{}`).requires(422).faults())
	require.Equal(t, []string{"itemTypes: is required", "url: is required", "timeout: must be a duration from 1s to 30s (1h)"},
		b.acme().post("/v1/webhooks", `{"timeout": "1h"}`).requires(422).faults(), "every fault is listed")
	require.Equal(t, `"1"`, b.acme().get("/v1/webhooks/"+id).header.Get("ETag"), "nothing was changed")
}

func TestSecretsAreSealedAndFitTheFormat(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ring, err := seal.ParseKeys(encryptionKey)
	require.NoError(t, err)
	kept := func(id string) string {
		w, err := b.store.Webhook(t.Context(), "acme", id)
		require.NoError(t, err)
		require.Len(t, w.Secrets, 1)
		text, err := ring.Open(w.Secrets[0], []byte(id))
		require.NoError(t, err)
		return string(text)
	}
	made := b.acme().post("/v1/webhooks", `{"itemTypes": ["*"], "url": "https://example.com"}`).requires(201)
	id := made.text("id")
	require.Equal(t, made.text("secret"), kept(id))

	// A Standard Webhooks secret serves as a token, but not the other way round.
	b.acme().patch("/v1/webhooks/"+id, `{"format": "rentman"}`).requires(200)
	require.Equal(t, made.text("secret"), kept(id))
	b.acme().patch("/v1/webhooks/"+id, `{"secret": "some_secret_key"}`).requires(200)
	require.Equal(t, "some_secret_key", kept(id))
	require.Equal(t, []string{"secret: is required: the present one is no secret of the format standard"},
		b.acme().patch("/v1/webhooks/"+id, `{"format": "standard"}`).requires(422).faults())

	for _, format := range []string{"rentman", "cassa-in-cloud"} {
		token := b.acme().post("/v1/webhooks", `{"itemTypes": ["*"], "url": "https://example.com", "format": "`+format+`"}`).requires(201)
		require.Regexp(t, `^[0-9a-f]{64}$`, token.text("secret"))
	}
}

func TestAnEd25519WebhookShowsItsPublicKey(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	made := b.acme().post("/v1/webhooks", `{"itemTypes": ["*"], "url": "https://example.com", "signature": "ed25519"}`).requires(201)
	public, err := signature.PublicKey(made.text("secret"))
	require.NoError(t, err)
	require.Equal(t, public, made.text("publicKey"))
	path := "/v1/webhooks/" + made.text("id")
	shown := b.acme().get(path).requires(200)
	require.Equal(t, public, shown.text("publicKey"))
	require.NotContains(t, string(shown.body), `"secret"`)

	require.Equal(t, []string{"secret: is required: the present one is no secret of the format standard"},
		b.acme().patch(path, `{"signature": "hmac-sha256"}`).requires(422).faults())
	require.Equal(t, []string{"signature: must be hmac-sha256 in the format rentman (ed25519)"},
		b.acme().patch(path, `{"format": "rentman"}`).requires(422).faults())
	require.Equal(t, public, b.acme().patch(path, `{"format": "cloudevents"}`).requires(200).text("publicKey"), "the same secrets serve")
	symmetric := b.acme().patch(path, `{"signature": "hmac-sha256", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}`).requires(200)
	require.NotContains(t, symmetric.object(), "publicKey")
	require.Equal(t, []string{"secret: is required: the present one is no secret of the format cloudevents with the signature ed25519"},
		b.acme().patch(path, `{"signature": "ed25519"}`).requires(422).faults())
}

func TestAWebhookKeepsItsDeliveriesPerItemOrPerEvent(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const rule = "format: must not change to or from cassa-in-cloud, which has a delivery per item: make another webhook"
	id := b.webhook()
	require.Equal(t, []string{rule + " (cassa-in-cloud)"}, b.acme().patch("/v1/webhooks/"+id, `{"format": "cassa-in-cloud"}`).requires(422).faults())
	made := b.acme().post("/v1/webhooks", `{"itemTypes": ["*"], "url": "https://example.com", "format": "cassa-in-cloud"}`).requires(201)
	require.Equal(t, []string{rule + " (rentman)"}, b.acme().patch("/v1/webhooks/"+made.text("id"), `{"format": "rentman"}`).requires(422).faults())
	b.acme().patch("/v1/webhooks/"+made.text("id"), `{"format": "cassa-in-cloud"}`).requires(200)
}

func TestPauseAndResume(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	path := "/v1/webhooks/" + b.webhook()
	paused := b.acme().post(path+"/pause", "").requires(200)
	require.Equal(t, "paused", paused.text("status"))
	since := paused.text("suspendedAt")
	again := b.acme().post(path+"/pause", "").requires(200)
	require.Equal(t, since, again.text("suspendedAt"))
	require.Equal(t, `"2"`, again.header.Get("ETag"), "a change that changes nothing raises no version")

	b.acme().patch(path, `{"url": "https://example.com/new"}`).requires(200)
	require.Equal(t, "paused", b.acme().get(path).text("status"), "a PATCH of the URL enables what the system disabled, not what a person paused")

	resumed := b.acme().post(path+"/resume", "").requires(200)
	require.Equal(t, "resuming", resumed.text("status"))
	require.Nil(t, resumed.object()["suspendedAt"])
	require.Equal(t, "resuming", b.acme().post(path+"/resume", "").requires(200).text("status"))
	require.Equal(t, "paused", b.acme().post(path+"/pause", "").requires(200).text("status"))
}

func TestADisabledWebhookIsEnabledAgain(t *testing.T) {
	t.Parallel()
	for name, enable := range map[string]func(caller, string) answer{
		"by its URL, although the same": func(c caller, path string) answer { return c.patch(path, `{"url": "https://example.com/hook"}`) },
		"by resume":                     func(c caller, path string) answer { return c.post(path+"/resume", "") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			id := b.webhook()
			_, err := b.store.UpdateWebhook(t.Context(), "acme", id, 0, func(w *hook.Webhook) error {
				w.Status, w.SuspendedAt = hook.Disabled, time.Now()
				return nil
			})
			require.NoError(t, err)
			path := "/v1/webhooks/" + id
			require.Equal(t, "disabled", b.acme().patch(path, `{"description": "x"}`).requires(200).text("status"))
			require.Equal(t, []string{id}, b.acme().get("/v1/webhooks?status=disabled").ids())
			enabled := enable(b.acme(), path).requires(200)
			require.Equal(t, "resuming", enabled.text("status"))
			require.Nil(t, enabled.object()["suspendedAt"])
		})
	}
}

func TestARevokedWebhookStaysForTheHistory(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.webhook()
	path := "/v1/webhooks/" + id
	b.acme().delete(path).requires(204)
	shown := b.acme().get(path).requires(200)
	require.Equal(t, "revoked", shown.text("status"))
	require.NotEmpty(t, shown.text("revokedAt"))
	w, err := b.store.Webhook(t.Context(), "acme", id)
	require.NoError(t, err)
	require.Empty(t, w.Secrets)

	require.Empty(t, b.acme().get("/v1/webhooks").ids())
	require.Equal(t, []string{id}, b.acme().get("/v1/webhooks?status=revoked").ids())

	b.acme().delete(path).requires(204)
	b.acme().patch(path, `{"description": "x"}`).requires(409)
	b.acme().post(path+"/resume", "").requires(409)
}

func TestIfMatch(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	path := "/v1/webhooks/" + b.webhook()
	version := 1
	for _, test := range []struct {
		header string
		code   int
	}{
		{`"1"`, 200}, {`"1"`, 412}, {`"9", "2"`, 200}, {`W/"3"`, 412}, {`*`, 200}, {`5`, 422}, {`"05"`, 412},
		{`"4", "x`, 422}, {`"4" "5"`, 422}, {`*, "4"`, 422}, {`, "a,b" ,, "4",`, 200}, {`"a,"5"`, 422},
	} {
		body := fmt.Sprintf(`{"description": "%d"}`, version)
		got := b.acme().with("If-Match", test.header).patch(path, body).requires(test.code)
		if test.code == 200 {
			version++
			require.Equal(t, fmt.Sprintf(`"%d"`, version), got.header.Get("ETag"))
		}
	}
	for _, nothing := range []string{"", " ", ","} {
		require.Contains(t, b.acme().with("If-Match", nothing).delete(path).requires(422).faults()[0], "If-Match: must be ETags")
	}
	b.acme().with("If-Match", `"1"`).delete(path).requires(412)
	b.acme().with("If-Match", `"1"`).post(path+"/pause", "").requires(412)
	b.acme().with("If-Match", `"5"`).delete(path).requires(204)
}
