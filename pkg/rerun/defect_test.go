package rerun_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/rerun"
	deliveryv1 "github.com/staffetta/staffetta/proto/staffetta/delivery/v1"
)

// What a sender put into quarantine leads to the same delivery, in a newer run, whether
// it had the payload with it or not.
func TestATaskAtWhichASenderFailedIsSentAgain(t *testing.T) {
	t.Parallel()
	client, producer := kafka(t)
	e := event(7)
	e.Items = append(e.Items, hook.Item{ID: "8"})
	for name, each := range map[string]bool{"a delivery of all items": false, "one of each": true} {
		payload := rerun.Of(&e)
		item, delivery := codec.AllItems, hook.DeliveryID(e.ID, "wh_a", -1)
		if each {
			payload, item, delivery = payload.EachItem(), 2, hook.DeliveryID(e.ID, "wh_a", 1)
		}
		record, err := payload.To("wh_a", 0, partitions)
		require.NoError(t, err)
		written := make(chan hook.Coordinates, 1)
		require.NoError(t, producer.Produce(t.Context(), record, func(at hook.Coordinates, _ error) { written <- at }))
		at := <-written
		whole, err := rerun.Read(t.Context(), client, &hook.Delivery{ID: delivery, Webhook: "wh_a", Bundle: at})
		require.NoError(t, err)
		carried, err := whole.To("wh_a", 5, partitions)
		require.NoError(t, err)
		bare, err := proto.Marshal(&deliveryv1.Bundle{Webhooks: []string{"wh_a"}, Run: 5, Item: int32(item)})
		require.NoError(t, err)
		for form, bundle := range map[string][]byte{"with its payload": carried.Value, "without": bare} {
			value, err := rerun.Defect(t.Context(), client, bundle, at, time.UnixMicro(3))
			require.NoError(t, err, "%s, %s", name, form)
			b, err := codec.ReadBundle(value)
			require.NoError(t, err)
			require.EqualValues(t, 6, b.Run, "newer than the one that failed, whatever the clock says")
			part, err := b.PartOf("wh_a", delivery)
			require.NoError(t, err, "%s, %s", name, form)
			require.Equal(t, whole.Event.Items, part.Event.Items, "%s, %s", name, form)
		}
	}
}

func TestATaskThatCannotBeSentAgainIsGone(t *testing.T) {
	t.Parallel()
	client, _ := kafka(t)
	bare, err := proto.Marshal(&deliveryv1.Bundle{Webhooks: []string{"wh_a"}})
	require.NoError(t, err)
	nobodys, err := proto.Marshal(&deliveryv1.Bundle{})
	require.NoError(t, err)
	for name, bundle := range map[string][]byte{"its payload expired": bare, "no bundle": []byte("x"), "no value": nil, "of no webhook": nobodys} {
		_, err := rerun.Defect(t.Context(), client, bundle, hook.Coordinates{Topic: bus.Deliveries}, time.Now())
		require.True(t, rerun.Gone(err), "%s: %v", name, err)
	}
}
