package api_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/signature"
	"github.com/staffetta/staffetta/services/api"
)

// previewed is the answer of a preview, and its header.
func (a answer) previewed() (api.WebhookPreview, http.Header) {
	a.t.Helper()
	var p api.WebhookPreview
	require.NoError(a.t, json.Unmarshal(a.requires(200).body, &p))
	header := http.Header{}
	for _, h := range p.Headers {
		header.Set(h.Name, h.Value)
	}
	return p, header
}

func TestAPreviewIsTheRequestThatAReceiverVerifies(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	preview := func(more string) (api.WebhookPreview, http.Header) {
		return b.acme().post("/v1/webhook-previews", `{"itemTypes": ["Contact", "Invoice"], "url": "https://example.com:8443/hook?x=1"`+more+`}`).previewed()
	}

	p, header := preview(``)
	require.Equal(t, "POST", p.Method)
	require.Equal(t, "https://example.com:8443/hook?x=1", p.URL)
	require.Equal(t, "example.com:8443", header.Get("Host"))
	require.Equal(t, strconv.Itoa(len(p.Body)), header.Get("Content-Length"))
	require.Equal(t, "Staffetta", header.Get("User-Agent"))
	require.Regexp(t, `^00-[0-9a-f]{32}-[0-9a-f]{16}-01$`, header.Get("Traceparent"))
	require.Equal(t, "create", p.EventType)
	require.Equal(t, "Contact", p.ItemType)
	require.Contains(t, p.Body, `"type":"contact.create"`)
	require.NoError(t, signature.Verify(header, []byte(p.Body), p.Secret, time.Now(), signature.DefaultTolerance))

	p, header = preview(`, "signature": "ed25519", "itemType": "Fattura", "eventType": "delete"`)
	require.Contains(t, p.Body, `"type":"invoice.delete"`)
	require.NoError(t, signature.Verify(header, []byte(p.Body), p.PublicKey, time.Now(), signature.DefaultTolerance))

	p, header = preview(`, "format": "rentman", "language": "it"`)
	require.Contains(t, p.Body, `"tipoElemento":"Contatto"`)
	require.Contains(t, p.Body, `"account":"ACME"`)
	require.NoError(t, signature.VerifyDigest(header, []byte(p.Body), p.Secret))

	p, header = preview(`, "format": "cassa-in-cloud", "eventType": "update"`)
	require.Equal(t, "CONTACT/EDIT", header.Get("X-Cn-Operation"))
	require.NoError(t, signature.VerifySHA1(header, []byte(p.Body), p.Secret))

	p, header = preview(`, "format": "cloudevents", "cloudevents": "binary"`)
	require.NotEmpty(t, header.Get("Ce-Id"))
	require.NoError(t, signature.Verify(header, []byte(p.Body), p.Secret, time.Now(), signature.DefaultTolerance))
}

func TestAPreviewHasTheHeadersOfTheWebhookAndNoSecret(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const own = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="
	answer := b.acme().post("/v1/webhook-previews", `{"itemTypes": ["*"], "url": "https://example.com/hook", "headers": {"X-Tenant": "7"},
		"auth": {"type": "basic", "username": "u", "password": "hunter22"}, "secret": "`+own+`"}`)
	p, header := answer.previewed()
	require.Equal(t, "7", header.Get("X-Tenant"), "as it was given now")
	require.Equal(t, "Basic ***", header.Get("Authorization"))
	require.Equal(t, "Appointment", p.ItemType)
	for _, secret := range []string{"hunter22", own} {
		require.NotContains(t, string(answer.body), secret)
	}
	_, header = b.acme().post("/v1/webhook-previews", `{"itemTypes": ["*"], "url": "https://example.com/hook",
		"auth": {"type": "bearer", "token": "t0ps3cret"}}`).previewed()
	require.Equal(t, "Bearer ***", header.Get("Authorization"))
}

