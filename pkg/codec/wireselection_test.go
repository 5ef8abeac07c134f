package codec_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
	deliveryv1 "github.com/staffetta/staffetta/proto/staffetta/delivery/v1"
)

// selective is a bundle for three webhooks with selections.
func selective(selections ...*deliveryv1.Selection) *deliveryv1.Bundle {
	return &deliveryv1.Bundle{
		Change: codec.ToChange(fullEvent()), Webhooks: []string{"wh_1", "wh_2", "wh_3"}, Selections: selections,
	}
}

func TestABundleSaysWhichItemsAWebhookGets(t *testing.T) {
	t.Parallel()
	m := selective(&deliveryv1.Selection{Items: []byte{1}, Webhooks: []uint32{2}}, &deliveryv1.Selection{Items: []byte{0, 2}, Webhooks: []uint32{0}})
	b, err := codec.ReadBundle(wireOf(t, m))
	require.NoError(t, err)
	selections, err := b.Selections()
	require.NoError(t, err)
	require.Equal(t, []hook.Selection{{0, 2}, nil, {1}}, selections)
	require.Equal(t, hook.Selection{1}, codec.SelectionOf(m, "wh_3"))
	require.Nil(t, codec.SelectionOf(m, "wh_2"), "all")
	require.Nil(t, codec.SelectionOf(m, "wh_4"), "not there")

	b, err = codec.ReadBundle(wireOf(t, selective()))
	require.NoError(t, err)
	selections, err = b.Selections()
	require.NoError(t, err)
	require.Nil(t, selections)

	alone := &deliveryv1.Bundle{Webhooks: []string{"wh_1"}, Selections: codec.ToSelections(hook.Selection{4})}
	require.Equal(t, hook.Selection{4}, codec.SelectionOf(alone, "wh_1"))
	require.Nil(t, codec.ToSelections(nil))
}

func TestASelectionThatIsNotPackedIsRead(t *testing.T) {
	t.Parallel()
	one := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), []byte{1})
	one = protowire.AppendVarint(protowire.AppendTag(one, 2, protowire.VarintType), 1)
	message := protowire.AppendBytes(protowire.AppendTag(wireOf(t, selective()), 4, protowire.BytesType), one)
	sameBundle(t, message)
	b, err := codec.ReadBundle(message)
	require.NoError(t, err)
	selections, err := b.Selections()
	require.NoError(t, err)
	require.Equal(t, []hook.Selection{nil, {1}, nil}, selections)
}

func TestASelectionThatMakesNoSenseIsRefused(t *testing.T) {
	t.Parallel()
	for want, message := range map[string][]byte{
		"has no item":                        wireOf(t, selective(&deliveryv1.Selection{Items: []byte{0, 0}, Webhooks: []uint32{1}})),
		"is for a webhook that is not there": wireOf(t, selective(&deliveryv1.Selection{Items: []byte{1}, Webhooks: []uint32{3}})),
		"has two selections":                 wireOf(t, selective(&deliveryv1.Selection{Items: []byte{1}, Webhooks: []uint32{1, 1}})),
		"unexpected EOF":                     append(wireOf(t, selective()), 4<<3|2, 2, 2<<3|2, 9),
	} {
		b, err := codec.ReadBundle(message)
		require.NoError(t, err)
		_, err = b.Selections()
		require.ErrorContains(t, err, want)
	}
}
