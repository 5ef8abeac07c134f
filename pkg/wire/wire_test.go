package wire_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/wire"
	deliveryv1 "github.com/staffetta/staffetta/proto/staffetta/delivery/v1"
)

// The field of a Change that has coordinates.
const source = 2<<3 | wire.Length

func TestCoordinatesAreThoseOfTheMessage(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := &deliveryv1.Coordinates{
			Topic:     rapid.StringN(-1, -1, 300).Draw(t, "topic"),
			Partition: rapid.Int32().Draw(t, "partition"), Offset: rapid.Int64().Draw(t, "offset"),
		}
		want, err := proto.Marshal(&deliveryv1.Change{Source: m})
		require.NoError(t, err)
		c := hook.Coordinates{Topic: m.GetTopic(), Partition: int(m.GetPartition()), Offset: m.GetOffset()}
		require.Equal(t, want, wire.AppendCoordinates(nil, source, &c))
		require.Equal(t, len(want), wire.SizeCoordinates(source, &c))

		r := wire.NewReader(want)
		require.True(t, r.Next())
		require.Equal(t, source, r.Tag)
		var got hook.Coordinates
		require.NoError(t, wire.ReadCoordinates(&got, r.Bytes))
		require.Equal(t, c, got)
		require.False(t, r.Next())
	})
}

func TestAlikeCountsWhatFollowsAtOnce(t *testing.T) {
	t.Parallel()
	const other = 3<<3 | wire.Length
	message := []byte{}
	for _, tag := range []uint64{source, source, source, other, source} {
		message = wire.AppendText(message, tag, "x")
	}
	r := wire.NewReader(append(message, byte(source))) // breaks off
	var counts []int
	for r.Next() {
		counts = append(counts, r.Alike())
	}
	require.Equal(t, []int{3, 2, 1, 1, 1}, counts)
	require.Error(t, r.Err)
}
