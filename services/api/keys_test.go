package api_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAKeyIsShownOnceAndWorksUntilItIsRevoked(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	made := b.acme().post("/v1/api-keys", `{"name": "CI", "scopes": ["read"]}`).requires(201)
	key, id := made.text("key"), made.text("id")
	require.Regexp(t, `^key_[0-9a-v]{26}$`, id)
	require.Nil(t, made.object()["expiresAt"])

	b.as(key).get("/v1/webhooks").requires(200)
	listed := b.acme().get("/v1/api-keys")
	require.Len(t, listed.ids(), 2)
	require.Equal(t, id, listed.ids()[0], "newest first")
	require.NotContains(t, string(listed.body), key)

	b.acme().delete("/v1/api-keys/" + id).requires(204)
	b.acme().delete("/v1/api-keys/" + id).requires(404)
	require.Eventually(t, func() bool { return b.as(key).get("/v1/webhooks").code == 401 },
		5*time.Second, 20*time.Millisecond, "a revoked key works for at most a second")
}

func TestAKeyShowsWhenItWasUsedLast(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.run()
	made := b.acme().post("/v1/api-keys", `{"name": "CI", "scopes": ["read"]}`).requires(201)
	require.Nil(t, made.object()["lastUsedAt"])
	used := func() *time.Time {
		var list struct {
			Items []struct{ LastUsedAt *time.Time }
		}
		require.NoError(t, json.Unmarshal(b.acme().get("/v1/api-keys").requires(200).body, &list))
		return list.Items[0].LastUsedAt
	}
	require.Nil(t, used())
	b.as(made.text("key")).post("/v1/webhooks", `{}`).requires(403) // used all the same
	require.Eventually(t, func() bool { return used() != nil }, 10*time.Second, 20*time.Millisecond)
	require.WithinDuration(t, time.Now(), *used(), time.Minute)
}

func TestAKeyMakesKeysOfAtMostItsOwnScopes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	maker := b.as(b.newKey("acme", "settings", "read"))
	maker.post("/v1/api-keys", `{"name": "less", "scopes": ["read"]}`).requires(201)
	refused := maker.post("/v1/api-keys", `{"name": "more", "scopes": ["read", "write"]}`).requires(403)
	require.Contains(t, refused.text("detail"), "write")
}

func TestAKeyExpires(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	body, err := json.Marshal(map[string]any{"name": "brief", "scopes": []string{"read"},
		"expiresAt": time.Now().Add(2 * time.Second)}) // on a busy machine it is used in less
	require.NoError(t, err)
	key := b.acme().post("/v1/api-keys", string(body)).requires(201).text("key")
	b.as(key).get("/v1/webhooks").requires(200)
	require.Eventually(t, func() bool { return b.as(key).get("/v1/webhooks").code == 401 }, 15*time.Second, 20*time.Millisecond)
}

func TestRulesOfKeys(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const scope = "must be read, write, publish or settings"
	for body, want := range map[string][]string{
		`{}`:                               {"name: is required", "scopes: is required"},
		`{"name": "", "scopes": ["read"]}`: {"name: must be a string of 1 to 100 characters without control characters"},
		`{"name": "x", "scopes": []}`:      {"scopes: must be a list of 1 to 4 strings (0 strings)"},
		`{"name": "x", "scopes": "read"}`:  {`scopes: must be a list of 1 to 4 strings (read)`},
		`{"name": "x", "scopes": ["read", "admin", null]}`: {
			"scopes[1]: " + scope + " (admin)", "scopes[2]: must be a string (null)"},
		`{"name": "x", "scopes": ["read"], "expiresAt": "2020-01-01T00:00:00Z"}`: {
			"expiresAt: must be a time in the future as in RFC 3339, such as 2030-01-31T12:00:00Z (2020-01-01T00:00:00Z)"},
		`{"name": "x", "scopes": ["read"], "expiresAt": "soon"}`: {
			`expiresAt: must be a time in the future as in RFC 3339, such as 2030-01-31T12:00:00Z (soon)`},
		`{"name": "x", "scopes": ["read"], "role": "owner"}`: {"role: is not a known field; known are name, scopes, expiresAt"},
	} {
		require.Equal(t, want, b.acme().post("/v1/api-keys", body).requires(422).faults(), body)
	}
	b.acme().post("/v1/api-keys", `{"name": "x", "scopes": ["read"], "expiresAt": null}`).requires(201)
}
