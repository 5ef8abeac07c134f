package recorder_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
)

func TestAReplayOfEventsReadsWhatUpstreamWrote(t *testing.T) {
	f := newFixture(t)
	f.subscribed("wh_b", hook.Webhook{ItemTypes: []string{hook.AnyItemType}, EventTypes: hook.EventTypes, Stores: []string{"7"}})
	began := time.Now()
	var want []string
	var last bus.Record
	for n := range 60 {
		account, itemType, store := "acme", "Contact", "7"
		switch n % 6 {
		case 1:
			account = "other"
		case 2:
			itemType = "Invoice"
		case 3:
			store = "8"
		case 4:
			itemType = "Contatto" // the same in Italian
		}
		last = bus.Record{
			Topic: bus.EventTopics[n%len(bus.EventTopics)], Partition: n % partitions,
			Value: fmt.Appendf(nil, `{"account":%q,"eventType":"create","itemType":%q,"store":%q,"items":[{"id":%d}]}`, account, itemType, store, n),
		}
		if n%6 == 5 {
			last.Value = []byte("no event")
		}
		written := make(chan hook.Coordinates, 1)
		require.NoError(t, f.producer.Produce(t.Context(), last, func(at hook.Coordinates, err error) { written <- at }))
		at := <-written
		if n%6 == 0 || n%6 == 4 {
			want = append(want, hook.DerivedEventID(at))
		}
	}
	r := f.replay("wh_b", "", func(r *hook.Replay) {
		r.From, r.To, r.ItemTypes = began.Add(-time.Minute), time.Now().Add(time.Minute), []string{"Contact"}
	})
	f.run()
	r = f.replayed(r, hook.ReplayDone)
	bundles := f.released("wh_b", len(want))
	require.ElementsMatch(t, want, events(bundles), "with the ids that the router gave them")
	require.Equal(t, "wh_b", bundles[0].Webhooks[0])
	require.NotEmpty(t, bundles[0].Change.Source.Topic)
	require.EqualValues(t, 60, r.Progress.Total)
	require.EqualValues(t, 60, r.Progress.Done)
	require.EqualValues(t, len(want), r.Progress.Replayed)
	require.Zero(t, r.Progress.ReachesBackTo, "nothing has expired")

	none := f.replay("wh_b", "", func(r *hook.Replay) { r.ID, r.From, r.To = "rpl_early", began.Add(-time.Hour), began.Add(-time.Minute) })
	require.Zero(t, f.replayed(none, hook.ReplayDone).Progress.Total, "nothing happened then")
}

func TestAReplayOfEventsSaysHowFarBackItReaches(t *testing.T) {
	f := newFixture(t)
	f.subscribed("wh_b", hook.Webhook{ItemTypes: []string{hook.AnyItemType}, EventTypes: hook.EventTypes})
	began := time.Now()
	var upstream []bus.Record
	for n := range 10 {
		upstream = append(upstream, bus.Record{
			Topic: bus.EventTopics[0], Partition: 0,
			Value: fmt.Appendf(nil, `{"id":"evt_%05d","account":"acme","eventType":"create","itemType":"Contact","items":[{"id":1}]}`, n),
		})
	}
	require.NoError(t, f.producer.ProduceSync(t.Context(), upstream...))
	f.expire(bus.EventTopics[0], 0, 4)
	r := f.replay("wh_b", "", func(r *hook.Replay) { r.From, r.To = began.Add(-time.Minute), time.Now().Add(time.Minute) })
	f.run()
	r = f.replayed(r, hook.ReplayDone)
	require.EqualValues(t, 6, r.Progress.Replayed)
	require.WithinDuration(t, began, r.Progress.ReachesBackTo, time.Minute)
	require.Equal(t, "evt_00004", events(f.released("wh_b", 6))[0])
}

