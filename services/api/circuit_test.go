package api_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/redisstore"
)

func TestAWebhookShowsWhatItsBreakerIsLike(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	acme := b.acme()
	id := acme.post("/v1/webhooks", `{"itemTypes": ["*"], "url": "https://example.com"}`).requires(201).text("id")
	require.Equal(t, "closed", acme.get("/v1/webhooks/"+id).requires(200).text("circuit"))

	require.NoError(t, b.circuits.Report(t.Context(), []redisstore.Circuit{{Webhook: id, State: "open", For: time.Minute}}))
	require.Equal(t, "open", acme.get("/v1/webhooks/"+id).requires(200).text("circuit"))
	require.Contains(t, string(acme.get("/v1/webhooks").requires(200).body), `"circuit":"open"`)

	b.redis.Close()
	require.NotContains(t, string(acme.get("/v1/webhooks/"+id).requires(200).body), "circuit", "not known is not closed")
}
