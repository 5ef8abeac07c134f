package api_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNoSecretReachesALogOrAnError(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	path := "/v1/webhooks/" + b.webhook()
	const token = "hunter2-hunter2-hunter2"
	shown := [][]byte{
		b.acme().patch(path, `{"format": "standard", "secret": "`+token+`"}`).requires(422).body,
		b.acme().patch(path, `{"secret": {"x": "`+token+`"}}`).requires(422).body,
		b.acme().patch(path, `{"secret": "`+token+`", "url": "https://me:`+token+`@example.com"}`).requires(422).body,
		b.acme().patch(path, `{"secret": "`+token+``).requires(400).body,
		b.acme().patch(path, `{"format": "rentman", "secret": "`+token+`"}`).requires(200).body,
		b.acme().get(path).requires(200).body,
		b.acme().get("/v1/webhooks").requires(200).body,
		b.as(token).get("/v1/webhooks").requires(401).body,
	}
	require.NoError(t, b.db.Close())
	shown = append(shown,
		b.acme().patch(path, `{"format": "rentman", "secret": "`+token+`"}`).body,
		b.as("sk_"+token).get("/v1/webhooks").requires(503).body)
	require.NotEmpty(t, b.log.Bytes())
	for _, text := range append(shown, b.log.Bytes()) {
		require.NotContains(t, string(text), "hunter2")
		require.NotContains(t, string(text), b.key)
	}
}
