package api_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

func TestAFilterThatIsRemovedIsNull(t *testing.T) {
	t.Parallel()
	acme := newBench(t).acme()
	for _, none := range []string{"null", `""`} {
		id := acme.post("/v1/webhooks", `{"itemTypes": ["*"], "url": "https://example.com", "filter": "item.id == 7"}`).requires(201).text("id")
		require.Equal(t, "item.id == 7", acme.patch("/v1/webhooks/"+id, `{"description": "x"}`).requires(200).text("filter"), "absent leaves it")
		changed := acme.patch("/v1/webhooks/"+id, `{"filter": `+none+`}`).requires(200).object()
		require.Contains(t, changed, "filter")
		require.Nil(t, changed["filter"])
	}
}

func TestAFilterThatWouldCostTooMuchIsRefused(t *testing.T) {
	t.Parallel()
	refused := newBench(t).acme().post("/v1/webhooks", `{"itemTypes": ["*"], "url": "https://example.com",
		"filter": "item.data.a.exists(a, a.b.exists(b, b.c.exists(c, c == 1.0)))"}`).requires(422)
	require.Contains(t, string(refused.body), "filter must be a CEL expression: would cost up to")
}

func TestAWebhookShowsWhatWentWrongWithItsFilter(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	acme := b.acme()
	id := acme.post("/v1/webhooks", `{"itemTypes": ["*"], "url": "https://example.com", "filter": "item.data.total > 1.0"}`).requires(201).text("id")
	require.NotContains(t, acme.get("/v1/webhooks/"+id).requires(200).object(), "filterErrors")

	at := time.Date(2026, 11, 28, 10, 0, 0, 0, time.UTC)
	for n, event := range []string{"evt_1", "evt_2"} {
		require.NoError(t, b.filters.Report(t.Context(), []hook.FilterError{
			{Webhook: id, Count: 3, At: at.Add(time.Duration(n) * time.Second), Event: event, Message: "no such key: total"},
		}))
	}
	want := map[string]any{"count": 6.0, "last": map[string]any{"at": "2026-11-28T10:00:01Z", "eventId": "evt_2", "message": "no such key: total"}}
	require.Equal(t, want, acme.get("/v1/webhooks/" + id).requires(200).object()["filterErrors"])
	require.Contains(t, string(acme.get("/v1/webhooks").requires(200).body), `"filterErrors":{"count":6`)
	require.Equal(t, want, acme.patch("/v1/webhooks/"+id, `{"description": "x"}`).requires(200).object()["filterErrors"])

	require.NotContains(t, acme.patch("/v1/webhooks/"+id, `{"filter": "item.id == 7"}`).requires(200).object(), "filterErrors", "those were another's")
	require.NotContains(t, acme.get("/v1/webhooks/"+id).requires(200).object(), "filterErrors")

	require.NoError(t, b.filters.Report(t.Context(), []hook.FilterError{{Webhook: id, Count: 1, At: at}}))
	b.redis.Close()
	require.NotContains(t, acme.get("/v1/webhooks/"+id).requires(200).object(), "filterErrors", "nobody knows")
}
