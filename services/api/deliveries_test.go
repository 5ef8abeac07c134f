package api_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/sent"
	"github.com/staffetta/staffetta/pkg/sqlstore"
)

var published = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// record writes attempts into the log, as a recorder did at the time.
func (b *bench) record(attempts ...hook.Attempt) {
	b.t.Helper()
	recorder := sqlstore.New(b.db, func() time.Time { return published })
	from, err := b.store.NextOffset(b.t.Context(), 0)
	require.NoError(b.t, err)
	records := make([]hook.Recorded, len(attempts))
	for i, a := range attempts {
		records[i] = hook.Recorded{Offset: from + int64(i), Attempt: a}
	}
	require.NoError(b.t, recorder.Record(b.t.Context(), []hook.Range{{From: from, To: from + int64(len(attempts)), Records: records}}))
}

// attempt is the nth delivery of the webhook, published n seconds after noon.
func attempt(webhook string, n int, fate hook.Fate) hook.Attempt {
	event := fmt.Sprintf("evt_%d", n)
	return hook.Attempt{
		Delivery: hook.DeliveryID(event, webhook, -1), Number: 1, Fate: fate,
		Account: "acme", Webhook: webhook, Event: event, EventType: hook.Create, ItemType: "Contact", Items: []string{"7", "8"},
		Bundle:    hook.Coordinates{Topic: "deliveries", Offset: int64(n)},
		Source:    hook.Coordinates{Topic: "events.contacts", Offset: int64(n)},
		Published: published.Add(time.Duration(n) * time.Second), At: published.Add(time.Duration(n)*time.Second + time.Millisecond),
		Duration: 12500 * time.Microsecond, URL: "https://example.com/hook", StatusCode: 200, Response: []byte("ok"),
		TraceID: "0af7651916cd43dd8448eb211c80319c",
	}
}

func TestEveryFilterOfDeliveries(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ids := make([]string, 9)
	fates := []hook.Fate{hook.FateDelivered, hook.FateRetrying, hook.FateExhausted, hook.FateHeld,
		hook.FateSuperseded, hook.FateDropped, hook.FateCancelled, hook.FateDelivered, hook.FatePending}
	for n, fate := range fates {
		a := attempt("wh_1", n, fate)
		if n == 7 {
			a = attempt("wh_2", n, fate)
			a.ItemType, a.Store, a.Items = "Invoice", "7", []string{"99"}
		}
		if fate == hook.FatePending {
			a.Number, a.StatusCode, a.Reason = 0, 0, hook.ReasonQuota
		}
		ids[n] = a.Delivery
		b.record(a)
	}
	at := func(second int) string {
		return published.Add(time.Duration(second) * time.Second).Format(time.RFC3339)
	}
	for query, want := range map[string][]string{
		"":                               {ids[8], ids[7], ids[6], ids[5], ids[4], ids[3], ids[2], ids[1], ids[0]},
		"status=delivered":               {ids[7], ids[0]},
		"status=retrying":                {ids[1]},
		"status=exhausted":               {ids[2]},
		"status=failed":                  {ids[2], ids[1]},
		"status=held":                    {ids[3]},
		"status=superseded":              {ids[4]},
		"status=dropped":                 {ids[5]},
		"status=cancelled":               {ids[6]},
		"status=pending":                 {ids[8]},
		"status=pending,held":            {ids[8], ids[3]},
		"status=held,dropped":            {ids[5], ids[3]},
		"webhook=wh_2":                   {ids[7]},
		"webhook=wh_3":                   {},
		"itemType=Invoice":               {ids[7]},
		"itemType=Fattura":               {ids[7]},
		"itemId=99":                      {ids[7]},
		"itemId=8&limit=2":               {ids[8], ids[6]},
		"eventId=evt_3":                  {ids[3]},
		"store=7":                        {ids[7]},
		"from=" + at(6):                  {ids[8], ids[7], ids[6]},
		"to=" + at(2):                    {ids[1], ids[0]},
		"from=" + at(2) + "&to=" + at(4): {ids[3], ids[2]},
		"webhook=wh_1&status=delivered":  {ids[0]},
	} {
		require.Equal(t, want, b.acme().get("/v1/deliveries?"+query).ids(), query)
	}
	b.as(adminKey).post("/v1/accounts", `{"id": "other"}`).requires(201)
	other := b.as(b.newKey("other", "read"))
	require.Empty(t, other.get("/v1/deliveries").ids())
	other.get("/v1/deliveries/" + ids[0]).requires(404)
}

