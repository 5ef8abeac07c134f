package codec_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
	eventv1 "github.com/staffetta/staffetta/proto/staffetta/event/v1"
)

var (
	at   = hook.Coordinates{Topic: "events.contacts", Partition: 3, Offset: 42}
	when = time.Date(2023, 2, 2, 11, 7, 1, 250_000_000, time.UTC)
)

// full is the contract's example with every field; minimal has only what is
// required.
const (
	full = `{"id": "01JZ8K", "account": "acme", "store": "7",
 "user": {"id": 33, "itemType": "Crew", "ref": "/crew/33"},
 "eventType": "create", "itemType": "Contact",
 "items": [{"id": 12014, "ref": "/contacts/12014", "version": 3, "data": {"name":  "Mario \u0052ossi", "debt": 1.50},
            "parent": {"id": 12792, "itemType": "Equipment", "ref": "/equipment/12792"}}],
 "eventDate": "2023-02-02T12:07:01+01:00"}`
	minimal = `{"account":"acme","eventType":"delete","itemType":"Contact","items":[{"id":"a"}]}`
)

func fullEvent() hook.Event {
	version := int64(3)
	return hook.Event{
		ID: "01JZ8K", Account: "acme", Store: "7",
		User: &hook.Reference{ID: "33", ItemType: "Crew", Ref: "/crew/33"},
		Type: hook.Create, ItemType: "Contact",
		Items: []hook.Item{{
			ID: "12014", Ref: "/contacts/12014", Version: &version,
			Data:   []byte(`{"name":  "Mario \u0052ossi", "debt": 1.50}`),
			Parent: &hook.Reference{ID: "12792", ItemType: "Equipment", Ref: "/equipment/12792"},
		}},
		Date:   "2023-02-02T12:07:01+01:00",
		Source: at, Published: when,
	}
}

func minimalEvent() hook.Event {
	return hook.Event{
		ID: hook.DerivedEventID(at), Account: "acme", Type: hook.Delete, ItemType: "Contact",
		Items: []hook.Item{{ID: "a"}}, Date: "2023-02-02T11:07:01.25Z", Source: at, Published: when,
	}
}

// record is a record of Kafka with pairs of header names and values.
func record(value string, headers ...string) codec.Input {
	return codec.Input{
		Value: []byte(value), At: at, Time: when,
		Header: func(name string) ([]byte, bool) {
			for n := 0; n < len(headers); n += 2 {
				if strings.EqualFold(headers[n], name) {
					return []byte(headers[n+1]), true
				}
			}
			return nil, false
		},
	}
}

func protobuf(t *testing.T, m *eventv1.EntityChange) string {
	t.Helper()
	value, err := proto.Marshal(m)
	require.NoError(t, err)
	return string(value)
}

func fullProtobuf(t *testing.T) string {
	t.Helper()
	e := fullEvent()
	return protobuf(t, codec.ToChange(e).GetEvent())
}

func TestDecodeTakesEveryForm(t *testing.T) {
	t.Parallel()
	minimalProtobuf := protobuf(t, &eventv1.EntityChange{
		Account: "acme", EventType: eventv1.EventType_EVENT_TYPE_DELETE, ItemType: "Contact",
		Items: []*eventv1.Item{{Id: "a", Data: []byte(" null ")}},
	})
	for name, test := range map[string]struct {
		in   codec.Input
		want hook.Event
	}{
		"JSON":                     {record(full), fullEvent()},
		"JSON without any header":  {codec.Input{Value: []byte(full), At: at, Time: when}, fullEvent()},
		"JSON by name":             {record(full, "content-type", "application/json"), fullEvent()},
		"JSON with a charset":      {record(full, "Content-Type", "Application/JSON; charset=utf-8"), fullEvent()},
		"JSON with half a charset": {record(full, "content-type", "application/json; charset"), fullEvent()},
		"JSON, what is required":   {record(minimal), minimalEvent()},
		"protobuf":                 {record(fullProtobuf(t), "content-type", "application/protobuf"), fullEvent()},
		"protobuf by its old name": {record(fullProtobuf(t), "content-type", "application/x-protobuf"), fullEvent()},
		"protobuf, what is required": {
			record(minimalProtobuf, "content-type", "application/protobuf"), minimalEvent(),
		},
		"CloudEvents, structured": {
			record(`{"specversion":"1.0","id":"ce-1","source":"/x","type":"y","data":`+full+`}`,
				"content-type", "application/cloudevents+json; charset=UTF-8"), fullEvent(),
		},
		"CloudEvents, structured, with base64 of protobuf": {
			record(`{"specversion":"1.0","datacontenttype":"application/protobuf","data_base64":"`+base64Of(fullProtobuf(t))+`"}`,
				"content-type", "application/cloudevents+json"), fullEvent(),
		},
		"CloudEvents, binary": {
			record(full, "ce_specversion", "1.0", "ce_id", "ce-1", "ce_type", "x", "ce_source", "/y"), fullEvent(),
		},
		"CloudEvents, binary, with protobuf": {
			record(fullProtobuf(t), "ce_specversion", "1.0", "content-type", "application/protobuf"), fullEvent(),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := codec.Decode(test.in)
			require.NoError(t, err)
			require.Equal(t, test.want, got)
		})
	}
}

