package router_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta/staffetta/pkg/bus"
	deliveryv1 "github.com/staffetta/staffetta/proto/staffetta/delivery/v1"
)

func headerOf(r bus.Record, key string) string {
	value, _ := r.Header(key)
	return string(value)
}

func TestBadInputGoesToQuarantineAndTheNextGoesOn(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	deleted := account("deleted")
	deleted.Account.Deleted = true
	snapshot := newAccounts(account("acme"), deleted, account("odd", "wh_\xff"))
	close(snapshot.awake)
	f.run(snapshot)
	deliveries, quarantine := f.reader(bus.Deliveries), f.reader(bus.Quarantine)
	good := event("evt", "acme", 1)
	for n, c := range []struct {
		reason, detail string
		value          []byte
		contentType    string
	}{
		{"tombstone", "value must be there", nil, ""},
		{"too_large", "900000", event("evt", "acme", 950_000), ""},
		{"unknown_content_type", `"text/plain"`, good, "text/plain"},
		{"not_json", "", []byte("this is no JSON"), ""},
		{"not_protobuf", "", []byte("\xff\xff"), "application/protobuf"},
		{"not_cloudevents", "", []byte("[]"), "application/cloudevents+json"},
		{"invalid_field", `"updated"`, []byte(strings.ReplaceAll(string(good), "update", "updated")), ""},
		{"invalid_field", "items", []byte(`{"account":"acme","eventType":"update","itemType":"Contact","items":[]}`), ""},
		{"unknown_account", `"nobody"`, event("evt", "nobody", 1), ""},
		{"unknown_account", `"deleted"`, event("evt", "deleted", 1), ""},
		{"unencodable", "UTF-8", event("evt", "odd", 1), ""},
	} {
		bad := bus.Record{Topic: contacts, Partition: 0, Key: []byte("key"), Value: c.value}
		if c.contentType != "" {
			bad.Headers = []bus.Header{{Key: "Content-Type", Value: []byte(c.contentType)}}
		}
		next := fmt.Sprint("evt_after_", n)
		require.NoError(t, f.producer.ProduceSync(t.Context(), bad,
			bus.Record{Topic: contacts, Partition: 0, Value: event(next, "acme", 1)}))
		require.Equal(t, map[string]int{next: 1}, f.awaitDelivered(deliveries, next), c.reason)
		q := f.next(quarantine)
		require.Len(t, q, 1)
		require.Equal(t, c.reason, headerOf(q[0], "staffetta-reason"))
		require.Contains(t, headerOf(q[0], "staffetta-detail"), c.detail)
		require.Equal(t, contacts, headerOf(q[0], "staffetta-topic"))
		require.Equal(t, "0", headerOf(q[0], "staffetta-partition"))
		require.Equal(t, fmt.Sprint(2*n), headerOf(q[0], "staffetta-offset"))
		require.Equal(t, c.contentType, headerOf(q[0], "Content-Type"))
		require.Equal(t, c.value, q[0].Value)
		require.Equal(t, "key", string(q[0].Key))
	}
	f.eventually(f.committed, "bad input is done with")
}

func TestARecordThatKafkaRefusesEndsTheRouter(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		spoil   func(f *fixture, deliveries *bus.TopicSpec)
		pad     int
		refusal error
	}{
		{"too large for the topic", func(_ *fixture, d *bus.TopicSpec) { d.MaxMessageBytes = 4096 }, 10_000, bus.ErrTooLarge},
		{"no such partition", func(f *fixture, d *bus.TopicSpec) { f.targets = 1 << 20 }, 1, bus.ErrNoTopic},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			specs := bus.Topics(partitions, nil)
			setup := &fixture{targets: partitions}
			for i := range specs {
				if specs[i].Name == bus.Deliveries {
					c.spoil(setup, &specs[i])
				}
			}
			f := newFixture(t, specs...)
			f.targets = setup.targets
			f.publish(0, event("evt_1", "acme", c.pad))
			_, ended := f.start(newAccounts(account("acme")))
			require.ErrorIs(t, f.await(ended), c.refusal)
			require.False(t, f.committed(), "nothing is lost")
		})
	}
}

