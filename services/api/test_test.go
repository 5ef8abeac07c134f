package api_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/catalogue"
	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/api"
)

// tried are the deliveries of a test.
func (a answer) tried() []api.TestDelivery {
	a.t.Helper()
	var l api.TestDeliveries
	require.NoError(a.t, json.Unmarshal(a.requires(202).body, &l))
	return l.Items
}

func TestATestIsOneEventForEachChosenType(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.run()
	id := b.acme().post("/v1/webhooks", `{"itemTypes": ["Contact", "SerialNumber"], "eventTypes": ["delete", "update"],
		"url": "https://example.com/hook", "stores": ["7", "8"]}`).requires(201).text("id")
	tried := b.acme().post("/v1/webhooks/"+id+"/test", "").tried()
	require.Len(t, tried, 2)
	for i, e := range b.kafka.tried {
		require.NoError(t, codec.Validate(e), "as good as any event")
		require.Equal(t, []string{"Contact", "SerialNumber"}[i], e.ItemType)
		require.Equal(t, api.TestDelivery{
			ID: hook.DeliveryID(e.ID, id, -1), EventID: e.ID, EventType: "update", ItemType: e.ItemType,
		}, tried[i])
		require.Equal(t, "acme", e.Account)
		require.Equal(t, "7", e.Store)
		require.True(t, strings.HasPrefix(e.Items[0].ID, "TEST"))
		var data map[string]any
		require.NoError(t, json.Unmarshal(e.Items[0].Data, &data))
		require.Equal(t, e.Items[0].ID, data["id"])
		require.Equal(t, "7", data["store"])
	}
	require.Equal(t, "/serial-numbers/TEST-1", b.kafka.tried[1].Items[0].Ref)
	require.Equal(t, "Equipment", b.kafka.tried[1].Items[0].Parent.ItemType)

	named := b.acme().post("/v1/webhooks/"+id+"/test", `{"itemTypes": ["Fattura", "Own Thing"]}`).tried()
	require.Equal(t, "Invoice", named[0].ItemType)
	require.Equal(t, "Own Thing", named[1].ItemType)
}

func TestATestOfAllTypesIsTheFirstTen(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.run()
	id := b.acme().post("/v1/webhooks", `{"itemTypes": ["*"], "url": "https://example.com/hook", "format": "cassa-in-cloud"}`).requires(201).text("id")
	b.acme().post("/v1/webhooks/"+id+"/pause", "").requires(200)
	tried := b.acme().post("/v1/webhooks/"+id+"/test", `{}`).tried()
	require.Len(t, tried, 10)
	for i, d := range tried {
		require.Equal(t, catalogue.All()[i].Name, d.ItemType)
		require.Equal(t, hook.DeliveryID(d.EventID, id, 0), d.ID, "of its one item")
	}
}

func TestATestThatCannotBe(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.run()
	id := b.webhook()
	path := "/v1/webhooks/" + id + "/test"
	for body, want := range map[string]string{
		`{"itemTypes": []}`:     "itemTypes: must be a list of 1 to 10 strings (0 strings)",
		`{"itemTypes": ["*"]}`:  "itemTypes[0]: must be the name of an item type: leave itemTypes out for all (*)",
		`{"types": ["Order"]}`:  "types: is not a known field; known are itemTypes",
		`{"itemTypes": null}`:   "itemTypes: must be a list of 1 to 10 strings (null)",
		`{"itemTypes": [null]}`: "itemTypes[0]: must be a string (null)",
	} {
		require.Equal(t, []string{want}, b.acme().post(path, body).requires(422).faults(), body)
	}
	b.acme().post(path, `[]`).requires(400)
	b.kafka.mu.Lock()
	b.kafka.down = errors.New("no answer")
	b.kafka.mu.Unlock()
	b.acme().post(path, "").requires(503)
	b.acme().delete("/v1/webhooks/" + id).requires(204)
	b.acme().post(path, "").requires(409)
	require.Empty(t, b.kafka.tried)
}

// Of every type of the catalogue there is a sample that is an event.
func TestEverySampleIsAnEvent(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.run()
	id := b.webhook()
	var names []string
	for _, entry := range catalogue.All() {
		names = append(names, entry.Name)
	}
	for len(names) > 0 {
		some := names[:min(10, len(names))]
		names = names[len(some):]
		body, err := json.Marshal(map[string]any{"itemTypes": some})
		require.NoError(t, err)
		require.Len(t, b.acme().post("/v1/webhooks/"+id+"/test", string(body)).tried(), len(some))
	}
	require.Len(t, b.kafka.tried, len(catalogue.All()))
	for _, e := range b.kafka.tried {
		require.NoError(t, codec.Validate(e), e.ItemType)
		var data map[string]any
		require.NoError(t, json.Unmarshal(e.Items[0].Data, &data), e.ItemType)
		require.Greater(t, len(data), 5, "%s has fields of its own", e.ItemType)
	}
}
