// Package notice makes of a notification the event that operational webhooks are told
// of, and the record of the topic notices that leads the router to it. What is in that
// topic is written by recorders alone: nothing else leads to an event of the type
// hook.NoticeEvent, since codec refuses it from everybody who publishes changes.
package notice

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/jsontext"
)

// errNone says that a record of the topic is not what a recorder writes.
var errNone = errors.New("not a notice")

// Event is the event that a notification is. Its id is that of the notification, so
// that what is written twice leads to the same deliveries. Its item's data is what
// receivers get:
//
//	{"id": "ntf_…", "account": "acme", "webhook": "wh_…" or null, "count": 50, "detail": "…"}
func Event(n hook.Notification) hook.Event {
	data := jsontext.AppendString([]byte(`{"id":`), n.ID)
	data = jsontext.AppendString(append(data, `,"account":`...), n.Account)
	data = jsontext.AppendStringOrNull(append(data, `,"webhook":`...), n.Webhook)
	data = strconv.AppendInt(append(data, `,"count":`...), n.Count, 10)
	data = jsontext.AppendString(append(data, `,"detail":`...), n.Detail)
	return hook.Event{
		ID: n.ID, Account: n.Account, Type: hook.NoticeEvent, ItemType: string(n.Notice),
		Items: []hook.Item{{ID: n.ID, Data: append(data, '}')}},
		Date:  n.CreatedAt.UTC().Format(time.RFC3339Nano), Published: n.CreatedAt,
	}
}

// Record is what leads the router to a notification. Those of an account keep their
// order.
func Record(n hook.Notification) bus.Record {
	e := Event(n)
	return bus.Record{Topic: bus.Notices, Partition: bus.AnyPartition, Key: []byte(n.Account), Value: codec.AppendChange(nil, &e)}
}

// Decode reads what Record made, out of its topic. The event shares the record's
// memory.
func Decode(r *bus.Record) (hook.Event, error) {
	e, err := codec.DecodeChange(r.Value)
	if err != nil {
		return hook.Event{}, fmt.Errorf("%w: %w", errNone, err)
	}
	if e.Type != hook.NoticeEvent || len(e.Items) != 1 || e.ID == "" || !codec.ValidAccount(e.Account) {
		return hook.Event{}, fmt.Errorf("%w: an event of the type %q with %d items", errNone, e.Type, len(e.Items))
	}
	e.Source, e.Published = r.At(), r.Time
	return e, nil
}
