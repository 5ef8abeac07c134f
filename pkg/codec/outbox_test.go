package codec_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
)

const row = "4d47e190-0402-4048-bc2c-89dd54343cdc"

// routed is a record of Debezium's outbox event router, with more columns as headers.
func routed(key, value string, columns ...string) codec.Input {
	in := record(value, append([]string{"id", row}, columns...)...)
	in.Key = []byte(key)
	return in
}

// quoted is text as a JSON string.
func quoted(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		panic(err) // of a string
	}
	return string(b)
}

// enveloped is a value in the envelope of Kafka Connect's JsonConverter.
func enveloped(payload string) string {
	return `{"schema":{"type":"string","optional":true,"name":"io.debezium.data.Json","version":1},"payload":` + payload + `}`
}

func TestAnOutboxsPayloadMayBeTheEvent(t *testing.T) {
	t.Parallel()
	want := minimalEvent()
	want.ID = row
	for name, value := range map[string]string{
		"as text (StringConverter)":                        minimal,
		"as a JSON string (JsonConverter)":                 quoted(minimal),
		"as a JSON string beside its schema":               enveloped(quoted(minimal)),
		"expanded (table.expand.json.payload)":             minimal,
		"expanded, beside its schema":                      enveloped(minimal),
		"with a column in the envelope":                    `{"payload": ` + quoted(minimal) + `, "eventType": "delete"}`,
		"expanded, a column in the envelope":               `{"eventType": "delete", "payload": ` + minimal + `}`,
		"with a column in the envelope, beside its schema": enveloped(`{"payload":` + quoted(minimal) + `,"account":"acme"}`),
		"with white space around it":                       " \n" + quoted(" "+minimal+" "),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := codec.Decode(routed("a", value))
			require.NoError(t, err)
			require.Equal(t, want, got)
		})
	}

	t.Run("with an id of its own", func(t *testing.T) {
		t.Parallel()
		got, err := codec.Decode(routed("12014", quoted(full)))
		require.NoError(t, err)
		require.Equal(t, fullEvent(), got, "its data byte for byte too")
	})
	t.Run("without the account, which is a column", func(t *testing.T) {
		t.Parallel()
		got, err := codec.Decode(routed("a", quoted(strings.Replace(minimal, `"account":"acme",`, "", 1)), "account", "acme"))
		require.NoError(t, err)
		require.Equal(t, want, got)
	})
	t.Run("in protobuf (BinaryDataConverter)", func(t *testing.T) {
		t.Parallel()
		m := codec.ToChange(fullEvent()).GetEvent()
		m.Id = ""
		want := fullEvent()
		want.ID = row
		got, err := codec.Decode(routed("12014", protobuf(t, m), "content-type", "application/protobuf"))
		require.NoError(t, err)
		require.Equal(t, want, got)
	})
}

