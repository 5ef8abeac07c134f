package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

// sees is an event of a store that the router has met.
func (b *bench) sees(account, store string) {
	b.t.Helper()
	_, err := b.store.Register(b.t.Context(), hook.Registration{Seen: []hook.Sighting{{Account: account, Store: store}}})
	require.NoError(b.t, err)
}

func TestStoresAreListedNamedAndRemoved(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	require.Empty(t, b.acme().get("/v1/stores").ids())
	b.sees("acme", "7")
	b.sees("acme", "via Roma/1")
	require.Equal(t, []string{"7", "via Roma/1"}, b.acme().get("/v1/stores").ids())

	named := b.acme().put("/v1/stores/via%20Roma%2F1", `{"name": "Via Roma"}`).requires(http.StatusOK)
	require.Equal(t, "via Roma/1", named.text("id"))
	require.Equal(t, "Via Roma", named.text("name"))
	b.acme().put("/v1/stores/12", `{"name": "Bari"}`).requires(http.StatusOK)
	page := b.acme().get("/v1/stores?limit=2")
	require.Equal(t, []string{"12", "7"}, page.ids())
	require.Equal(t, []string{"via Roma/1"}, b.acme().get("/v1/stores?limit=2&cursor="+page.text("next")).ids())

	b.acme().delete("/v1/stores/7").requires(http.StatusNoContent)
	b.acme().delete("/v1/stores/7").requires(http.StatusNotFound)
	b.sees("acme", "7")
	b.sees("acme", "12")
	require.Equal(t, []string{"12", "7", "via Roma/1"}, b.acme().get("/v1/stores").ids(), "it is back")
	require.Contains(t, string(b.acme().get("/v1/stores").body), `"name":"Bari"`, "a name that was given stays")

	b.as(adminKey).post("/v1/accounts", `{"id": "other"}`).requires(201)
	other := b.as(b.newKey("other", "read", "write"))
	require.Empty(t, other.get("/v1/stores").ids())
	other.delete("/v1/stores/12").requires(http.StatusNotFound)
}

func TestNamesOfStoresAreChecked(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for body, want := range map[string]string{
		`{}`:                        "name: is required",
		`{"name": ""}`:              "name: must be a string of 1 to 200 characters without control characters",
		`{"name": null}`:            "name: must be a string of 1 to 200 characters (null)",
		`{"name": "x", "id": "8"}`:  "id: is read-only",
		`{"name": "x", "city": ""}`: "city: is not a known field; known are name",
	} {
		require.Equal(t, []string{want}, b.acme().put("/v1/stores/7", body).requires(422).faults(), body)
	}
	for _, id := range []string{"a%2F%2Fb", "%2E%2E", "a%2F..%2Fb"} { // as events may have them
		b.acme().put("/v1/stores/"+id, `{"name": "x"}`).requires(200)
		b.acme().delete("/v1/stores/" + id).requires(204)
	}
	b.acme().put("/v1/stores/7", `[]`).requires(400)
	b.acme().put("/v1/stores/%00", `{"name": "x"}`).requires(404)
	long := strings.Repeat("x", 257)
	require.Equal(t, []string{"id: must be at most 256 bytes (" + long[:64] + "…)"}, b.acme().put("/v1/stores/"+long, `{"name": "x"}`).requires(422).faults())
	require.Empty(t, b.acme().get("/v1/stores").ids())
}
