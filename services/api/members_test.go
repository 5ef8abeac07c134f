package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMembersAreAddedChangedAndRemoved(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	made := b.acme().post("/v1/members", `{"email": "Mario@example.com", "role": "owner"}`).requires(201)
	id := made.text("id")
	require.Regexp(t, `^mbr_[0-9a-v]{26}$`, id)
	require.Equal(t, "en", made.text("language"))
	require.Equal(t, made.object(), b.acme().get("/v1/members/"+id).requires(200).object())
	b.acme().post("/v1/members", `{"email": "mario@EXAMPLE.com", "role": "viewer"}`).requires(409)
	second := b.acme().post("/v1/members", `{"email": "giulia@example.com", "name": "Giulia", "role": "settings", "language": "it"}`).requires(201).text("id")
	require.Equal(t, []string{second, id}, b.acme().get("/v1/members").ids())

	b.acme().delete("/v1/members/" + id).requires(409)
	b.acme().patch("/v1/members/"+id, `{"role": "viewer"}`).requires(409)
	b.acme().patch("/v1/members/"+second, `{"email": "MARIO@example.com"}`).requires(409)
	changed := b.acme().patch("/v1/members/"+second, `{"role": "owner", "name": "Giulia F."}`).requires(200)
	require.Equal(t, "owner", changed.text("role"))
	require.Equal(t, "giulia@example.com", changed.text("email"))
	b.acme().delete("/v1/members/" + id).requires(204)
	b.acme().delete("/v1/members/" + id).requires(404)

	b.as(adminKey).post("/v1/accounts", `{"id": "other"}`).requires(201)
	other := b.as(b.newKey("other", "settings"))
	require.Empty(t, other.get("/v1/members").ids())
	other.get("/v1/members/" + second).requires(404)
	other.patch("/v1/members/"+second, `{"name": 7}`).requires(404)
	other.delete("/v1/members/" + second).requires(404)
}

func TestAMembersFieldsAreChecked(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const email = "must be an email address, such as mario@example.com, of at most 254 bytes"
	for body, want := range map[string][]string{
		`{}`: {"email: is required", "role: is required"},
		`{"email": "mario", "role": "boss", "language": "de", "name": null}`: {
			"email: " + email + " (mario)", "name: must be a string of 0 to 200 characters (null)",
			"role: must be owner, settings or viewer (boss)", "language: must be en or it (de)",
		},
		`{"email": "Mario <mario@example.com>", "role": "owner", "id": "x"}`: {"email: " + email + " (Mario <mario@example.com>)", "id: is read-only"},
		`{"email": "a@example.com, b@example.com", "role": "owner"}`:         {"email: " + email + " (a@example.com, b@example.com)"},
	} {
		require.Equal(t, want, b.acme().post("/v1/members", body).requires(422).faults(), body)
	}
	b.acme().post("/v1/members", `[]`).requires(400)
}

// Members sign in: who may not publish must not make somebody who may, nor take the
// place of one.
func TestAKeyMakesMembersOfAtMostItsOwnScopes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	a := b.acme()
	owner := a.post("/v1/members", `{"email": "owner@example.com", "role": "owner"}`).requires(201).text("id")
	a.post("/v1/members", `{"email": "second@example.com", "role": "owner"}`).requires(201)
	key := a.post("/v1/api-keys", `{"name": "settings", "scopes": ["read", "write", "settings"]}`).requires(201).text("key")
	lesser := b.as(key)
	mine := lesser.post("/v1/members", `{"email": "me@example.com", "role": "settings"}`).requires(201).text("id")
	for _, refused := range []answer{
		lesser.post("/v1/members", `{"email": "other@example.com", "role": "owner"}`),
		lesser.patch("/v1/members/"+mine, `{"role": "owner"}`),
		lesser.patch("/v1/members/"+owner, `{"email": "me2@example.com"}`),
		lesser.patch("/v1/members/"+owner, `{"role": "viewer"}`),
		lesser.send(http.MethodDelete, "/v1/members/"+owner, ""),
	} {
		require.Contains(t, string(refused.requires(403).body), "lacks")
	}
	require.Equal(t, "owner@example.com", a.get("/v1/members/"+owner).text("email"))
	lesser.patch("/v1/members/"+mine, `{"role": "viewer"}`).requires(200)
	lesser.send(http.MethodDelete, "/v1/members/"+mine, "").requires(204)
}
