package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheSchemaOfAnItemTypeIsSetShownAndRemoved(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	acme := b.acme()
	const schema = `{"type":  "object", "required": ["total"]}`
	acme.get("/v1/item-types/Invoice/schema").requires(404)
	acme.put("/v1/item-types/Fattura/schema", schema).requires(204)
	require.JSONEq(t, schema, string(acme.get("/v1/item-types/Invoice/schema").requires(200).body), "by either name")
	acme.put("/v1/item-types/Invoice/schema", `{}`).requires(204)
	require.JSONEq(t, `{}`, string(acme.get("/v1/item-types/Fattura/schema").requires(200).body))
	acme.put("/v1/item-types/Own/schema", schema).requires(204)

	described := map[string]bool{}
	var list struct {
		Items []struct {
			Name   string
			Schema bool
		}
		Next *string
	}
	require.NoError(t, json.Unmarshal(acme.get("/v1/item-types").requires(200).body, &list))
	require.Nil(t, list.Next)
	for _, entry := range list.Items {
		described[entry.Name] = entry.Schema
	}
	require.True(t, described["Invoice"])
	require.True(t, described["Own"], "outside the catalogue")
	require.False(t, described["Contact"])
	states, err := b.store.Unpublished(t.Context(), 10)
	require.NoError(t, err)
	require.Len(t, states[0].Schemas, 2, "on their way to the routers")

	acme.delete("/v1/item-types/Fattura/schema").requires(204)
	acme.delete("/v1/item-types/Invoice/schema").requires(404)
	acme.get("/v1/item-types/Invoice/schema").requires(404)
}

func TestABadSchemaIsRefusedWithItsPlace(t *testing.T) {
	t.Parallel()
	acme := newBench(t).acme()
	for body, want := range map[string]string{
		`7`: "schema: must be a JSON object",
		`{"properties": {"total": {"type": "money"}}}`:     "schema/properties/total/type: is no JSON Schema",
		`{"$ref": "file:///etc/passwd"}`:                   "schema: must not refer to another document",
		`{"title": "` + strings.Repeat("x", 33_000) + `"}`: "schema: must have at most 32768 bytes",
		"{\"title\": \"\xff\"}":                            "schema: must be UTF-8",
	} {
		faults := acme.put("/v1/item-types/Invoice/schema", body).requires(422).faults()
		require.Len(t, faults, 1)
		require.Contains(t, faults[0], want)
	}
	require.Contains(t, acme.put("/v1/item-types/%20x/schema", `{}`).requires(422).faults()[0], "itemType: must be 1 to 100 printable")
	for _, unreadable := range []string{"%FF", "Own%FF", "%00"} {
		path := "/v1/item-types/" + unreadable + "/schema"
		require.Contains(t, acme.put(path, `{}`).requires(422).faults()[0], "itemType: must be 1 to 100 printable")
		acme.get(path).requires(404)
		acme.delete(path).requires(404)
	}

	for n := range 64 {
		acme.put(fmt.Sprintf("/v1/item-types/Own%d/schema", n), `{}`).requires(204)
	}
	require.Contains(t, acme.put("/v1/item-types/Invoice/schema", `{}`).requires(422).faults()[0], "an account has no more")
	acme.put("/v1/item-types/Own7/schema", `{"type": "object"}`).requires(204)
}
