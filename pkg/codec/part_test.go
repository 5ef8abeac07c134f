package codec_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
)

// bundleOf is an event of so many items, as a bundle about some of them.
func bundleOf(t *testing.T, items, about int) (codec.Bundle, hook.Event) {
	t.Helper()
	e := fullEvent()
	first := e.Items[0]
	e.Items = nil
	for n := range items {
		item := first
		item.ID, item.Data = fmt.Sprint(n), fmt.Appendf(nil, `{"n": %d}`, n)
		e.Items = append(e.Items, item)
	}
	value, err := codec.AppendBundle(nil, codec.AppendChange(nil, &e), []string{"wh_1", "wh_2"}, 7, about)
	require.NoError(t, err)
	b, err := codec.ReadBundle(value)
	require.NoError(t, err)
	require.Equal(t, about, b.Item)
	return b, e
}

// requireAlone says that a part is one item, and all else as in the event.
func requireAlone(t *testing.T, part codec.Part, e hook.Event, item int) {
	t.Helper()
	want := e
	want.Items = e.Items[item : item+1]
	require.Equal(t, item+1, part.Item)
	require.Equal(t, &want, part.Event)
	decoded, err := codec.DecodeChange(part.Change)
	require.NoError(t, err)
	require.Equal(t, want, decoded)
	require.Equal(t, hook.DeliveryID(e.ID, "wh_1", item), part.Delivery("wh_1"))
}

func TestABundleIsOnePartOrOneForEachItem(t *testing.T) {
	t.Parallel()
	whole, e := bundleOf(t, 3, codec.AllItems)
	parts, err := whole.AppendParts(nil)
	require.NoError(t, err)
	require.Len(t, parts, 1)
	require.Equal(t, &e, parts[0].Event)
	require.Equal(t, whole.Change, parts[0].Change)
	require.Equal(t, hook.DeliveryID(e.ID, "wh_1", -1), parts[0].Delivery("wh_1"))

	each, e := bundleOf(t, 3, codec.EachItem)
	parts, err = each.AppendParts(nil)
	require.NoError(t, err)
	require.Len(t, parts, 3)
	for n, part := range parts {
		requireAlone(t, part, e, n)
	}
	clear(each.Change)
	requireAlone(t, parts[1], e, 1) // it has memory of its own
}

func TestADeliveryIsFoundInItsBundle(t *testing.T) {
	t.Parallel()
	whole, e := bundleOf(t, 2, codec.AllItems)
	part, err := whole.PartOf("wh_1", hook.DeliveryID(e.ID, "wh_1", -1))
	require.NoError(t, err)
	require.Equal(t, &e, part.Event)

	each, e := bundleOf(t, 3, codec.EachItem)
	for n := range e.Items {
		part, err := each.PartOf("wh_1", hook.DeliveryID(e.ID, "wh_1", n))
		require.NoError(t, err)
		requireAlone(t, part, e, n)
		// It is sent again by itself, under the same id.
		value, err := codec.AppendBundle(nil, part.Change, []string{"wh_1"}, 8, part.Item)
		require.NoError(t, err)
		again, err := codec.ReadBundle(value)
		require.NoError(t, err)
		part, err = again.PartOf("wh_1", hook.DeliveryID(e.ID, "wh_1", n))
		require.NoError(t, err)
		requireAlone(t, part, e, n)
	}
	for _, b := range []codec.Bundle{whole, each} {
		for _, other := range []string{
			hook.DeliveryID(e.ID, "wh_3", -1), hook.DeliveryID(e.ID, "wh_1", 3), hook.DeliveryID("evt_other", "wh_1", 0), "",
		} {
			_, err := b.PartOf("wh_1", other)
			require.ErrorIs(t, err, codec.ErrOtherDelivery)
		}
	}
	_, err = whole.PartOf("wh_1", hook.DeliveryID(e.ID, "wh_1", 0))
	require.ErrorIs(t, err, codec.ErrOtherDelivery, "of the whole event")
	_, err = each.PartOf("wh_1", hook.DeliveryID(e.ID, "wh_1", -1))
	require.ErrorIs(t, err, codec.ErrOtherDelivery, "of one item")
}

func TestABundleWhoseItemIsNotInItIsTold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ items, about int }{{2, 1}, {0, 1}, {0, codec.EachItem}, {1, -2}} {
		b, _ := bundleOf(t, c.items, c.about)
		_, err := b.AppendParts(nil)
		require.EqualError(t, err, fmt.Sprintf("bundle is about item %d, but its change has %d", c.about, c.items))
	}
	_, err := codec.Bundle{Item: codec.EachItem}.PartOf("wh_1", "dlv_1")
	require.Error(t, err)
}

func TestAWebhookThatGetsSomeItemsGetsThoseAlone(t *testing.T) {
	t.Parallel()
	for _, about := range []int{codec.AllItems, codec.EachItem} {
		plain, e := bundleOf(t, 3, about)
		message, err := codec.AppendBundle(nil, plain.Change, []string{"wh_1", "wh_2"}, 7, about)
		require.NoError(t, err)
		some := hook.Selection{0b101}
		b, err := codec.ReadBundle(codec.AppendSelection(message, some, []int{1}))
		require.NoError(t, err)
		parts, err := b.AppendParts(nil)
		require.NoError(t, err)
		var got []hook.Item
		for n := range parts {
			all, ok := parts[n].Of(nil)
			require.True(t, ok)
			require.Equal(t, parts[n], all)
			if part, ok := parts[n].Of(some); ok {
				got = append(got, part.Event.Items...)
				require.Equal(t, about == codec.AllItems, part.Selected != nil)
			}
		}
		require.Equal(t, []hook.Item{e.Items[0], e.Items[2]}, got)
		if about == codec.EachItem {
			continue
		}
		part, err := b.PartOf("wh_2", hook.DeliveryID(e.ID, "wh_2", -1))
		require.NoError(t, err)
		require.Equal(t, some, part.Selected)
		require.Equal(t, got, part.Event.Items)
		require.Equal(t, b.Change, part.Change, "places are those in the whole of it")
		part, err = b.PartOf("wh_1", hook.DeliveryID(e.ID, "wh_1", -1))
		require.NoError(t, err)
		require.Nil(t, part.Selected)
		require.Len(t, part.Event.Items, 3)
	}
}
