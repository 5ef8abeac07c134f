package api_test

import (
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write openapi.json anew")

// The document is checked in, so that a change of the interface is seen.
func TestTheOpenAPIDocumentIsUpToDate(t *testing.T) {
	b := newBench(t)
	now, err := b.OpenAPI()
	require.NoError(t, err)
	if *update {
		require.NoError(t, os.WriteFile("openapi.json", now, 0o644))
	}
	kept, err := os.ReadFile("openapi.json")
	require.NoError(t, err)
	require.Equal(t, string(kept), string(now), "run: go generate ./api")
}

func TestTheOpenAPIDocumentIsServed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	served := b.as("").get("/openapi.json").requires(200)
	require.Equal(t, "3.1.0", served.text("openapi"))
	now, err := b.OpenAPI()
	require.NoError(t, err)
	require.JSONEq(t, string(now), string(served.body))
	b.as("").get("/docs").requires(404)
}

// What the document says of a webhook's settings is what the service takes.
func TestTheOpenAPIDocumentKnowsEverySetting(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var document struct {
		Components struct {
			Schemas map[string]struct {
				Properties           map[string]any
				AdditionalProperties any
			}
		}
	}
	require.NoError(t, json.Unmarshal(b.as("").get("/openapi.json").body, &document))
	for _, name := range []string{"NewWebhook", "WebhookPatch"} {
		schema := document.Components.Schemas[name]
		require.Equal(t, false, schema.AdditionalProperties, name)
		all := map[string]any{}
		for field := range schema.Properties {
			all[field] = nil
		}
		require.Len(t, all, 13, name)
		body, err := json.Marshal(all)
		require.NoError(t, err)
		for _, fault := range b.acme().post("/v1/webhooks", string(body)).requires(422).faults() {
			require.NotContains(t, fault, "known", "every field is known")
		}
	}
}
