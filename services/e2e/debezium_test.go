package e2e_test

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	eventv1 "github.com/staffetta/staffetta/proto/staffetta/event/v1"
)

const (
	jsonConverter = "org.apache.kafka.connect.json.JsonConverter"
	placement     = "transforms.outbox.table.fields.additional.placement"
	expand        = "transforms.outbox.table.expand.json.payload"
	replacement   = "transforms.outbox.route.topic.replacement"
)

// outboxRow is one of an outbox, and how a connector is configured that relays it.
type outboxRow struct {
	name   string
	config map[string]string
	row    object
	// kind, item and data are what a receiver gets; with a detail it goes to quarantine.
	kind   string
	item   any
	data   any
	detail string
}

// connector is one of docs/upstream.md, with some settings changed.
func connector(t *testing.T, name string, settings ...string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(examples + "/debezium/" + name + ".json")
	require.NoError(t, err)
	var file struct{ Config map[string]string }
	require.NoError(t, json.Unmarshal(text, &file))
	for n := 0; n < len(settings); n += 2 {
		file.Config[settings[n]] = settings[n+1]
	}
	return file.Config
}

// outboxRows are all the ways in which an outbox's rows reach Kafka.
func outboxRows(t *testing.T, account string) []outboxRow {
	t.Helper()
	data := object{"name": "Mario Rossi", "tags": []any{"a", "b"}, "debt": 1.5}
	text := func(v any) string {
		b, err := json.Marshal(v)
		require.NoError(t, err)
		return string(b)
	}
	encoded, err := proto.Marshal(&eventv1.EntityChange{
		Account: account, EventType: eventv1.EventType_EVENT_TYPE_UPDATE, ItemType: "Contact",
		Items: []*eventv1.Item{{Id: "12014", Data: []byte(text(data))}},
	})
	require.NoError(t, err)
	event := object{"aggregatetype": "Contact", "aggregateid": "12014", "type": "ContactChanged", "payload": text(object{
		"account": account, "eventType": "update", "itemType": "Contact", "items": []object{{"id": 12014, "data": data}},
	})}
	item := func(changes object) object {
		row := object{"aggregatetype": "Contact", "aggregateid": "12014", "type": "ContactCreated", "account": account, "ref": "/contacts/12014", "payload": text(data)}
		maps.Copy(row, changes)
		return row
	}
	envelope := "account:envelope,type:envelope:eventType,aggregatetype:envelope:itemType,ref:envelope"
	inJSON := []string{"key.converter", jsonConverter, "value.converter", jsonConverter}
	bare := append([]string{"key.converter.schemas.enable", "false", "value.converter.schemas.enable", "false"}, inJSON...)
	rows := []outboxRow{
		{name: "the event as text", config: connector(t, "event"), row: event},
		{name: "the event as a JSON string", config: connector(t, "event", bare...), row: event},
		{name: "the event beside its schema", config: connector(t, "event", inJSON...), row: event},
		{name: "the event expanded", config: connector(t, "event", append(bare, expand, "true")...), row: event},
		{name: "the event expanded, beside its schema, headers in JSON",
			config: connector(t, "event", append(inJSON, expand, "true", "header.converter", jsonConverter)...), row: event},
		{name: "the event in protobuf", config: connector(t, "event", "value.converter", "io.debezium.converters.BinaryDataConverter",
			placement, "content_type:header:content-type"),
			row: object{"aggregatetype": "Contact", "aggregateid": "12014", "content_type": "application/protobuf", "bytes:payload": base64.StdEncoding.EncodeToString(encoded)}},
		{name: "the item as text", kind: "contact.create", config: connector(t, "item"), row: item(nil)},
		{name: "the item as a JSON string", kind: "contact.create", config: connector(t, "item", bare...), row: item(nil)},
		{name: "the item expanded, beside its schema", kind: "contact.create", config: connector(t, "item", append(inJSON, expand, "true")...), row: item(nil)},
		{name: "the item with columns in the envelope", kind: "contact.create", config: connector(t, "item", append(bare, placement, envelope)...), row: item(nil)},
		{name: "the item with columns in the envelope, beside its schema", kind: "contact.create",
			config: connector(t, "item", append(inJSON, placement, envelope)...), row: item(nil)},
		{name: "the item expanded, with columns in the envelope", kind: "contact.create",
			config: connector(t, "item", append(bare, placement, envelope, expand, "true")...), row: item(nil)},
		{name: "the item in Debezium's own topic", kind: "contact.create",
			config: connector(t, "item", replacement, "outbox.event.${routedByValue}", placement, "account:header,type:header"), row: item(nil)},
		{name: "the item under a key for order", kind: "contact.create",
			config: connector(t, "item", "transforms.outbox.table.field.event.key", "ordered", placement, "account:header,type:header,aggregatetype:header,aggregateid:header"),
			row:    item(object{"ordered": account + "/Contact"})},
		{name: "the item's end as a tombstone", kind: "contact.delete", config: connector(t, "item"), row: item(object{"payload": nil, "type": "ContactDeleted"})},
		{name: "the item's end as null", kind: "contact.delete",
			config: connector(t, "item", append(bare, "transforms.outbox.route.tombstone.on.empty.payload", "false")...), row: item(object{"payload": nil, "type": "ContactDeleted"})},

		{name: "what is no change", detail: `eventType must be create, update or delete, or a name that ends so, such as ContactCreated, not "ContactPraised"`,
			config: connector(t, "item"), row: item(object{"type": "ContactPraised"})},
		{name: "an empty row of nobody", detail: "a tombstone does not say what changed", config: connector(t, "item"),
			row: item(object{"payload": nil, "account": nil, "type": nil})},
		{name: "Avro", detail: "value must be JSON", config: connector(t, "event", "value.converter", "io.debezium.converters.BinaryDataConverter"),
			row: object{"aggregatetype": "Contact", "bytes:payload": base64.StdEncoding.EncodeToString([]byte("\x00\x00\x00\x00\x01\x0eacme"))}},
	}
	for n := range rows {
		r := &rows[n]
		r.row = maps.Clone(r.row)
		r.row["id"] = uuid.NewString()
		switch {
		case r.detail != "":
			r.row["aggregateid"] = "bad-" + r.row["id"].(string)
			continue
		case r.kind == "":
			r.kind = "contact.update"
		}
		r.item = 12014.0
		if r.kind != "contact.delete" {
			r.data = data
		}
	}
	return rows
}