func TestAConnectionThatIsClosedEndsTheRouter(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	_, ended := f.start(newAccounts(account("acme")))
	f.publish(0, event("evt_1", "acme", 1))
	f.awaitDelivered(f.reader(bus.Deliveries), "evt_1")
	f.last.Close()
	require.ErrorIs(t, f.await(ended), bus.ErrClosed)
}

func TestAGenerationThatEndsInTheMiddleLosesNothing(t *testing.T) {
	t.Parallel()
	const events = 10_000
	f := newFixture(t)
	snapshot := newAccounts(account("acme"))
	ids := make([]string, events)
	byPartition := make([][][]byte, partitions)
	for n := range ids {
		ids[n] = fmt.Sprint("evt_", n)
		byPartition[n%partitions] = append(byPartition[n%partitions], event(ids[n], "acme", 500))
	}
	for p, values := range byPartition {
		f.publish(p, values...)
	}
	reader := f.reader(bus.Deliveries)
	// Each ends with its first deliveries, the last one when it is done; two at
	// a time, so that partitions move from one to another too.
	seen := map[string]int{}
	for range 4 {
		one, _ := f.start(snapshot)
		two, _ := f.start(snapshot)
		for _, r := range f.next(reader) {
			seen[deliveredBy(t, r).Change.Event.Id]++
		}
		require.NoError(t, one())
		require.NoError(t, two())
	}
	f.run(snapshot)
	for len(seen) < events {
		for _, r := range f.next(reader) {
			seen[deliveredBy(t, r).Change.Event.Id]++
		}
	}
	require.Len(t, seen, events)
	for _, id := range ids {
		require.NotZero(t, seen[id])
	}
	f.eventually(f.committed, "all are done")
}

func deliveredBy(t *testing.T, r bus.Record) *deliveryv1.Bundle {
	t.Helper()
	var b deliveryv1.Bundle
	require.NoError(t, proto.Unmarshal(r.Value, &b))
	return &b
}

func TestManyWebhooksShareBundlesOfTheirPartition(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	webhooks := make([]string, 9_999)
	for n := range webhooks {
		webhooks[n] = fmt.Sprintf("wh_%04d", n)
	}
	f.run(newAccounts(account("acme", webhooks...)))
	f.publish(0, event("evt_1", "acme", 1))
	seen := map[string]bool{}
	bundles := 0
	for reader := f.reader(bus.Deliveries); len(seen) < 10_000; {
		for _, r := range f.next(reader) {
			b := deliveredBy(t, r)
			bundles++
			require.LessOrEqual(t, len(b.Webhooks), 1000)
			require.Equal(t, "acme", string(r.Key))
			require.Zero(t, b.Run)
			for _, w := range b.Webhooks {
				require.Equal(t, r.Partition, bus.PartitionOf([]byte(w), partitions))
				require.False(t, seen[w], "twice: %s", w)
				seen[w] = true
			}
		}
	}
	require.LessOrEqual(t, bundles, 10+partitions)
}

func TestAnEventThatNobodyWantsIsDone(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	nobody := account("acme")
	nobody.Webhooks = nil
	f.publish(0, event("evt_1", "acme", 1))
	f.run(newAccounts(nobody))
	f.eventually(f.committed, "without a delivery")
}

func TestStoresOfEventsAreToldWhoeverWantsThem(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	nobody := account("acme")
	nobody.Webhooks = nil
	of := func(account, store string) []byte {
		return fmt.Appendf(nil, `{"account":%q,"store":%s,"eventType":"update","itemType":"Contact","items":[{"id":"1"}]}`, account, store)
	}
	f.publish(0, of("acme", `"7"`), of("acme", `8`), of("acme", `null`), of("acme", `"7"`), of("other", `"7"`), of("acme", `""`))
	f.run(newAccounts(nobody, account("other")))
	f.eventually(f.committed, "all are routed")
	told := map[string]int{}
	for reader, n := f.reader(bus.Stores), 0; n < 3; {
		for _, r := range f.next(reader) {
			told[string(r.Key)+" "+string(r.Value)]++
			n++
		}
	}
	require.Equal(t, map[string]int{"acme 7": 1, "acme 8": 1, "other 7": 1}, told)
}