func TestAnOutboxsPayloadMayBeTheItemOfAnEventInItsColumns(t *testing.T) {
	t.Parallel()
	const data = `{"name":  "Mario \u0052ossi", "items": [1.50]}`
	version := int64(3)
	want := hook.Event{
		ID: row, Account: "acme", Type: hook.Create, ItemType: "Contact", Source: at, Published: when, Date: "2023-02-02T11:07:01.25Z",
		Items: []hook.Item{{ID: "12014", Data: []byte(data)}},
	}
	columns := []string{"account", "acme", "eventType", "ContactCreated", "itemType", "Contact"}
	with := func(change func(*hook.Event)) hook.Event {
		e := want
		e.Items = []hook.Item{want.Items[0]}
		change(&e)
		return e
	}
	deleted := func(e *hook.Event) { e.Type, e.Items[0].Data = hook.Delete, nil }
	inTopic := routed("12014", data, "account", "acme", "type", "ContactCreated")
	inTopic.At.Topic = "outbox.event.Contact"
	for name, test := range map[string]struct {
		in   codec.Input
		want hook.Event
	}{
		"as text":                         {routed("12014", data, columns...), want},
		"as a JSON string":                {routed(`"12014"`, quoted(data), columns...), want},
		"beside schemas":                  {routed(enveloped(`"12014"`), enveloped(quoted(data)), columns...), want},
		"with a number for a key":         {routed("12014", data, columns...), want},
		"headers in JSON":                 {routed("12014", data, "account", `"acme"`, "eventType", enveloped(`"created"`), "itemType", `"Contact"`), want},
		"columns in the envelope":         {routed("12014", `{"payload":`+quoted(data)+`,"account":"acme","eventtype":"created","itemtype":"Contact","store":null}`), want},
		"the aggregate's type":            {routed("12014", data, "account", "acme", "type", "create", "aggregatetype", "Contact"), want},
		"the aggregate's type in Italian": {routed("12014", data, "account", "acme", "type", "create", "aggregatetype", "Contatto"), want},
		"the topic":                       {inTopic, with(func(e *hook.Event) { e.Source.Topic = "outbox.event.Contact" })},
		"a key for order":                 {routed("acme/Contact", data, append(columns, "aggregateid", "12014")...), want},
		"a member called payload":         {routed("12014", `{"payload":7}`, columns...), with(func(e *hook.Event) { e.Items[0].Data = []byte(`{"payload":7}`) })},
		"all columns": {
			routed("x", data, append(columns, "itemId", "12014", "ref", "/contacts/12014", "version", "3", "store", "7", "eventDate", "2023-02-02T12:07:01Z")...),
			with(func(e *hook.Event) {
				e.Store, e.Date, e.Items[0].Ref, e.Items[0].Version = "7", "2023-02-02T12:07:01Z", "/contacts/12014", &version
			}),
		},
		"a tombstone":                  {routed("12014", "", "account", "acme", "itemType", "Contact"), with(deleted)},
		"null":                         {routed("12014", "null", "account", "acme", "itemType", "Contact"), with(deleted)},
		"null beside its schema":       {routed("12014", enveloped("null"), "account", "acme", "itemType", "Contact"), with(deleted)},
		"an empty payload":             {routed("12014", `""`, "account", "acme", "itemType", "Contact"), with(deleted)},
		"an update that says no more":  {routed("12014", "", "account", "acme", "itemType", "Contact", "eventType", "update"), with(func(e *hook.Event) { e.Type, e.Items[0].Data = hook.Update, nil })},
		"a delete with what was there": {routed("12014", data, "account", "acme", "itemType", "Contact", "eventType", "DELETED"), with(func(e *hook.Event) { e.Type = hook.Delete })},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, err := codec.Decode(test.in)
			require.NoError(t, err)
			require.Equal(t, test.want, e)
		})
	}
}

func TestWhatHappenedIsReadFromTheEndOfAName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]hook.EventType{
		"create": hook.Create, "updated": hook.Update, "DELETE": hook.Delete, "OrderCreated": hook.Create, "order-updated": hook.Update,
		"order.deleted": hook.Delete, "ORDER_CREATED": hook.Create, "Order Update": hook.Update, "ordine7Deleted": hook.Delete,
		"recreated": "", "OrderShipped": "", "createdOrder": "", "": "", "d": "", "ORDERCREATED": "",
	} {
		e, err := codec.Decode(routed("7", "{}", "account", "acme", "itemType", "Order", "eventType", name))
		if want == "" {
			require.ErrorContains(t, err, "eventType must be create, update or delete, or a name that ends so, such as ContactCreated")
			continue
		}
		require.NoError(t, err, name)
		require.Equal(t, want, e.Type, name)
	}
}

