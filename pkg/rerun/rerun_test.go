package rerun_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/embedded"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/journal"
	"github.com/staffetta/staffetta/pkg/rerun"
)

const partitions = 4

// kafka is one with topics.
func kafka(t *testing.T) (*bus.Client, *bus.Producer) {
	t.Helper()
	server, err := embedded.StartKafka(embedded.KafkaConfig{})
	require.NoError(t, err)
	t.Cleanup(server.Close)
	client, err := bus.Dial(bus.Config{Brokers: []string{server.Addr()}})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	require.NoError(t, client.EnsureTopics(t.Context(), bus.Topics(partitions, nil), 1))
	return client, client.NewProducer(bus.ProducerConfig{})
}

func event(n int) hook.Event {
	return hook.Event{
		ID: fmt.Sprintf("evt_%d", n), Account: "acme", Type: hook.Create, ItemType: "Contact", Items: []hook.Item{{ID: fmt.Sprint(n)}},
		Source: hook.Coordinates{Topic: "events.contacts", Offset: int64(n)}, Published: time.UnixMilli(1_700_000_000_000).UTC(),
		Trace: hook.Trace{Parent: "00-trace"},
	}
}

// delivered writes the bundles of some events, all in one batch if they fit, and
// gives their deliveries to a webhook.
func delivered(t *testing.T, producer *bus.Producer, webhook string, events ...hook.Event) []hook.Delivery {
	t.Helper()
	deliveries := make([]hook.Delivery, len(events))
	written := make(chan error, len(events))
	for i, e := range events {
		payload := rerun.Of(&e)
		record, err := payload.To(webhook, 0, partitions)
		require.NoError(t, err)
		deliveries[i] = hook.Delivery{ID: hook.DeliveryID(e.ID, webhook, -1), Account: e.Account, Webhook: webhook, Event: e.ID}
		require.NoError(t, producer.Produce(t.Context(), record, func(at hook.Coordinates, err error) {
			deliveries[i].Bundle = at
			written <- err
		}))
	}
	for range events {
		require.NoError(t, <-written)
	}
	return deliveries
}

func TestAPayloadIsReadAndWrittenAgainInANewRun(t *testing.T) {
	t.Parallel()
	client, producer := kafka(t)
	d := delivered(t, producer, "wh_a", event(7))[0]
	payload, err := rerun.Read(t.Context(), client, &d)
	require.NoError(t, err)
	require.Equal(t, event(7), payload.Event)
	record, err := payload.To("wh_b", 42, partitions)
	require.NoError(t, err)
	require.Equal(t, bus.PartitionOf([]byte("wh_b"), partitions), record.Partition)
	require.Equal(t, "acme", string(record.Key))
	b, err := codec.ReadBundle(record.Value)
	require.NoError(t, err)
	require.EqualValues(t, 42, b.Run)
	again, err := codec.DecodeChange(b.Change)
	require.NoError(t, err)
	require.Equal(t, event(7), again)
}

func TestAPayloadThatIsNotThereIsGone(t *testing.T) {
	t.Parallel()
	client, producer := kafka(t)
	d := delivered(t, producer, "wh_a", event(7))[0]
	for name, edit := range map[string]func(*hook.Delivery){
		"not written": func(d *hook.Delivery) { d.Bundle.Offset++ },
		"another's":   func(d *hook.Delivery) { d.ID = hook.DeliveryID("evt_8", "wh_a", -1) },
	} {
		other := d
		edit(&other)
		for reader, read := range map[string]func(context.Context, *hook.Delivery) (rerun.Payload, error){
			"alone":       func(ctx context.Context, d *hook.Delivery) (rerun.Payload, error) { return rerun.Read(ctx, client, d) },
			"with others": rerun.NewReader(client).Read,
		} {
			_, err := read(t.Context(), &other)
			require.Error(t, err, "%s, %s", name, reader)
			require.True(t, rerun.Gone(err), "%s, %s: %v", name, reader, err)
		}
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := rerun.Read(canceled, client, &d)
	require.Error(t, err)
	require.False(t, rerun.Gone(err), "nobody knows")
}

func TestAReaderReadsInAnyOrder(t *testing.T) {
	t.Parallel()
	client, producer := kafka(t)
	var events []hook.Event
	for n := range 500 {
		events = append(events, event(n))
	}
	deliveries := delivered(t, producer, "wh_a", events...)
	reader := rerun.NewReader(client)
	for _, i := range []int{0, 1, 2, 50, 49, 300, 301, 499, 0, 0, 2, 400} {
		payload, err := reader.Read(t.Context(), &deliveries[i])
		require.NoError(t, err)
		require.Equal(t, deliveries[i].Event, payload.Event.ID)
	}
}

func TestWhatExpiredEndsInTheJournal(t *testing.T) {
	t.Parallel()
	d := hook.Delivery{ID: "dlv_1", Account: "acme", Webhook: "wh_a", Event: "evt_1", EventType: hook.Update, ItemType: "Contact", Items: []string{"7"}}
	record := rerun.Expired(&d, 42, time.UnixMicro(9), partitions)
	require.Equal(t, bus.PartitionOf([]byte("wh_a"), partitions), record.Partition)
	a, err := journal.Decode(record.Value)
	require.NoError(t, err)
	require.Equal(t, hook.FateExhausted, a.Fate)
	require.Equal(t, hook.ReasonPayloadGone, a.Reason)
	require.Equal(t, "dlv_1", a.Delivery)
	require.EqualValues(t, 42, a.Run)
}

func TestARunIsNewerThanEveryOther(t *testing.T) {
	t.Parallel()
	now := time.UnixMicro(1000)
	require.EqualValues(t, 1000, rerun.After(now))
	require.EqualValues(t, 1000, rerun.After(now, hook.Delivery{Run: 999}))
	require.EqualValues(t, 2001, rerun.After(now, hook.Delivery{Run: 999}, hook.Delivery{Run: 2000}), "another clock was ahead")
}