func TestAPreviewChecksWhatACreationChecks(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, body := range []string{
		`{}`, `{"itemTypes": ["Contact"], "url": "http://10.0.0.1/"}`, `{"itemTypes": ["*", "Contact"], "url": "ftp://x", "timeout": "1h"}`,
		`{"itemTypes": ["Contact"], "url": "https://example.com", "filter": "item.", "secret": "short", "unknown": 1}`,
		`{"itemTypes": ["Contact"], "url": "https://example.com", "format": "rentman", "signature": "ed25519"}`,
		`{"itemTypes": ["Contact"], "url": "https://example.com", "headers": {"X-A": "***"}}`,
		`{"notices": ["*"], "itemTypes": ["Contact"], "url": "https://example.com"}`,
	} {
		made, previewed := b.acme().post("/v1/webhooks", body).requires(422), b.acme().post("/v1/webhook-previews", body).requires(422)
		// What is known is more: the fields of the sample.
		before, _, _ := strings.Cut(string(made.body), "known are")
		require.True(t, strings.HasPrefix(string(previewed.body), before), "%s\n%s", made.body, previewed.body)
	}
	b.acme().post("/v1/webhook-previews", `[]`).requires(400)
	const some = `{"itemTypes": ["Contact"], "eventTypes": ["create"], "url": "https://example.com", `
	for field, body := range map[string]string{
		"itemType":  some + `"itemType": "Invoice"}`,
		"eventType": some + `"eventType": "delete"}`,
		"webhook":   some + `"webhook": "wh_none"}`,
	} {
		require.Contains(t, string(b.acme().post("/v1/webhook-previews", body).requires(422).body), `"field":"`+field+`"`)
	}
	require.Contains(t, string(b.acme().post("/v1/webhook-previews", some+`"itemType": "*"}`).requires(422).body), "itemType")
}

func TestAPreviewStoresNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.webhook()
	before := b.acme().get("/v1/audit-log").body
	b.acme().post("/v1/webhook-previews", `{"itemTypes": ["Contact"], "url": "https://example.com/hook"}`).requires(200)
	b.acme().post("/v1/webhook-previews", `{"webhook": "`+id+`", "description": "other", "url": "https://example.com/other"}`).requires(200)
	require.Len(t, b.acme().get("/v1/webhooks").object()["items"], 1)
	require.Equal(t, "", b.acme().get("/v1/webhooks/"+id).text("description"))
	require.JSONEq(t, string(before), string(b.acme().get("/v1/audit-log").body))
	b.as(b.newKey("acme", "read")).post("/v1/webhook-previews", `{"itemTypes": ["Contact"], "url": "https://example.com/hook"}`).requires(403)
}

func TestAPreviewOfAChange(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.acme().post("/v1/webhooks", `{"itemTypes": ["Contact"], "url": "https://example.com/hook", "headers": {"X-Key": "abc", "X-Other": "1"},
		"auth": {"type": "bearer", "token": "t0ps3cret"}}`).requires(201).text("id")
	_, header := b.acme().post("/v1/webhook-previews", `{"webhook": "`+id+`", "payload": "full", "headers": {"X-Key": "***", "X-New": "2"}}`).previewed()
	require.Equal(t, "***", header.Get("X-Key"))
	require.Equal(t, "2", header.Get("X-New"))
	require.Empty(t, header.Get("X-Other"))
	require.Equal(t, "Bearer ***", header.Get("Authorization"))

	for body, field := range map[string]string{
		`"url": "https://elsewhere.example.com/"`: "headers", // they would leak
		`"format": "cassa-in-cloud"`:              "format",
		`"format": "rentman", "secret": "x"`:      "secret",
	} {
		previewed := b.acme().post("/v1/webhook-previews", `{"webhook": "`+id+`", `+body+`}`).requires(422)
		require.Contains(t, string(previewed.body), `"field":"`+field+`"`)
		require.JSONEq(t, string(b.acme().patch("/v1/webhooks/"+id, `{`+body+`}`).requires(422).body), string(previewed.body))
	}
	b.acme().delete("/v1/webhooks/" + id).requires(204)
	b.acme().post("/v1/webhook-previews", `{"webhook": "`+id+`"}`).requires(409)
}

func TestAPreviewOfANotice(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p, _ := b.acme().post("/v1/webhook-previews", `{"notices": ["webhook.disabled"], "url": "https://example.com/hook"}`).previewed()
	require.Equal(t, "notice", p.EventType)
	require.Equal(t, "webhook.disabled", p.ItemType)
	for _, field := range []string{`"itemType": "Contact"`, `"eventType": "create"`} {
		b.acme().post("/v1/webhook-previews", `{"notices": ["*"], "url": "https://example.com/hook", `+field+`}`).requires(422)
	}
}
