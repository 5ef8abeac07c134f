package api_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/seal"
)

// secrets are a webhook's, in the clear, with the rest of their time.
func (b *bench) secrets(id string) (texts []string, rests []time.Duration) {
	b.t.Helper()
	w, err := b.store.Webhook(b.t.Context(), "acme", id)
	require.NoError(b.t, err)
	ring, err := seal.ParseKeys(encryptionKey)
	require.NoError(b.t, err)
	for _, sealed := range w.Secrets {
		text, err := ring.Open(sealed, []byte(id))
		require.NoError(b.t, err)
		texts = append(texts, string(text))
	}
	for _, until := range w.SecretsUntil {
		rests = append(rests, time.Until(until))
	}
	return texts, rests
}

func TestASecretIsRotated(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	made := b.acme().post("/v1/webhooks", `{"itemTypes": ["*"], "url": "https://example.com"}`).requires(201)
	id, first := made.text("id"), made.text("secret")
	path := "/v1/webhooks/" + id + "/rotate-secret"

	rotated := b.acme().post(path, "{}").requires(200)
	second := rotated.text("secret")
	require.Regexp(t, `^whsec_[A-Za-z0-9+/]{43}=$`, second)
	require.NotEqual(t, first, second)
	require.Equal(t, `"2"`, rotated.header.Get("ETag"))
	texts, rests := b.secrets(id)
	require.Equal(t, []string{second, first}, texts)
	require.InDelta(t, 24*time.Hour, rests[0], float64(10*time.Minute))
	until, err := time.Parse(time.RFC3339, rotated.text("oldSecretUntil"))
	require.NoError(t, err)
	require.WithinDuration(t, time.Now().Add(24*time.Hour), until, 10*time.Minute)
	require.NotContains(t, string(b.acme().get("/v1/webhooks/"+id).requires(200).body), second, "it is shown once")

	const own = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	require.Equal(t, own, b.acme().post(path, `{"secret": "`+own+`", "overlap": "1h"}`).requires(200).text("secret"))
	texts, rests = b.secrets(id)
	require.Equal(t, []string{own, second, first}, texts)
	require.LessOrEqual(t, rests[1], time.Hour)
	again := b.acme().post(path, `{"secret": "`+own+`", "overlap": "1h"}`).requires(200)
	require.Equal(t, own, again.text("secret"))
	require.Equal(t, `"3"`, again.header.Get("ETag"), "a repeated request rotates no further")

	at := b.acme().post(path, `{"secret": "`+own+`", "overlap": "0s"}`).requires(200)
	require.Nil(t, at.object()["oldSecretUntil"])
	texts, _ = b.secrets(id)
	require.Equal(t, []string{own}, texts, "all others end at once")

	b.acme().post(path, "{}").requires(200)
	b.acme().patch("/v1/webhooks/"+id, `{"secret": "`+own+`"}`).requires(200)
	texts, _ = b.secrets(id)
	require.Equal(t, []string{own}, texts, "a secret that is set takes the place of all")
}

func TestARotatedSecretIsOneOfTheFormat(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for fields, pattern := range map[string]string{
		`"format": "rentman"`: `^[0-9a-f]{64}$`, `"format": "cassa-in-cloud"`: `^[0-9a-f]{64}$`,
		`"signature": "ed25519"`: `^whsk_`, `"format": "cloudevents"`: `^whsec_`,
	} {
		made := b.acme().post("/v1/webhooks", `{"itemTypes": ["*"], "url": "https://example.com", `+fields+`}`).requires(201)
		rotated := b.acme().post("/v1/webhooks/"+made.text("id")+"/rotate-secret", "{}").requires(200)
		require.Regexp(t, pattern, rotated.text("secret"))
		if fields == `"signature": "ed25519"` {
			require.NotEqual(t, made.text("publicKey"), rotated.text("publicKey"))
		}
	}
}

func TestRulesOfRotation(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.webhook()
	path := "/v1/webhooks/" + id + "/rotate-secret"
	for body, want := range map[string]string{
		`{"overlap": "-1s"}`:                 "overlap: must be a duration from 0s to 168h (-1s)",
		`{"overlap": "169h"}`:                "overlap: must be a duration from 0s to 168h (169h)",
		`{"overlap": 5}`:                     "overlap: must be a duration from 0s to 168h (5)",
		`{"secret": "hunter2"}`:              "secret: must begin with whsec_",
		`{"secret": {"x": "hunter2"}}`:       "secret: must be a string",
		`{"secrets": "x", "overlap": "24h"}`: "secrets: is not a known field; known are secret, overlap",
	} {
		require.Equal(t, []string{want}, b.acme().post(path, body).requires(422).faults(), body)
	}
	b.acme().with("If-Match", `"9"`).post(path, "{}").requires(412)
	b.acme().post("/v1/webhooks/wh_none/rotate-secret", "{}").requires(404)

	for range hook.MaxSecrets - 1 {
		b.acme().post(path, "{}").requires(200)
	}
	full := b.acme().post(path, "{}").requires(409)
	require.Contains(t, string(full.body), "5 secrets are in use, which is the most: wait until one ends, or end all with the overlap 0s")
	b.acme().post(path, `{"overlap": "0s"}`).requires(200)
	texts, _ := b.secrets(id)
	require.Len(t, texts, 1)

	b.acme().delete("/v1/webhooks/" + id).requires(204)
	b.acme().post(path, "{}").requires(409)
}
