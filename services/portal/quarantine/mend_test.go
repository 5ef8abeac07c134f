package quarantine_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/portaltest"
)

func TestARecordIsSentAgainAsItCame(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.bad()
	on := b.Visit(hook.RoleSettings)
	on.Get("/portal/quarantine/" + id)
	for range 2 { // the form was sent twice
		b.contains(on.Post("/portal/quarantine/"+id+"/redrive", form("once", "k1")), "The record was sent again", "Sent again")
	}
	require.Equal(t, []hook.Record{b.Kafka.Records[id]}, b.Kafka.Redriven)
	require.Equal(t, hook.Redriven, b.state(id))
	require.NotContains(t, on.Get("/portal/quarantine").Body, id, "it needs nobody's eye any more")
	b.contains(on.Get("/portal/quarantine?state=redriven"), id)
}

func TestARecordIsMended(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.bad()
	on := b.Visit(hook.RoleOwner)
	b.contains(on.Get("/portal/quarantine/"+id), `<input type="hidden" name="tidy" value="1">`, "&#34;eventType&#34;: &#34;made&#34;")
	mended := "{\r\n  \"account\": \"acme\",\r\n  \"eventType\": \"create\",\r\n  \"itemType\": \"Contact\",\r\n  \"items\": [{\"id\": 7, \"data\": {\"total\": 12.50}}]\r\n}"
	b.contains(on.Post("/portal/quarantine/"+id+"/redrive", form("once", "k1", "tidy", "1", "value", mended)), "The record was sent again")
	want := b.Kafka.Records[id]
	want.Value = []byte(event)
	require.Equal(t, []hook.Record{want}, b.Kafka.Redriven, "in one line, its numbers as they were")
}

func TestAMendedValueIsRefusedAtItsField(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.bad()
	on := b.Visit(hook.RoleOwner)
	on.Get("/portal/quarantine/" + id)
	for value, texts := range map[string][]string{
		broken:  {`<code>eventType</code> must be create, update or delete`, `&#34;made&#34;`, `aria-invalid="true"`},
		"hello": {`<code>value</code> must be JSON: at byte 0`, "Line 1, column 1:", "<mark>h</mark>ello"},
		`{"account":"other","eventType":"create","itemType":"Contact","items":[{"id":7}]}`: {`<code>account</code> must be acme`},
		script: {escaped},
		"":     {"value"},
	} {
		answer := on.Post("/portal/quarantine/"+id+"/redrive", form("value", value))
		require.Equal(t, http.StatusUnprocessableEntity, answer.Status, value)
		for _, text := range texts {
			require.Contains(t, answer.Body, text, value)
		}
		require.NotContains(t, answer.Body, "<script>")
	}
	italian := b.VisitAs(portaltest.Account, hook.RoleOwner, hook.Italian)
	italian.Get("/portal/quarantine/" + id)
	require.Contains(t, italian.Post("/portal/quarantine/"+id+"/redrive", form("value", broken)).Body, "deve essere create, update o delete")
	require.Equal(t, hook.Open, b.state(id))
	require.Empty(t, b.Kafka.Redriven)
}

// Another value is another event: that is for who may publish.
func TestOnlyWhoMayPublishMends(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.bad()
	on := b.Visit(hook.RoleSettings)
	answer := on.Get("/portal/quarantine/" + id)
	b.contains(answer, "Only owners can send another value", "Send again as it came")
	require.NotContains(t, answer.Body, "<textarea")
	require.Equal(t, http.StatusForbidden, on.Post("/portal/quarantine/"+id+"/redrive", form("value", event)).Status)
	require.Empty(t, b.Kafka.Redriven)
}

func TestABinaryRecordIsMendedInJSON(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.put(portaltest.Account, "not_protobuf", "value must be a staffetta.event.v1.EntityChange: proto: x",
		hook.Record{Value: []byte{0xff, 1}, Headers: []hook.Header{{Name: "content-type", Value: "application/protobuf"}}})
	on := b.Visit(hook.RoleOwner)
	b.contains(on.Get("/portal/quarantine/"+id), "cannot be edited here", "&#34;account&#34;: &#34;acme&#34;")
	b.contains(on.Post("/portal/quarantine/"+id+"/redrive", form("value", event)), "The record was sent again")
	require.Equal(t, []hook.Record{{Value: []byte(event), Headers: []hook.Header{}}}, b.Kafka.Redriven)
}

func TestWhatCannotBeSentSaysWhy(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	on := b.Visit(hook.RoleOwner)
	expired := b.bad()
	delete(b.Kafka.Records, expired)
	on.Get("/portal/quarantine/" + expired)
	for _, sent := range []string{"", event} {
		values := form()
		if sent != "" {
			values = form("value", sent)
		}
		answer := on.Post("/portal/quarantine/"+expired+"/redrive", values)
		require.Equal(t, http.StatusGone, answer.Status)
		require.Contains(t, answer.Body, "Kafka no longer has the record")
	}
	own := b.put(portaltest.Account, "defect", "panic: oh\ngoroutine 7", hook.Record{Value: []byte("x")}, func(q *hook.Quarantined) { q.Source.Topic = "deliveries" })
	answer := on.Get("/portal/quarantine/" + own)
	b.contains(answer, "panic: oh", "can only be sent as it came")
	require.NotContains(t, answer.Body, "goroutine")
	require.NotContains(t, answer.Body, "<textarea")
	require.Equal(t, http.StatusConflict, on.Post("/portal/quarantine/"+own+"/redrive", form("value", event)).Status)
	cut := b.put(portaltest.Account, "too_large", "x", hook.Record{Value: []byte("x"), Cut: true}, func(q *hook.Quarantined) { q.Bytes = 16 << 20 })
	require.NotContains(t, on.Get("/portal/quarantine/"+cut).Body, "Send again as it came")
	answer = on.Post("/portal/quarantine/"+cut+"/redrive", nil)
	require.Equal(t, http.StatusConflict, answer.Status)
	require.Contains(t, answer.Body, "It was not sent.")
}

func TestARecordIsDiscardedAfterAQuestion(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.bad()
	on := b.Visit(hook.RoleOwner)
	require.NotContains(t, on.Get("/portal/quarantine/"+id).Body, "data-open")
	b.contains(on.Get("/portal/quarantine/"+id+"?discard"), "open data-open", "Discard this record?", "This is final")
	b.contains(on.Post("/portal/quarantine/"+id+"/discard", nil), "The record was discarded.")
	require.Equal(t, hook.Discarded, b.state(id))
	b.contains(on.Get("/portal/quarantine?state=discarded"), id)
	gone := on.Get("/portal/quarantine/" + id)
	b.contains(gone, "Discarded")
	require.NotContains(t, gone.Body, "/redrive")
	require.Equal(t, http.StatusConflict, on.Post("/portal/quarantine/"+id+"/redrive", nil).Status)
}
