package api_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

var quarantinedAt = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// quarantined puts a record of that account into quarantine, a minute behind the one
// before, and gives its id.
func (b *bench) quarantined(account, reason string, change ...func(*hook.Quarantined, *hook.Record)) string {
	b.t.Helper()
	n := int64(len(b.kafka.quarantine))
	at := hook.Coordinates{Topic: "quarantine", Partition: 1, Offset: n}
	since := quarantinedAt.Add(time.Duration(n) * time.Minute)
	q := hook.Quarantined{
		ID: hook.QuarantinedID(at, since), Account: account, Reason: reason, Detail: "why",
		Source: hook.Coordinates{Topic: "events.contacts", Partition: 3, Offset: 70 + n}, At: at, State: hook.Open, CreatedAt: since,
	}
	r := hook.Record{Key: []byte(account + "/Contact"), Value: []byte("hello")}
	for _, c := range change {
		c(&q, &r)
	}
	q.Bytes = int64(len(r.Value))
	b.kafka.quarantine[q.ID] = r
	_, err := b.store.Register(b.t.Context(), hook.Registration{Quarantined: []hook.Quarantined{q}})
	require.NoError(b.t, err)
	return q.ID
}

func TestAQuarantinedRecordIsShownAsItCame(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.quarantined("acme", "not_json", func(_ *hook.Quarantined, r *hook.Record) {
		r.Value, r.Headers = []byte("h\xffllo"), []hook.Header{{Name: "traceparent", Value: "00-…"}}
	})
	require.JSONEq(t, fmt.Sprintf(`{"id": %q, "state": "open", "account": "acme", "reason": "not_json", "detail": "why",
		"topic": "events.contacts", "partition": 3, "offset": 70, "bytes": 5, "createdAt": "2026-03-01T12:00:00Z", "changedAt": null,
		"record": {"key": "acme/Contact", "keyBase64": "YWNtZS9Db250YWN0", "headers": [{"name": "traceparent", "value": "00-…"}],
			"value": "h\uFFFDllo", "valueBase64": "aP9sbG8="}}`, id), string(b.acme().get("/v1/quarantine/"+id).requires(200).body))

	bare := b.quarantined("acme", "tombstone", func(_ *hook.Quarantined, r *hook.Record) { *r = hook.Record{} })
	require.Equal(t, map[string]any{"key": nil, "keyBase64": nil, "headers": []any{}, "value": nil, "valueBase64": nil},
		b.acme().get("/v1/quarantine/" + bare).object()["record"])
	large := b.quarantined("acme", "too_large", func(_ *hook.Quarantined, r *hook.Record) { r.Value = make([]byte, 2<<20) })
	shown, ok := b.acme().get("/v1/quarantine/" + large).object()["record"].(map[string]any)
	require.True(t, ok)
	require.Equal(t, true, shown["cut"])
	require.Len(t, shown["valueBase64"], base64.StdEncoding.EncodedLen(1<<20))

	delete(b.kafka.quarantine, id)
	expired := b.acme().get("/v1/quarantine/" + id).requires(200).object()
	require.Nil(t, expired["record"])
	require.Equal(t, true, expired["recordExpired"])
	b.kafka.down = errors.New("kafka is away")
	require.Equal(t, true, b.acme().get("/v1/quarantine/" + id).requires(200).object()["recordUnavailable"])
}

func TestADefectsStackIsTheOperators(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.quarantined("acme", "defect", func(q *hook.Quarantined, _ *hook.Record) { q.Detail = "panic: oh\ngoroutine 7" })
	require.Equal(t, "panic: oh", b.acme().get("/v1/quarantine/"+id).text("detail"))
	require.NotContains(t, string(b.acme().get("/v1/quarantine").body), "goroutine")
	require.Equal(t, "panic: oh\ngoroutine 7", b.as(adminKey).get("/v1/quarantine/"+id).text("detail"))
}

func TestQuarantineIsFiltered(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	first, second := b.quarantined("acme", "not_json"), b.quarantined("acme", "tombstone")
	third := b.quarantined("acme", "not_json", func(q *hook.Quarantined, _ *hook.Record) { q.Source.Topic = "own" })
	for query, want := range map[string][]string{
		"":                                  {third, second, first},
		"?reason=not_json":                  {third, first},
		"?topic=events.contacts":            {second, first},
		"?from=2026-03-01T12:01:00Z":        {third, second},
		"?to=2026-03-01T12:01:00Z":          {first},
		"?reason=not_json&topic=own":        {third},
		"?state=redriven":                   {},
		"?state=open&reason=unheard_of":     {},
		"?from=2026-03-01T13:00:00%2B00:00": {},
	} {
		require.Equal(t, want, b.acme().get("/v1/quarantine"+query).ids(), query)
	}
	page := b.acme().get("/v1/quarantine?limit=2")
	require.Equal(t, []string{third, second}, page.ids())
	require.Equal(t, []string{first}, b.acme().get("/v1/quarantine?limit=2&cursor="+page.text("next")).ids())
	require.Equal(t, []string{`state: must be one of open, redriven, discarded (gone)`}, b.acme().get("/v1/quarantine?state=gone").requires(422).faults())
}

func TestAQuarantinedRecordIsSentAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.quarantined("acme", "unknown_account", func(_ *hook.Quarantined, r *hook.Record) {
		r.Headers = []hook.Header{{Name: "traceparent", Value: "00-…"}}
	})
	for range 2 { // once more is once more
		answer := b.as(b.newKey("acme", "write")).post("/v1/quarantine/"+id+"/redrive", "").requires(http.StatusAccepted)
		require.Equal(t, "redriven", answer.text("state"))
		require.NotEmpty(t, answer.text("changedAt"))
	}
	once := redriven{hook.Coordinates{Topic: "events.contacts", Partition: 3, Offset: 70}, b.kafka.quarantine[id]}
	require.Equal(t, []redriven{once, once}, b.kafka.redriven)
	require.Equal(t, []string{id}, b.acme().get("/v1/quarantine?state=redriven").ids())

	b.acme().delete("/v1/quarantine/" + id).requires(http.StatusNoContent)
	b.acme().delete("/v1/quarantine/" + id).requires(http.StatusNoContent)
	require.Empty(t, b.acme().get("/v1/quarantine").ids())
	require.Equal(t, "discarded", b.acme().get("/v1/quarantine/"+id).text("state"))
	b.acme().post("/v1/quarantine/"+id+"/redrive", "").requires(http.StatusConflict)
	require.Len(t, b.kafka.redriven, 2)
}

func TestWhatCannotBeSentAgainSaysWhy(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	expired := b.quarantined("acme", "not_json")
	cut := b.quarantined("acme", "too_large", func(_ *hook.Quarantined, r *hook.Record) { r.Cut = true })
	nowhere := b.quarantined("acme", "not_json", func(q *hook.Quarantined, _ *hook.Record) { q.Source.Topic = "gone" })
	b.kafka.quarantine[expired] = hook.Record{}
	delete(b.kafka.quarantine, expired)
	for id, status := range map[string]int{expired: http.StatusGone, cut: http.StatusConflict, nowhere: http.StatusConflict} {
		b.acme().post("/v1/quarantine/"+id+"/redrive", "").requires(status).faults()
		require.Equal(t, "open", b.acme().get("/v1/quarantine/"+id).text("state"))
	}
	b.kafka.down = errors.New("kafka is away")
	b.acme().post("/v1/quarantine/"+cut+"/redrive", "").requires(http.StatusServiceUnavailable)
	require.Empty(t, b.kafka.redriven)
}

func TestAQuarantinedRecordIsMended(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const good = `{"account": "acme", "eventType": "update", "itemType": "Contact", "items": [{"id": 7}]}`
	header := func(contentType string) func(*hook.Quarantined, *hook.Record) {
		return func(_ *hook.Quarantined, r *hook.Record) {
			r.Headers = []hook.Header{{Name: "Content-Type", Value: contentType}, {Name: "x", Value: "y"}}
		}
	}
	body := func(value string) string { return fmt.Sprintf(`{"value": %q}`, value) }
	const envelope = `{"specversion": "1.0", "id": "ce-1", "data": ` + good + `}`
	for _, test := range []struct {
		contentType, body, value string
		kept                     bool // the content type
	}{
		{"application/json", body(good), good, true},
		{"application/json", `{"valueBase64": "` + base64.StdEncoding.EncodeToString([]byte(good)) + `"}`, good, true},
		{"application/cloudevents+json; charset=utf-8", body(envelope), envelope, true},
		{"text/xml", body(good), good, false},
		{"application/protobuf", body(good), good, false},
	} {
		id := b.quarantined("acme", "invalid_field", header(test.contentType))
		b.kafka.redriven = nil
		b.acme().post("/v1/quarantine/"+id+"/redrive", test.body).requires(http.StatusAccepted)
		want := b.kafka.quarantine[id]
		want.Value = []byte(test.value)
		if !test.kept {
			want.Headers = want.Headers[1:]
		}
		require.Equal(t, want, b.kafka.redriven[0].record, test.contentType)
	}

	id := b.quarantined("acme", "not_json")
	b.kafka.redriven = nil
	other := strings.Replace(good, "acme", "other", 1)
	for value, want := range map[string]string{
		body("hello"): "value: must be JSON: at byte 0 there must be a value",
		body(strings.Replace(good, "update", "made", 1)): "value.eventType: must be create, update or delete (made)",
		body(other):                           "value.account: must be acme (other)",
		`{"value": 7}`:                        "value: must be a string (7)",
		`{"value": null}`:                     "value: must be a string (null)",
		`{"value": "{}", "valueBase64": ""}`:  "valueBase64: must be left out beside value",
		`{"valueBase64": "*"}`:                "valueBase64: must be base64 (*)",
		`{"values": "{}"}`:                    "values: is not a known field; known are value, valueBase64",
		`{"valueBase64": "e30=", "value": 7}`: "value: must be a string (7)",
	} {
		require.Equal(t, []string{want}, b.acme().post("/v1/quarantine/"+id+"/redrive", value).requires(422).faults()[:1], value)
	}
	b.as(b.newKey("acme", "read", "write")).post("/v1/quarantine/"+id+"/redrive", body(good)).requires(http.StatusForbidden)
	require.Empty(t, b.kafka.redriven)
	b.as(adminKey).with("Staffetta-Account", "acme").post("/v1/quarantine/"+id+"/redrive", body(other)).requires(422)
	b.as(adminKey).post("/v1/quarantine/"+id+"/redrive", body(other)).requires(http.StatusAccepted)

	task := b.quarantined("acme", "defect", func(q *hook.Quarantined, _ *hook.Record) { q.Source.Topic = "deliveries" })
	b.acme().post("/v1/quarantine/"+task+"/redrive", body(good)).requires(http.StatusConflict)
	b.acme().post("/v1/quarantine/"+task+"/redrive", "").requires(http.StatusAccepted)
}
