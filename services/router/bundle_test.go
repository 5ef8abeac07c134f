package router_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
	deliveryv1 "github.com/staffetta/staffetta/proto/staffetta/delivery/v1"
	"github.com/staffetta/staffetta/services/router"
)

func toAll(account string, webhooks int) *router.Index {
	s := hook.AccountState{Account: hook.Account{ID: account}}
	for n := range webhooks {
		s.Webhooks = append(s.Webhooks, hook.Webhook{
			ID: fmt.Sprintf("wh_%026d", n), ItemTypes: []string{hook.AnyItemType}, EventTypes: hook.EventTypes,
		})
	}
	return router.NewIndex(s)
}

// Webhooks with a delivery for each item have bundles of their own, that make no
// more than a thousand deliveries unless one webhook's do.
func TestWebhooksWithADeliveryForEachItemHaveTheirOwnBundles(t *testing.T) {
	t.Parallel()
	for items, most := range map[int]int{1: 1000, 3: 333, 2000: 1} {
		s := hook.AccountState{Account: hook.Account{ID: "acme"}}
		format := map[string]hook.Format{}
		for n := range 20 * partitions {
			w := hook.Webhook{
				ID: fmt.Sprintf("wh_%026d", n), ItemTypes: []string{"Receipt"}, EventTypes: hook.EventTypes,
				Format: []hook.Format{hook.FormatStandard, hook.FormatCassaInCloud}[n%2],
			}
			s.Webhooks, format[w.ID] = append(s.Webhooks, w), w.Format
		}
		e := hook.Event{ID: "evt_1", Account: "acme", Type: hook.Update, ItemType: "Receipt"}
		for n := range items {
			e.Items = append(e.Items, hook.Item{ID: fmt.Sprint(n)})
		}
		b := router.NewBundler(partitions, nil)
		total, err := b.Match(t.Context(), &e, router.NewIndex(s))
		require.NoError(t, err)
		require.Equal(t, 10*partitions+10*partitions*items, total)
		records, err := b.Records(&e)
		require.NoError(t, err)
		for _, r := range records {
			bundle, err := codec.ReadBundle(r.Value)
			require.NoError(t, err)
			each := bundle.Item == codec.EachItem
			require.True(t, each || bundle.Item == codec.AllItems)
			require.True(t, !each || bundle.Count <= most)
			for id := range bundle.Webhooks() {
				require.Equal(t, each, format[id].PerItem())
				require.Equal(t, bus.PartitionOf([]byte(id), partitions), r.Partition)
				delete(format, id)
			}
		}
		require.Empty(t, format, "each webhook once")
	}
}

// One Bundler makes the bundles of event after event, large and small, and what
// it made before stays as it was.
func TestBundlesHoldEachWebhookOnceOnItsPartition(t *testing.T) {
	t.Parallel()
	b := router.NewBundler(partitions, nil)
	var kept []bus.Record
	sizes := []int{1, 100_000, 3, 2 * partitions * 1000, 1}
	for n, webhooks := range sizes {
		e := hook.Event{ID: fmt.Sprint(n), Account: "acme", Type: hook.Update, ItemType: "Contact", Items: []hook.Item{{ID: "1"}}}
		total, err := b.Match(t.Context(), &e, toAll("acme", webhooks))
		require.NoError(t, err)
		require.Equal(t, webhooks, total)
		records, err := b.Records(&e)
		require.NoError(t, err)
		kept = append(kept, records...)
	}
	told := make([][]string, len(sizes))
	for _, r := range kept {
		var m deliveryv1.Bundle
		require.NoError(t, proto.Unmarshal(r.Value, &m))
		require.Equal(t, bus.Deliveries, r.Topic)
		require.Equal(t, "acme", string(r.Key))
		require.LessOrEqual(t, len(m.GetWebhooks()), 1000)
		var n int
		_, err := fmt.Sscan(m.GetChange().GetEvent().GetId(), &n)
		require.NoError(t, err)
		for _, id := range m.GetWebhooks() {
			require.Equal(t, bus.PartitionOf([]byte(id), partitions), r.Partition)
		}
		told[n] = append(told[n], m.GetWebhooks()...)
	}
	for n, webhooks := range sizes {
		require.Len(t, told[n], webhooks)
		slices.Sort(told[n])
		require.Len(t, slices.Compact(told[n]), webhooks)
	}
}

// BenchmarkBundle is what an event for one webhook costs between its record and
// that of deliveries, but for its trace.
func BenchmarkBundle(b *testing.B) {
	index := toAll("acme", 1)
	bundler := router.NewBundler(32, nil)
	in := codec.Input{
		Value: event("evt_0000000001", "acme", 400), At: hook.Coordinates{Topic: contacts, Partition: 1, Offset: 7},
		Time: time.UnixMilli(1_700_000_000_000),
	}
	b.ReportAllocs()
	for b.Loop() {
		e, err := codec.Decode(in)
		if err != nil {
			b.Fatal(err)
		}
		if total, err := bundler.Match(context.Background(), &e, index); total == 0 || err != nil {
			b.Fatal("nobody wants it", err)
		}
		if _, err := bundler.Records(&e); err != nil {
			b.Fatal(err)
		}
	}
}
