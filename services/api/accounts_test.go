package api_test

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAccountsAreMadeRenamedAndDeleted(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	operator := b.as(adminKey)
	made := operator.post("/v1/accounts", `{"id": "Bar_1.x-y", "name": "Bar Sport"}`).requires(201)
	require.Equal(t, "Bar Sport", made.text("name"))
	require.Equal(t, "other", operator.post("/v1/accounts", `{"id": "other"}`).requires(201).text("name"), "the id by default")
	require.Equal(t, []string{"Bar_1.x-y", "acme", "other"}, operator.get("/v1/accounts").ids())

	require.Equal(t, "Bar Centrale", operator.patch("/v1/accounts/Bar_1.x-y", `{"name": "Bar Centrale"}`).requires(200).text("name"))
	require.Equal(t, "Bar Centrale", operator.get("/v1/accounts/Bar_1.x-y").requires(200).text("name"))
	require.Equal(t, "Bar Centrale", operator.patch("/v1/accounts/Bar_1.x-y", `{}`).requires(200).text("name"))

	operator.delete("/v1/accounts/Bar_1.x-y").requires(204)
	operator.get("/v1/accounts/Bar_1.x-y").requires(404)
	operator.delete("/v1/accounts/Bar_1.x-y").requires(404)
	operator.post("/v1/accounts", `{"id": "Bar_1.x-y"}`).requires(409)
	operator.post("/v1/accounts", `{"id": "acme"}`).requires(409)
}

func TestADeletedAccountsKeysAreRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.as(adminKey).delete("/v1/accounts/acme").requires(204)
	// Not used before, so it is in no cache.
	require.Equal(t, 401, b.acme().get("/v1/webhooks").code)
}

func TestRulesOfAccounts(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const id = "id: must be 1 to 64 characters of A-Z a-z 0-9 . _ -"
	for body, want := range map[string]string{
		`{}`:                          "id: is required",
		`{"id": ""}`:                  id,
		`{"id": "a b"}`:               id + ` (a b)`,
		`{"id": 7}`:                   id + ` (7)`,
		`{"id": null}`:                id + ` (null)`,
		`{"id": "."}`:                 "id: must not be . or .., which no path can name (.)",
		`{"id": ".."}`:                "id: must not be . or .., which no path can name (..)",
		`{"id": "x", "name": ""}`:     "name: must be a string of 1 to 200 characters without control characters",
		`{"id": "x", "name": "a\nb"}`: "name: must be a string of 1 to 200 characters without control characters (a\nb)",
		`{"id": "x", "strike": {}}`:   "strike: is not a known field; known are id, name, quota, streak",
		`{"id": "x", "createdAt": 1}`: "createdAt: is read-only",
	} {
		got := b.as(adminKey).post("/v1/accounts", body).requires(422).faults()
		require.Len(t, got, 1, body)
		require.Equal(t, want, got[0], body)
	}
	many := `{"id": "x"`
	for n := range 1000 {
		many += `, "f` + strconv.Itoa(n) + `": 0`
	}
	require.Len(t, b.as(adminKey).post("/v1/accounts", many+"}").requires(422).faults(), 20)
	b.as(adminKey).post("/v1/accounts", `{"id": "..."}`).requires(201)
	b.as(adminKey).post("/v1/accounts", `[]`).requires(400)
	b.as(adminKey).post("/v1/accounts", `{"id": `).requires(400)
	b.as(adminKey).post("/v1/accounts", ``).requires(400)
	b.as(adminKey).post("/v1/accounts", `null`).requires(400)
}

func TestAKeySeesItsOwnAccount(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.as(adminKey).patch("/v1/accounts/acme", `{"name": "Acme", "quota": {"calls": 7, "period": "1h"}, "streak": {"notify": [2], "disable": 3}}`).requires(200)
	own := b.as(b.newKey("acme", "read")).get("/v1/account").requires(200)
	require.JSONEq(t, string(b.as(adminKey).get("/v1/accounts/acme").requires(200).body), string(own.body))
	require.JSONEq(t, string(own.body), string(b.as(adminKey).with("Staffetta-Account", "acme").get("/v1/account").requires(200).body))
}
