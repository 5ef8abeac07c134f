package api_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/api"
)

func TestAnOperationalWebhookIsToldOfNoticesAlone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	made := b.acme().post("/v1/webhooks", `{"notices": ["webhook.disabled", "quota.exceeded", "webhook.disabled"], "url": "https://example.com/hook"}`).requires(201)
	o := made.object()
	require.Equal(t, []any{"webhook.disabled", "quota.exceeded"}, o["notices"])
	require.Equal(t, []any{}, o["itemTypes"])
	require.Equal(t, []any{}, o["eventTypes"])
	require.Equal(t, "standard", o["format"])
	id := made.text("id")
	b.acme().patch("/v1/webhooks/"+id, `{"format": "cloudevents", "cloudevents": "binary", "notices": ["*"], "rateLimit": 5}`).requires(200)
	o = b.acme().get("/v1/webhooks/" + id).object()
	require.Equal(t, []any{"*"}, o["notices"])
	require.Equal(t, "cloudevents", o["format"])

	const none = "must be left out beside notices: an operational webhook gets no changes of items"
	for fields, want := range map[string][]string{
		`"itemTypes": ["Contact", "Invoice"]`:       {"itemTypes: " + none + " (Contact, Invoice)"},
		`"eventTypes": ["create"]`:                  {"eventTypes: " + none + " (create)"},
		`"stores": ["7"]`:                           {"stores: " + none + " (1 stores)"},
		`"filter": "true"`:                          {"filter: " + none + " (true)"},
		`"ordering": "item", "coalesce": "item"`:    {"ordering: " + none + " (item)", "coalesce: " + none + " (item)"},
		`"payload": "full"`:                         {"payload: " + none + " (full)"},
		`"format": "rentman", "secret": "12345678"`: {"format: must be standard or cloudevents beside notices (rentman)"},
		`"notices": ["webhook.broken"]`:             {"notices[0]: must be *, webhook.failing, webhook.disabled, webhook.recovered, quota.exceeded or payloads.expiring (webhook.broken)"},
		`"stores": ["7", "8"], "payload": "full"`:   {"stores: " + none + " (2 stores)", "payload: " + none + " (full)"},
	} {
		require.Equal(t, want, b.acme().patch("/v1/webhooks/"+id, "{"+fields+"}").requires(422).faults(), fields)
		if !strings.Contains(fields, "notices") {
			fields += `, "notices": ["*"]`
		}
		require.Equal(t, want, b.acme().post("/v1/webhooks", `{"url": "https://example.com/hook", `+fields+"}").requires(422).faults(), fields)
	}
	formatOfItems := b.acme().post("/v1/webhooks", `{"url": "https://example.com/hook", "notices": ["*"], "format": "cassa-in-cloud"}`)
	require.Equal(t, []string{"format: must be standard or cloudevents beside notices (cassa-in-cloud)"}, formatOfItems.requires(422).faults())

	said := b.acme().post("/v1/webhooks", `{"url": "https://example.com/hook", "notices": ["*"], "stores": [], "filter": null, "ordering": "none",
		"coalesce": "none", "payload": "thin"}`)
	said.requires(201) // it says what it is anyway
	neither := b.acme().post("/v1/webhooks", `{"url": "https://example.com/hook", "notices": []}`).requires(422)
	require.Equal(t, []string{"itemTypes: is required"}, neither.faults())
}

func TestAWebhookIsOperationalForLife(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ordinary := b.webhook()
	operational := b.acme().post("/v1/webhooks", `{"notices": ["*"], "url": "https://example.com/hook"}`).requires(201).text("id")
	const rule = "notices: must not become empty, or cease to be: whether a webhook is told of changes or of notices is for life; make another webhook"
	require.Equal(t, []string{rule + " (quota.exceeded)"}, b.acme().patch("/v1/webhooks/"+ordinary, `{"notices": ["quota.exceeded"]}`).requires(422).faults())
	require.Equal(t, []string{rule}, b.acme().patch("/v1/webhooks/"+operational, `{"notices": [], "itemTypes": ["*"]}`).requires(422).faults())
	b.acme().patch("/v1/webhooks/"+ordinary, `{"notices": []}`).requires(200)
}

func TestATestOfAnOperationalWebhookIsOneOfEachNotice(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.run()
	id := b.acme().post("/v1/webhooks", `{"notices": ["*"], "url": "https://example.com/hook"}`).requires(201).text("id")
	tried := b.acme().post("/v1/webhooks/"+id+"/test", "").tried()
	require.Len(t, tried, len(hook.Notices))
	for i, e := range b.kafka.tried {
		require.Equal(t, api.TestDelivery{
			ID: hook.DeliveryID(e.ID, id, -1), EventID: e.ID, EventType: "notice", ItemType: string(hook.Notices[i]),
		}, tried[i])
		require.True(t, strings.HasPrefix(e.Items[0].ID, "TEST"))
		var data map[string]any
		require.NoError(t, json.Unmarshal(e.Items[0].Data, &data))
		require.Equal(t, e.ID, data["id"])
		require.Equal(t, "acme", data["account"])
	}
	one := b.acme().post("/v1/webhooks", `{"notices": ["quota.exceeded"], "url": "https://example.com/hook"}`).requires(201).text("id")
	require.Equal(t, "quota.exceeded", b.acme().post("/v1/webhooks/"+one+"/test", "").tried()[0].ItemType)
	refused := b.acme().post("/v1/webhooks/"+one+"/test", `{"itemTypes": ["Contact", "Invoice"]}`).requires(422)
	require.Equal(t, []string{"itemTypes: must be left out: the webhook is told of notices (Contact, Invoice)"}, refused.faults())
}

func TestAReplayNeitherMixesNoticesAndChangesNorFindsNoticesAmongEvents(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ordinary := b.webhook()
	operational := b.acme().post("/v1/webhooks", `{"notices": ["*"], "url": "https://example.com/hook"}`).requires(201).text("id")
	replay := func(fields string) answer {
		return b.acme().post("/v1/replays", `{"from": "2026-01-01T12:00:00Z", `+fields+`}`)
	}
	const other = "source: must be told of what the webhook is told of: changes of items, or notices"
	require.Equal(t, []string{"source: is required: an operational webhook gets no events, and the notices of before are in its log"},
		replay(`"webhook": "`+operational+`"`).requires(422).faults())
	require.Equal(t, []string{other + " (" + operational + ")"}, replay(`"webhook": "`+ordinary+`", "source": "`+operational+`"`).requires(422).faults())
	require.Equal(t, []string{other + " (" + ordinary + ")"}, replay(`"webhook": "`+operational+`", "source": "`+ordinary+`"`).requires(422).faults())
	replay(`"webhook": "` + operational + `", "source": "` + operational + `"`).requires(201)
}