func TestEventsThatExpireDuringAReplayAreCountedAsGone(t *testing.T) {
	f := newFixture(t)
	f.subscribed("wh_b", hook.Webhook{ItemTypes: []string{hook.AnyItemType}, EventTypes: hook.EventTypes})
	var upstream []bus.Record
	for n := range 20 {
		upstream = append(upstream, bus.Record{
			Topic: bus.EventTopics[0], Partition: n % 2,
			Value: fmt.Appendf(nil, `{"id":"evt_%05d","account":"acme","eventType":"create","itemType":"Contact","items":[{"id":1}]}`, n),
		})
	}
	require.NoError(t, f.producer.ProduceSync(t.Context(), upstream...))
	f.expire(bus.EventTopics[0], 0, 4)
	f.expire(bus.EventTopics[0], 1, 10) // nothing is left, so nothing tells of it
	r := f.replay("wh_b", "", func(r *hook.Replay) {
		r.To = time.Now().Add(time.Hour)
		r.Progress = hook.ReplayProgress{Begun: true, Total: 20, Parts: []hook.ReplayPart{
			{Topic: bus.EventTopics[0], Partition: 0, Next: 0, End: 10}, {Topic: bus.EventTopics[0], Partition: 1, Next: 0, End: 10},
		}}
	})
	f.run()
	r = f.replayed(r, hook.ReplayDone)
	require.EqualValues(t, 6, r.Progress.Replayed)
	require.EqualValues(t, 20, r.Progress.Done)
	require.Equal(t, map[hook.Reason]int64{hook.ReasonPayloadGone: 14}, r.Progress.Failed)
}

// expire deletes a partition's records below an offset, as retention does.
func (f *fixture) expire(topic string, partition int32, below int64) {
	f.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(f.brokers...))
	require.NoError(f, err)
	defer client.Close()
	request := kmsg.NewPtrDeleteRecordsRequest()
	t := kmsg.NewDeleteRecordsRequestTopic()
	t.Topic = topic
	p := kmsg.NewDeleteRecordsRequestTopicPartition()
	p.Partition, p.Offset = partition, below
	t.Partitions = append(t.Partitions, p)
	request.Topics = append(request.Topics, t)
	answer, err := request.RequestWith(f.Context(), client)
	require.NoError(f, err)
	require.Zero(f, answer.Topics[0].Partitions[0].ErrorCode)
}

func TestAReplayOfEventsLeavesOutWhatBreaksItsSchema(t *testing.T) {
	f := newFixture(t)
	f.subscribed("wh_b", hook.Webhook{ItemTypes: []string{hook.AnyItemType}, EventTypes: hook.EventTypes})
	for itemType, schema := range map[string]string{
		"Contact": `{"properties": {"name": {"type": "string"}}}`,
		"Ticket":  `{"type": "nothing"}`, // of another version: the router lets nothing of it through either
	} {
		require.NoError(t, f.store.PutItemSchema(t.Context(), "acme", hook.ItemSchema{ItemType: itemType, Schema: []byte(schema)}))
	}
	var upstream []bus.Record
	for n, of := range []struct{ event, item, data string }{
		{"create", "Contact", `{"name": "Anna"}`},
		{"update", "Contact", `{"name": 7}`},
		{"delete", "Contact", `{"name": 7}`}, // is not checked
		{"create", "Invoice", `{"name": 7}`}, // has no schema
		{"create", "Ticket", `{"name": 7}`},
	} {
		upstream = append(upstream, bus.Record{Topic: bus.EventTopics[0], Value: fmt.Appendf(nil,
			`{"id":"evt_%05d","account":"acme","eventType":%q,"itemType":%q,"items":[{"id":1},{"id":2,"data":%s}]}`, n, of.event, of.item, of.data)})
	}
	require.NoError(t, f.producer.ProduceSync(t.Context(), upstream...))
	f.run()
	r := f.replayed(f.replay("wh_b", "", func(r *hook.Replay) { r.To = time.Now().Add(time.Hour) }), hook.ReplayDone)
	require.EqualValues(t, 5, r.Progress.Done)
	require.EqualValues(t, 3, r.Progress.Replayed)
	require.Empty(t, r.Progress.Failed)
	require.Equal(t, []string{"evt_00000", "evt_00002", "evt_00003"}, events(f.released("wh_b", 3)))
}