func TestADeliveryIsShownWithItsAttemptsAndPayload(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	failed := attempt("wh_1", 1, hook.FateRetrying)
	failed.StatusCode, failed.Reason, failed.Detail, failed.Response = 503, hook.ReasonThrottled, "the receiver answered 503", []byte("\xffbusy")
	failed.Due = failed.At.Add(5 * time.Second)
	done := attempt("wh_1", 1, hook.FateDelivered)
	done.Number, done.Step, done.At = 2, 1, failed.Due
	failed.Timing = hook.Timing{DNS: time.Millisecond, Connect: 2 * time.Millisecond, TLS: 3 * time.Millisecond}
	done.Timing.FirstByte = 250 * time.Microsecond
	for _, line := range []hook.Header{{Name: "Webhook-Id", Value: done.Delivery}, {Name: "Webhook-Timestamp", Value: "1772366406"}} {
		done.Request = sent.Append(done.Request, line, sent.About{Delivery: done.Delivery, At: done.At})
	}
	b.record(failed, done)
	b.kafka.payloads[failed.Bundle] = hook.Event{ID: "evt_1", Account: "acme", Type: hook.Create, ItemType: "Contact",
		Items: []hook.Item{{ID: "7", Ref: "/contacts/7", Data: []byte(`{"price": 1.50}`)}, {ID: "8"}}, Date: "2026-03-01T13:00:01+01:00"}

	shown := b.acme().get("/v1/deliveries/" + failed.Delivery).requires(200)
	require.JSONEq(t, `{
		"id": "`+failed.Delivery+`", "webhook": "wh_1", "status": "delivered", "reason": "",
		"eventId": "evt_1", "eventType": "create", "itemType": "Contact", "itemIds": ["7", "8"], "store": null,
		"attemptCount": 2, "statusCode": 200, "publishedAt": "2026-03-01T12:00:01Z", "updatedAt": "2026-03-01T12:00:06.001Z",
		"dueAt": null, "traceId": "0af7651916cd43dd8448eb211c80319c",
		"attempts": [
			{"run": 0, "number": 1, "status": "retrying", "reason": "throttled", "detail": "the receiver answered 503",
			 "url": "https://example.com/hook", "statusCode": 503, "response": "\ufffdbusy", "responseHeaders": [], "at": "2026-03-01T12:00:01.001Z",
			 "requestHeaders": [], "timing": {"dns": "1ms", "connect": "2ms", "tls": "3ms", "firstByte": null},
			 "duration": "12.5ms", "dueAt": "2026-03-01T12:00:06.001Z", "traceId": "0af7651916cd43dd8448eb211c80319c"},
			{"run": 0, "number": 2, "status": "delivered", "reason": "", "detail": "",
			 "url": "https://example.com/hook", "statusCode": 200, "response": "ok", "responseHeaders": [], "at": "2026-03-01T12:00:06.001Z",
			 "requestHeaders": [{"name": "Webhook-Id", "value": "`+failed.Delivery+`"}, {"name": "Webhook-Timestamp", "value": "1772366406"}],
			 "timing": {"dns": null, "connect": null, "tls": null, "firstByte": "250µs"},
			 "duration": "12.5ms", "dueAt": null, "traceId": "0af7651916cd43dd8448eb211c80319c"}],
		"payload": {"id": "evt_1", "account": "acme", "eventType": "create", "itemType": "Contact",
			"items": [{"id": 7, "ref": "/contacts/7", "data": {"price": 1.50}},
				{"id": 8}],
			"eventDate": "2026-03-01T13:00:01+01:00"}}`, string(shown.body))
	require.Contains(t, string(shown.body), `1.50`, "byte for byte as published")
}

func TestAnAttemptIsShownWithTheAnswersHeaders(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	a := attempt("wh_1", 1, hook.FateRetrying)
	a.ResponseHeaders = []hook.Header{{Name: "Retry-After", Value: "7"}, {Name: "X-Odd", Value: "\xffé"}, {Name: "X-Odd"}}
	b.record(a)
	attempts, ok := b.acme().get("/v1/deliveries/" + a.Delivery).requires(200).object()["attempts"].([]any)
	require.True(t, ok)
	require.Len(t, attempts, 1)
	shown, ok := attempts[0].(map[string]any)
	require.True(t, ok)
	require.Equal(t, []any{
		map[string]any{"name": "Retry-After", "value": "7"},
		map[string]any{"name": "X-Odd", "value": "\uFFFDé"},
		map[string]any{"name": "X-Odd", "value": ""},
	}, shown["responseHeaders"], "in their order")
}

// A deferred delivery was not tried, and says when it will be.
func TestADeliveryThatWaitsForItsQuotaIsPending(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	a := attempt("wh_1", 1, hook.FatePending)
	a.Number, a.StatusCode, a.Response, a.Duration, a.URL = 0, 0, nil, 0, ""
	a.Reason, a.Due = hook.ReasonQuota, a.At.Add(time.Hour)
	b.record(a)
	shown := b.acme().get("/v1/deliveries/" + a.Delivery).requires(200).object()
	require.Equal(t, "pending", shown["status"])
	require.Equal(t, "quota", shown["reason"])
	require.Equal(t, "2026-03-01T13:00:01.001Z", shown["dueAt"])
	require.Equal(t, 0.0, shown["attemptCount"])
}

func TestAPayloadIsShownWhateverItsSize(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	a := attempt("wh_1", 1, hook.FateDelivered)
	b.record(a)
	e := hook.Event{ID: "evt_1", Account: "acme", Type: hook.Create, ItemType: "Contact",
		Items: []hook.Item{{ID: "7", Data: []byte(`"` + strings.Repeat("x", codec.MaxBytes) + `"`)}}}
	b.kafka.payloads[a.Bundle] = e
	require.Contains(t, string(b.acme().get("/v1/deliveries/"+a.Delivery).requires(200).body), string(e.Items[0].Data))
}

func TestAPayloadThatKafkaNoLongerHas(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	a := attempt("wh_1", 1, hook.FateExhausted)
	b.record(a)
	gone := b.acme().get("/v1/deliveries/" + a.Delivery).requires(200).object()
	require.Nil(t, gone["payload"])
	require.Equal(t, true, gone["payloadExpired"])

	b.kafka.down = errors.New("no broker answers")
	away := b.acme().get("/v1/deliveries/" + a.Delivery).requires(200).object()
	require.Nil(t, away["payload"])
	require.Equal(t, true, away["payloadUnavailable"])
	require.NotContains(t, away, "payloadExpired")
	without := b.acme().get("/v1/deliveries/" + a.Delivery + "?payload=false").requires(200).object()
	require.Nil(t, without["payload"])
	require.NotContains(t, without, "payloadUnavailable", "Kafka is not asked")
	require.Len(t, without["attempts"], 1)
}
