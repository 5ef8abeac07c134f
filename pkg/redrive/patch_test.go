package redrive_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/redrive"
)

func TestAPatchMendsAnEventAndKeepsTheBytesOfTheRest(t *testing.T) {
	t.Parallel()
	const items = `"items" : [{"id":7, "data":{ "total":12.50, "n":1e400,"big":12345678901234567890.10,"s":"<è\u00e8>"}}]`
	contentType := func(value string) hook.Header { return hook.Header{Name: "Content-Type", Value: value} }
	other := hook.Header{Name: "traceparent", Value: "00-…"}
	outbox := func(what string) []hook.Header {
		return []hook.Header{{Name: "id", Value: "1"}, {Name: "account", Value: "acme"}, {Name: "type", Value: what}, {Name: "itemType", Value: "Contact"}}
	}
	for name, test := range map[string]struct {
		value, patch, want string
		headers, left      []hook.Header
	}{
		"a field": {
			value: `{"account":"acme","eventType":"created","itemType":"Contact",` + items + `}`, patch: `{"eventType": "create"}`,
			want: `{"account":"acme","eventType":"create","itemType":"Contact",` + items + `}`,
		},
		"a field that lacks": {
			value: `{` + items + `,"eventType":"create","itemType":"Contact"}`, patch: `{"account": "acme"}`,
			want:    `{` + items + `,"eventType":"create","itemType":"Contact","account":"acme"}`,
			headers: []hook.Header{contentType("application/json"), other}, left: []hook.Header{contentType("application/json"), other},
		},
		"what the value says of its form": {
			value: `{"account":"acme","eventType":"create","itemType":"Contact",` + items + `}`, patch: `{}`,
			want:    `{"account":"acme","eventType":"create","itemType":"Contact",` + items + `}`,
			headers: []hook.Header{contentType("text/xml"), other}, left: []hook.Header{other},
		},
		"what is in an envelope": {
			value:   `{"specversion":"1.0","id":"ce","data":{"account":"acme","eventType":7,"itemType":"Contact",` + items + `}}`,
			patch:   `{"data": {"eventType": "update"}}`,
			want:    `{"specversion":"1.0","id":"ce","data":{"account":"acme","eventType":"update","itemType":"Contact",` + items + `}}`,
			headers: []hook.Header{contentType("application/cloudevents+json")}, left: []hook.Header{contentType("application/cloudevents+json")},
		},
		"an item of an outbox, whose columns are bad: with the event": {
			value: `{"name":"Mario"}`, patch: `{"eventType":"update","itemType":"Contact","items":[{"id":7,"data":{"name":"Mario"}}]}`,
			want:    `{"name":"Mario","eventType":"update","itemType":"Contact","items":[{"id":7,"data":{"name":"Mario"}}]}`,
			headers: outbox("ContactPraised"), left: outbox("ContactPraised"),
		},
		"an item of an outbox, whose columns are good": {
			value: `{"name":"Mario"}`, patch: `{"name":"Maria"}`, want: `{"name":"Maria"}`,
			headers: outbox("ContactUpdated"), left: outbox("ContactUpdated"),
		},
	} {
		came := hook.Record{Key: []byte("k"), Value: []byte(test.value), Headers: test.headers}
		got, err := redrive.Patched(entry("events.contacts"), came, test.patch, "acme")
		require.NoError(t, err, name)
		require.Equal(t, test.want, string(got.Value), name)
		require.Equal(t, test.left, got.Headers, name)
		require.Equal(t, came.Key, got.Key, name)
	}
}

func TestWhatStaysBadSaysWhy(t *testing.T) {
	t.Parallel()
	const good = `{"account":"acme","eventType":"create","itemType":"Contact","items":[{"id":7}]}`
	for _, test := range []struct {
		topic, patch string
		record       hook.Record
		want         string
	}{
		{"events.contacts", `{"x":1}`, hook.Record{Value: []byte("hello")}, "not_json: value must be JSON: at byte 0 there must be a value"},
		{"events.contacts", `{"x":1}`, hook.Record{}, "not_json: value must be JSON: at byte 0 there must be a value"},
		{"events.contacts", `{"eventType":"made"}`, hook.Record{Value: []byte(good)}, "invalid_field: eventType must be create, update or delete"},
		{"events.contacts", `{"account":"other"}`, hook.Record{Value: []byte(good)}, `other_account: account must be "acme", not "other"`},
		{"events.contacts", `{}`, hook.Record{Value: []byte(good), Cut: true}, "record_cut: of 80 bytes only the first were kept"},
		{"deliveries", `{}`, hook.Record{Value: []byte(good)}, "not_upstreams: it is none of upstream's records"},
	} {
		_, err := redrive.Patched(entry(test.topic), test.record, test.patch, "acme")
		var defect *redrive.Defect
		require.ErrorAs(t, err, &defect)
		require.Contains(t, err.Error(), test.want)
	}
	_, err := redrive.Patched(entry("events.contacts"), hook.Record{Value: []byte(good)}, `{"account":"other"}`, "")
	require.NoError(t, err, "the operator's may be of any")
	require.Error(t, redrive.AsItCame(entry("events.contacts"), &hook.Record{Cut: true}))
	require.NoError(t, redrive.AsItCame(entry("events.contacts"), &hook.Record{Value: []byte("hello")}))
}

func entry(topic string) *hook.Quarantined {
	return &hook.Quarantined{ID: "qrn_1", Bytes: 80, Source: hook.Coordinates{Topic: topic}}
}
