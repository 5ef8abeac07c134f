package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

func TestExhaustedDeliveriesAreListedByReasonAndDiscarded(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	because := func(n int, fate hook.Fate, reason hook.Reason) hook.Attempt {
		a := attempt("wh_1", n, fate)
		a.Reason = reason
		return a
	}
	first, second := because(1, hook.FateExhausted, hook.ReasonTimeout), because(2, hook.FateExhausted, hook.ReasonConnect)
	third, waits := because(3, hook.FateExhausted, hook.ReasonTimeout), because(4, hook.FateRetrying, hook.ReasonTimeout)
	b.record(first, second, third, waits)
	require.Equal(t, []string{third.Delivery, first.Delivery}, b.acme().get("/v1/deliveries?status=exhausted&reason=timeout").ids())
	require.Equal(t, []string{waits.Delivery, third.Delivery, first.Delivery}, b.acme().get("/v1/deliveries?status=failed&reason=timeout").ids())
	require.Equal(t, []string{"reason: needs a status beside it, such as exhausted, and not delivered (timeout)"}, b.acme().get("/v1/deliveries?reason=timeout").requires(422).faults())
	b.acme().get("/v1/deliveries?status=failed,delivered&reason=timeout").requires(422)
	require.Contains(t, b.acme().get("/v1/deliveries?status=failed&reason=weather").requires(422).faults()[0], "reason: must be status, redirect, ")

	one := "/v1/deliveries/" + first.Delivery
	b.as(b.newKey("acme", "read")).delete(one).requires(403)
	for range 2 {
		b.acme().delete(one).requires(http.StatusNoContent)
	}
	shown := b.acme().get(one)
	require.Equal(t, "cancelled", shown.text("status"))
	require.Equal(t, "discarded", shown.text("reason"))
	require.Equal(t, []string{third.Delivery, second.Delivery}, b.acme().get("/v1/deliveries?status=exhausted").ids())
	b.acme().delete("/v1/deliveries/" + waits.Delivery).requires(http.StatusConflict).faults()

	for query, want := range map[string]string{
		"": "webhook: is required, or another parameter: not everything is meant by nothing",
		"?from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z": "from: must be before to (2026-03-02T00:00:00Z)",
	} {
		require.Equal(t, []string{want}, b.acme().delete("/v1/deliveries"+query).requires(422).faults())
	}
	require.JSONEq(t, `{"discarded": 1, "more": false}`, string(b.acme().delete("/v1/deliveries?webhook=wh_1&reason=connect").requires(200).body))
	require.JSONEq(t, `{"discarded": 1, "more": false}`, string(b.acme().delete("/v1/deliveries?from=2026-03-01T00:00:00Z").requires(200).body))
	require.Equal(t, []string{waits.Delivery}, b.acme().get("/v1/deliveries?status=failed").ids())
}
