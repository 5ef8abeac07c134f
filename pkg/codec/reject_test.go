package codec_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
	eventv1 "github.com/staffetta/staffetta/proto/staffetta/event/v1"
)

func base64Of(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// with is the minimal event with a field before its others.
func with(fields string) string { return "{" + fields + "," + minimal[1:] }

// swapped is the minimal event with a part of its text exchanged.
func swapped(old, replacement string) string { return strings.Replace(minimal, old, replacement, 1) }

func TestBadInputIsRefusedWithFieldValueAndRule(t *testing.T) {
	t.Parallel()
	const (
		structured = "application/cloudevents+json"
		rfc3339    = "must be a time as in RFC 3339, such as 2023-02-02T12:07:01+01:00"
		id         = "must be an integer or a string of 1 to 256 bytes without control characters"
		version    = "must be an integer from 0 to 9223372036854775807"
		items      = "must be an array of 1 to 10000 items"
		itemType   = "must be 1 to 100 printable characters"
		account    = "must be 1 to 64 characters of A-Z a-z 0-9 . _ -"
	)
	for name, test := range map[string]struct {
		in     codec.Input
		reason codec.Reason
		want   string
	}{
		"a tombstone": {codec.Input{At: at}, codec.Tombstone,
			"value must be there: a tombstone does not say what changed"},
		"too large": {record(strings.Repeat(" ", 900_001)), codec.TooLarge,
			`value must have at most 900000 bytes, not "900001 bytes"`},
		"another type": {record(full, "content-type", "text/xml"), codec.UnknownContentType,
			`content-type must be application/json, application/protobuf or application/cloudevents+json, not "text/xml"`},
		"a type that makes no sense": {record(full, "content-type", ";;"), codec.UnknownContentType,
			`content-type must be application/json, application/protobuf or application/cloudevents+json, not ";;"`},

		"no JSON":        {record("hello"), codec.NotJSON, "value must be JSON: at byte 0 there must be a value"},
		"cut JSON":       {record(minimal[:20]), codec.NotJSON, "value must be JSON: at byte 20 there must be the end of the string"},
		"two values":     {record(minimal + "{}"), codec.NotJSON, "value must be JSON: at byte 81 there must be nothing more"},
		"no UTF-8":       {record(swapped("acme", "acm\xe8")), codec.NotJSON, "value must be JSON: at byte 15 there must be UTF-8"},
		"half a pair":    {record(swapped("acme", `\ud83d`)), codec.NotJSON, "value must be JSON: at byte 12 there must be both halves of a surrogate pair"},
		"nested deep":    {record(with(`"x":` + strings.Repeat("[", 600))), codec.NotJSON, "value must be JSON: at byte 504 there must be no deeper nesting than 500"},
		"bad JSON later": {record(swapped(`"a"`, `1.x`)), codec.NotJSON, "value must be JSON: at byte 77 there must be a digit"},
		"an array":       {record(`[{}, 1]`), codec.InvalidField, `value must be a JSON object, not "[{}, 1]"`},
		"null":           {record("null"), codec.InvalidField, `value must be a JSON object, not "null"`},

		"nothing that is required": {record(`{}`), codec.InvalidField, "account " + account +
			"; eventType must be create, update or delete; itemType " + itemType + "; items " + items},
		"another event type":      {record(swapped("delete", "created")), codec.InvalidField, `eventType must be create, update or delete, not "created"`},
		"an account as a number":  {record(swapped(`"acme"`, `7`)), codec.InvalidField, `account must be a string, not "7"`},
		"an account with a slash": {record(swapped(`acme`, `a/b`)), codec.InvalidField, `account ` + account + `, not "a/b"`},
		"too long an account": {record(swapped(`acme`, strings.Repeat("a", 65))), codec.InvalidField,
			`account ` + account + `, not "` + strings.Repeat("a", 64) + `…"`},
		"an item type of two lines": {record(swapped(`Contact`, `Con\ntact`)), codec.InvalidField, `itemType ` + itemType + `, not "Con\ntact"`},
		"too long an item type": {record(swapped(`Contact`, strings.Repeat("è", 101))), codec.InvalidField,
			`itemType ` + itemType + `, not "` + strings.Repeat("è", 64) + `…"`},
		"an event id that is a float": {record(with(`"id":1.0`)), codec.InvalidField, `id must be a string or an integer, not "1.0"`},
		"a long event id": {record(with(`"id":"` + strings.Repeat("x", 257) + `"`)), codec.InvalidField,
			`id must be at most 256 bytes without control characters, not "` + strings.Repeat("x", 64) + `…"`},
		"a store that is an object": {record(with(`"store":{}`)), codec.InvalidField, `store must be a string or an integer, not "{}"`},
		"a store with a NUL":        {record(with(`"store":"\u0000"`)), codec.InvalidField, `store must be at most 256 bytes without control characters, not "\x00"`},
		"a date in words":           {record(with(`"eventDate":"yesterday"`)), codec.InvalidField, `eventDate ` + rfc3339 + `, not "yesterday"`},
		"a date without an offset":  {record(with(`"eventDate":"2023-02-02T12:07:01"`)), codec.InvalidField, `eventDate ` + rfc3339 + `, not "2023-02-02T12:07:01"`},
		"a day that is not there":   {record(with(`"eventDate":"2023-02-30T12:07:01Z"`)), codec.InvalidField, `eventDate ` + rfc3339 + `, not "2023-02-30T12:07:01Z"`},
		"a date of one digit":       {record(with(`"eventDate":"2023-02-02T1:07:01Z"`)), codec.InvalidField, `eventDate ` + rfc3339 + `, not "2023-02-02T1:07:01Z"`},
		"a date with a comma":       {record(with(`"eventDate":"2023-02-02T12:07:01,5Z"`)), codec.InvalidField, `eventDate ` + rfc3339 + `, not "2023-02-02T12:07:01,5Z"`},
		"a date far off":            {record(with(`"eventDate":"2023-02-02T12:07:01+24:00"`)), codec.InvalidField, `eventDate ` + rfc3339 + `, not "2023-02-02T12:07:01+24:00"`},
		"a date as a number":        {record(with(`"eventDate":1675335600`)), codec.InvalidField, `eventDate must be a string, not "1675335600"`},
		"a user that is a name":     {record(with(`"user":"Mario"`)), codec.InvalidField, `user must be an object with an id, or null, not "\"Mario\""`},
		"a user without an id":      {record(with(`"user":{"ref":"/crew/3"}`)), codec.InvalidField, `user.id ` + id},
		"a parent's type":           {record(swapped(`"id"`, `"parent":{"id":1,"itemType":"\t","ref":"\u0007"},"id"`)), codec.InvalidField, `items[0].parent.itemType ` + itemType + `, not "\t"; items[0].parent.ref must be at most 2048 bytes without control characters, not "\a"`},
		"a field twice":             {record(with(`"account":"other"`)), codec.InvalidField, `account must not occur twice`},

		"no items":             {record(swapped(`{"id":"a"}`, ``)), codec.InvalidField, `items ` + items},
		"items as an object":   {record(swapped(`[{"id":"a"}]`, `{}`)), codec.InvalidField, `items ` + items + `, not "{}"`},
		"too many items":       {record(swapped(`{"id":"a"}`, strings.Repeat(`{"id":1},`, 10_000)+`{"id":1}`)), codec.InvalidField, `items ` + items + `, not "10001 items"`},
		"items that are ids":   {record(swapped(`{"id":"a"}`, `10,31`)), codec.InvalidField, `items[0] must be an object with an id, not "10"; items[1] must be an object with an id, not "31"`},
		"an item without id":   {record(swapped(`"id"`, `"ID"`)), codec.InvalidField, `items[0].id ` + id},
		"an empty item id":     {record(swapped(`"a"`, `""`)), codec.InvalidField, `items[0].id ` + id},
		"a null item id":       {record(swapped(`"a"`, `null`)), codec.InvalidField, `items[0].id ` + id},
		"an item id in words":  {record(swapped(`"a"`, `true`)), codec.InvalidField, `items[0].id must be a string or an integer, not "true"`},
		"an item id as float":  {record(swapped(`"a"`, `1e3`)), codec.InvalidField, `items[0].id must be a string or an integer, not "1e3"`},
		"a long item id":       {record(swapped(`"a"`, strings.Repeat("9", 257))), codec.InvalidField, `items[0].id ` + id + `, not "` + strings.Repeat("9", 64) + `…"`},
		"an item field twice":  {record(swapped(`"id"`, `"id":1,"id"`)), codec.InvalidField, `items[0].id must not occur twice`},
		"a version below zero": {record(swapped(`"id"`, `"version":-1,"id"`)), codec.InvalidField, `items[0].version ` + version + `, not "-1"`},
		"a version as float":   {record(swapped(`"id"`, `"version":1.0,"id"`)), codec.InvalidField, `items[0].version ` + version + `, not "1.0"`},
		"too high a version":   {record(swapped(`"id"`, `"version":9223372036854775808,"id"`)), codec.InvalidField, `items[0].version ` + version + `, not "9223372036854775808"`},
		"a version as string":  {record(swapped(`"id"`, `"version":"1","id"`)), codec.InvalidField, `items[0].version ` + version + `, not "\"1\""`},
		"a ref of two lines":   {record(swapped(`"id"`, `"ref":"/a\n","id"`)), codec.InvalidField, `items[0].ref must be at most 2048 bytes without control characters, not "/a\n"`},
		"a parent's id":        {record(swapped(`"id"`, `"parent":{"id":[]},"id"`)), codec.InvalidField, `items[0].parent.id must be a string or an integer, not "[]"`},
		"several faults":       {record(swapped(`"a"`, `1.5`)[:1] + `"store":true,` + swapped(`"a"`, `1.5`)[1:]), codec.InvalidField, `store must be a string or an integer, not "true"; items[0].id must be a string or an integer, not "1.5"`},

		"no protobuf": {record("\x0a\xff", "content-type", "application/protobuf"), codec.NotProtobuf, ""},
		"protobuf without what is required": {record(protobuf(t, &eventv1.EntityChange{Account: "acme", EventType: 7, ItemType: "X", Items: []*eventv1.Item{{}}}),
			"content-type", "application/protobuf"), codec.InvalidField, `eventType must be create, update or delete, not "7"; items[0].id ` + id},
		"a notice of ours": {record(swapped("delete", "notice")), codec.InvalidField, `eventType must be create, update or delete, not "notice"`},
		"a notice of ours in protobuf": {record(protobuf(t, &eventv1.EntityChange{Account: "acme", EventType: eventv1.EventType_EVENT_TYPE_NOTICE,
			ItemType: "webhook.disabled", Items: []*eventv1.Item{{Id: "1"}}}), "content-type", "application/protobuf"),
			codec.InvalidField, `eventType must be create, update or delete, not "notice"`},
		"protobuf whose data is no JSON": {record(protobuf(t, &eventv1.EntityChange{Account: "acme", EventType: 1, ItemType: "X", Items: []*eventv1.Item{{Id: "1", Data: []byte("{")}}}),
			"content-type", "application/protobuf"), codec.InvalidField, `items[0].data must be JSON: at byte 1 there must be a string, not "{"`},

		"a CloudEvent that is no JSON":   {record("hello", "content-type", structured), codec.NotCloudEvents, "value must be JSON: at byte 0 there must be a value"},
		"a CloudEvent that is an array":  {record("[]", "content-type", structured), codec.NotCloudEvents, `value must be a JSON object, not "[]"`},
		"a CloudEvent with no version":   {record(minimal, "content-type", structured), codec.NotCloudEvents, "specversion must be 1.0"},
		"a CloudEvent of another one":    {record(`{"specversion":"0.3"}`, "content-type", structured), codec.NotCloudEvents, `specversion must be 1.0, not "0.3"`},
		"a CloudEvent with no data":      {record(`{"specversion":"1.0"}`, "content-type", structured), codec.NotCloudEvents, "data must be the event"},
		"a CloudEvent with a number":     {record(`{"specversion":1.0}`, "content-type", structured), codec.NotCloudEvents, `specversion must be a string, not "1.0"`},
		"a CloudEvent with bad base64":   {record(`{"specversion":"1.0","data_base64":"?"}`, "content-type", structured), codec.NotCloudEvents, `data_base64 must be base64, not "?"`},
		"a CloudEvent with bad data":     {record(`{"specversion":"1.0","data":{}}`, "content-type", structured), codec.InvalidField, ""},
		"a CloudEvent with text as data": {record(`{"specversion":"1.0","data":"x"}`, "content-type", structured), codec.InvalidField, `value must be a JSON object, not "\"x\""`},
		"a CloudEvent whose time is bad": {record(minimal, "ce_specversion", "1.0", "ce_time", "now"), codec.InvalidField, `eventDate ` + rfc3339 + `, not "now"`},
		"binary mode of another version": {record(minimal, "ce_specversion", "0.3"), codec.NotCloudEvents, `ce_specversion must be 1.0, not "0.3"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := codec.Decode(test.in)
			var reject *codec.Reject
			require.ErrorAs(t, err, &reject)
			require.Equal(t, test.reason, reject.Reason)
			require.Zero(t, got)
			if test.want != "" {
				require.EqualError(t, err, test.want)
			}
			require.NotEmpty(t, reject.Faults)
			require.Contains(t, codec.Reasons, reject.Reason)
			var faults hook.Invalid
			require.ErrorAs(t, err, &faults)
		})
	}
}

func TestWhereverAnEventIsCutItIsNoJSON(t *testing.T) {
	t.Parallel()
	structured := `{"specversion":"1.0","id":"1","time":"x","datacontenttype":"y","data_base64":"z","data":` + full + `}`
	for n := 1; n < len(full); n++ {
		requireReason(t, record(full[:n]), codec.NotJSON)
	}
	for n := 1; n < len(structured); n++ {
		requireReason(t, record(structured[:n], "content-type", "application/cloudevents+json"), codec.NotCloudEvents)
	}
}

func requireReason(t *testing.T, in codec.Input, want codec.Reason) {
	t.Helper()
	_, err := codec.Decode(in)
	var reject *codec.Reject
	require.ErrorAs(t, err, &reject)
	require.Equal(t, want, reject.Reason, "of %q", in.Value)
}

func TestOfALongValueOnlyTheBeginningIsSaid(t *testing.T) {
	t.Parallel()
	for pad := range 4 { // so that a character lies across every cut
		value := strings.Repeat("x", pad) + strings.Repeat("😀", 100_000)
		_, err := codec.Decode(record(with(`"store":"` + value + `"`)))
		require.EqualError(t, err, `store must be at most 256 bytes without control characters, not "`+
			string([]rune(value)[:64])+`…"`)
	}
}

func TestAThousandFaultsAreSaidInTwenty(t *testing.T) {
	t.Parallel()
	_, err := codec.Decode(record(swapped(`{"id":"a"}`, strings.Repeat("{},", 999)+"{}")))
	var reject *codec.Reject
	require.ErrorAs(t, err, &reject)
	require.Len(t, reject.Faults, 20)
}

func TestTheLargestEventPasses(t *testing.T) {
	t.Parallel()
	value := with(`"pad":"` + strings.Repeat("x", 900_000-len(minimal)-9) + `"`)
	require.Len(t, value, 900_000)
	_, err := codec.Decode(record(value))
	require.NoError(t, err)
}
