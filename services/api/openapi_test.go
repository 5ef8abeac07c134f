package api_test

import (
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
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
		require.Len(t, all, 23, name)
		body, err := json.Marshal(all)
		require.NoError(t, err)
		for _, fault := range b.acme().post("/v1/webhooks", string(body)).requires(422).faults() {
			require.NotContains(t, fault, "known", "every field is known")
		}
	}
}

// The words and limits of the document are the domain's.
func TestTheOpenAPIDocumentKnowsTheDomainsLimits(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	type schema struct {
		Type             any
		Enum             []string
		Minimum, Maximum *float64
		Properties       map[string]schema
	}
	var document struct {
		Components struct{ Schemas map[string]schema }
	}
	require.NoError(t, json.Unmarshal(b.as("").get("/openapi.json").body, &document))
	schemas := document.Components.Schemas
	for _, name := range []string{"NewWebhook", "WebhookPatch"} {
		settings := schemas[name].Properties
		require.EqualValues(t, hook.MaxRateLimit, *settings["rateLimit"].Maximum, name)
		require.Equal(t, []any{"integer", "null"}, settings["rateLimit"].Type, name)
		require.Equal(t, texts(hook.OnQuotas), settings["onQuota"].Enum, name)
		require.Equal(t, texts(hook.OnPauses), settings["onPause"].Enum, name)
		require.Equal(t, texts(hook.AuthTypes), schemas["Auth"].Properties["type"].Enum, name)
		require.Equal(t, texts(hook.Orderings), settings["ordering"].Enum, name)
		require.Equal(t, texts(hook.Coalesces), settings["coalesce"].Enum, name)
	}
	require.Equal(t, []any{"object", "null"}, schemas["Quota"].Type, "null is no limit")
	require.EqualValues(t, 1, *schemas["Quota"].Properties["calls"].Minimum)
	reasons := append([]string{""}, texts(hook.Reasons)...)
	for _, name := range []string{"Delivery", "DeliveryDetails", "Attempt"} {
		require.Equal(t, reasons, schemas[name].Properties["reason"].Enum, name)
		require.Contains(t, schemas[name].Properties["status"].Enum, string(hook.FatePending), name)
	}
}

func texts[T ~string](words []T) []string {
	list := make([]string, len(words))
	for i, word := range words {
		list[i] = string(word)
	}
	return list
}