// deliversOutbox runs Debezium's own event router and Kafka Connect's converters.
func deliversOutbox(t *testing.T, in *installation) {
	folder := filepath.Join(clientsFolder(t), "connect")
	a, r := in.newTenant(t), newReceiver(t, nil)
	a.webhook(t, object{"itemTypes": []string{"Contact"}, "url": r.URL, "payload": "full"})
	in.awaitLive(t)
	rows := outboxRows(t, a.account)
	var input strings.Builder
	for _, row := range rows {
		require.NoError(t, json.NewEncoder(&input).Encode(object{"config": row.config, "row": row.row}))
	}
	began := time.Now()
	program{name: "java", args: []string{"-XX:TieredStopAtLevel=1", "-cp", folder + "/*", "testdata/connect/Connect.java", in.backends.environment()["STAFFETTA_KAFKA_BROKERS"]}}.
		run(t, input.String())
	t.Logf("Debezium took %s", time.Since(began).Round(time.Millisecond))

	good := 0
	for _, row := range rows {
		if row.detail == "" {
			good++
		}
	}
	got := map[any]object{}
	for _, request := range r.await(t, good) {
		body := request.json(t)
		got[body["data"].(object)["id"]] = body
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if row.detail != "" {
				in.awaitQuarantined(t, row.row["aggregateid"].(string), row.detail)
				return
			}
			body, ok := got[row.row["id"]]
			require.True(t, ok, "its event has the row's id")
			require.Equal(t, row.kind, body["type"])
			item := body["data"].(object)["items"].([]any)[0].(object)
			require.Equal(t, row.item, item["id"])
			require.Equal(t, row.data, item["data"])
		})
	}
}