func TestWhatACloudEventSaysFillsWhatItsDataLacks(t *testing.T) {
	t.Parallel()
	want := minimalEvent()
	want.ID, want.Date = "ce-1", "2024-01-01T00:00:00Z"
	for name, in := range map[string]codec.Input{
		"structured": record(`{"specversion":"1.0","id":"ce-1","time":"2024-01-01T00:00:00Z","data":`+minimal+`}`,
			"content-type", "application/cloudevents+json"),
		"binary": record(minimal, "ce_specversion", "1.0", "ce_id", "ce-1", "ce_time", "2024-01-01T00:00:00Z"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := codec.Decode(in)
			require.NoError(t, err)
			require.Equal(t, want, got)
		})
	}
}

func TestDecodeKeepsWhatOtherReadersLose(t *testing.T) {
	t.Parallel()
	got, err := codec.Decode(record(`{"future": [{}], "account":"a.B_c-9", "store": 7, "user": null, "eventType":"update",
		"itemType":"Perch\u00e9 no", "id": 9007199254740993, "eventDate": null,
		"items":[{"id":90071992547409931234567890,"data":[1.10,1e400,"\ud800"],"parent":null,"ref":null,"version":null},
		         {"id":"007","data":null,"version":0}]}`))
	require.NoError(t, err)
	require.Equal(t, "9007199254740993", got.ID)
	require.Equal(t, "7", got.Store)
	require.Equal(t, "Perché no", got.ItemType)
	require.Equal(t, "90071992547409931234567890", got.Items[0].ID)
	require.Equal(t, `[1.10,1e400,"\ud800"]`, string(got.Items[0].Data))
	require.Equal(t, "007", got.Items[1].ID)
	require.Nil(t, got.Items[1].Data)
	require.Zero(t, *got.Items[1].Version)
	require.Nil(t, got.User)
}

func TestTheTraceOfTheProducerIsContinuedIfItIsValid(t *testing.T) {
	t.Parallel()
	const parent, state = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "congo=t61rcWkgMzE,rojo=00f067"
	for _, test := range []struct {
		name, parent, state string
		want                hook.Trace
	}{
		{"both", parent, state, hook.Trace{Parent: parent, State: state}},
		{"no state", parent, "", hook.Trace{Parent: parent}},
		{"a bad state", parent, "no member", hook.Trace{Parent: parent}},
		{"a state of two lines", parent, "a=b\r\nX-Evil: 1", hook.Trace{Parent: parent}},
		{"too long a state", parent, "a=" + strings.Repeat("x", 511), hook.Trace{Parent: parent}},
		{"too many members", parent, strings.Repeat("a=b,", 32) + "a=b", hook.Trace{Parent: parent}},
		{"a later version", "01" + parent[2:] + "-more", state, hook.Trace{Parent: "01" + parent[2:] + "-more", State: state}},
		{"no parent", "", state, hook.Trace{}},
		{"upper case", strings.ToUpper(parent), state, hook.Trace{}},
		{"version ff", "ff" + parent[2:], state, hook.Trace{}},
		{"more than version 00 has", parent + "-more", state, hook.Trace{}},
		{"a trace of zeros", "00-" + strings.Repeat("0", 32) + parent[35:], state, hook.Trace{}},
		{"a parent of zeros", parent[:36] + strings.Repeat("0", 16) + "-01", state, hook.Trace{}},
		{"cut", parent[:54], state, hook.Trace{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := codec.Decode(record(full, "traceparent", test.parent, "tracestate", test.state))
			require.NoError(t, err)
			require.Equal(t, test.want, got.Trace)
		})
	}
}

func TestTheIngestAPIKnowsTheAccountAndFillsTheRestItself(t *testing.T) {
	t.Parallel()
	const value = `{"eventType":"create","itemType":"Contact","items":[{"id":1}]}`
	got, err := codec.Decode(codec.Input{Value: []byte(value), Account: "acme"})
	require.NoError(t, err)
	require.Equal(t, hook.Event{
		Account: "acme", Type: hook.Create, ItemType: "Contact", Items: []hook.Item{{ID: "1"}},
	}, got)

	got, err = codec.Decode(codec.Input{Value: []byte(minimal), Account: "other"})
	require.NoError(t, err)
	require.Equal(t, "acme", got.Account, "the event's own account is what it says")
}