func TestABadOutboxRecordIsRefusedWithFieldValueAndRule(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		in     codec.Input
		reason codec.Reason
		want   string
	}{
		"a tombstone of nobody": {routed("7", ""), codec.Tombstone,
			"value must be there: a tombstone does not say what changed, unless the columns account and itemType do"},
		"null of nobody":  {routed("7", enveloped("null")), codec.Tombstone, "a tombstone does not say what changed"},
		"no JSON":         {routed("7", "hello"), codec.NotJSON, "value must be JSON: at byte 0 there must be a value"},
		"cut":             {routed("7", `{"payload":`), codec.NotJSON, "value must be JSON: at byte 11 there must be a value"},
		"text in text":    {routed("7", `"hello"`), codec.NotJSON, "payload must be JSON: at byte 0 there must be a value"},
		"Avro":            {routed("7", "\x00\x00\x00\x00\x01\x0eacme"), codec.NotJSON, "value must be JSON"},
		"no UTF-8":        {routed("7", "\"\xff\""), codec.NotJSON, "there must be UTF-8"},
		"a payload alone": {routed("7", `{"name":"Mario"}`), codec.InvalidField, "account must be 1 to 64 characters"},
		"an array":        {routed("7", quoted(`[1]`)), codec.InvalidField, `value must be a JSON object, not "[1]"`},
		"an event without a type of item, and no columns": {routed("7", quoted(swapped(`,"itemType":"Contact"`, ""))), codec.InvalidField,
			"itemType must be 1 to 100 printable characters"},
		"columns without an account": {routed("7", "{}", "eventType", "create", "itemType", "Contact"), codec.InvalidField, "account must be 1 to 64"},
		"an account that cannot be":  {routed("7", "{}", "account", "a b", "eventType", "create", "itemType", "Contact"), codec.InvalidField, `not "a b"`},
		"no type of event":           {routed("7", "{}", "account", "acme", "itemType", "Contact"), codec.InvalidField, "eventType must be create, update or delete, or a name that ends so"},
		"another type of event": {routed("7", "{}", "account", "acme", "itemType", "Contact", "eventType", "OrderShipped"), codec.InvalidField,
			`eventType must be create, update or delete, or a name that ends so, such as ContactCreated, not "OrderShipped"`},
		"no type of item": {routed("7", "{}", "account", "acme", "eventType", "create"), codec.InvalidField,
			"itemType must be there: the column itemType or aggregatetype, or a topic outbox.event.<itemType>"},
		"no key": {routed("", "{}", "account", "acme", "eventType", "create", "itemType", "Contact"), codec.InvalidField,
			"items[0].id must be there: the key, or the column itemId or aggregateid where the key is account/itemType"},
		"a key for order alone": {routed("acme/Contact", "{}", "account", "acme", "eventType", "create", "itemType", "Contact"), codec.InvalidField, "items[0].id must be there"},
		"a version in words":    {routed("7", "{}", "account", "acme", "eventType", "create", "itemType", "Contact", "version", "one"), codec.InvalidField, `items[0].version must be an integer from 0 to 9223372036854775807, not "one"`},
		"a date as a number":    {routed("7", "{}", "account", "acme", "eventType", "create", "itemType", "Contact", "eventDate", "1675335600"), codec.InvalidField, `eventDate must be a time as in RFC 3339`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := codec.Decode(test.in)
			var reject *codec.Reject
			require.ErrorAs(t, err, &reject)
			require.Equal(t, test.reason, reject.Reason)
			require.Contains(t, err.Error(), test.want)
		})
	}
}

func TestACloudEventOfAnOutboxIsACloudEvent(t *testing.T) {
	t.Parallel()
	got, err := codec.Decode(routed("a", minimal, "ce_specversion", "1.0", "ce_id", "ce-1"))
	require.NoError(t, err)
	require.Equal(t, "ce-1", got.ID)
	_, err = codec.Decode(routed("a", "", "ce_specversion", "1.0", "account", "acme", "itemType", "Contact"))
	require.ErrorContains(t, err, "a tombstone does not say what changed")
}

func FuzzDecodeOutbox(f *testing.F) {
	for _, value := range []string{minimal, quoted(full), enveloped(minimal), `{"payload":"{}","account":"acme","eventType":"create"}`, "", "null"} {
		f.Add([]byte(value), "7", "acme", "ContactCreated")
	}
	f.Fuzz(func(t *testing.T, value []byte, key, account, eventType string) {
		e, err := codec.Decode(routed(key, string(value), "account", account, "eventType", eventType, "itemType", "Contact"))
		if err != nil {
			var reject *codec.Reject
			require.ErrorAs(t, err, &reject)
			require.NotEmpty(t, err.Error())
			return
		}
		require.NoError(t, codec.Validate(e))
		require.NotEmpty(t, e.Items)
	})
}
