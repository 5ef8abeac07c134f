package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"google.golang.org/protobuf/proto"

	eventv1 "github.com/staffetta/staffetta/proto/staffetta/event/v1"
)

// upstream is a Kafka client that was not written here.
type upstream struct {
	client *kgo.Client
}

func (in *installation) upstream(t *testing.T, options ...kgo.Opt) upstream {
	t.Helper()
	options = append(options, kgo.SeedBrokers(in.backends.environment()["STAFFETTA_KAFKA_BROKERS"]),
		kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)), kgo.ProducerBatchMaxBytes(4<<20))
	client, err := kgo.NewClient(options...)
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return upstream{client: client}
}

func (u upstream) produce(t *testing.T, records ...*kgo.Record) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	require.NoError(t, u.client.ProduceSync(ctx, records...).FirstErr())
}

var events atomic.Int64

// contact is an event about one contact, and the id that it has.
func contact(account string, change func(object)) (id string, value []byte) {
	id = fmt.Sprintf("evt-%d-%d", time.Now().UnixNano(), events.Add(1))
	event := object{
		"id": id, "account": account, "eventType": "create", "itemType": "Contact",
		"items":     []object{{"id": 12014, "ref": "/contacts/12014", "version": 3, "data": object{"name": "Mario Rossi"}}},
		"user":      object{"id": 33, "itemType": "Crew", "ref": "/crew/33"},
		"eventDate": "2023-02-02T12:07:01+01:00",
	}
	if change != nil {
		change(event)
	}
	value, err := json.Marshal(event)
	if err != nil {
		panic(err) // the test's own literal
	}
	return id, value
}

// record is an event as it travels: keyed as the contract says.
func record(account string, value []byte, headers ...kgo.RecordHeader) *kgo.Record {
	return &kgo.Record{Topic: "events.contacts", Key: []byte(account + "/Contact"), Value: value, Headers: headers}
}

func header(key, value string) kgo.RecordHeader {
	return kgo.RecordHeader{Key: key, Value: []byte(value)}
}

// protobuf is the same event as contact, in its other form.
func protobuf(t *testing.T, account string) []byte {
	t.Helper()
	version := int64(3)
	value, err := proto.Marshal(&eventv1.EntityChange{
		Account: account, EventType: eventv1.EventType_EVENT_TYPE_CREATE, ItemType: "Contact",
		Items: []*eventv1.Item{{Id: "12014", Ref: "/contacts/12014", Version: &version, Data: []byte(`{"name": "Mario Rossi"}`)}},
		User:  &eventv1.Reference{Id: "33", ItemType: "Crew", Ref: "/crew/33"}, EventDate: "2023-02-02T12:07:01+01:00",
	})
	require.NoError(t, err)
	return value
}
