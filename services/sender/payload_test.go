package sender

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
)

func TestAnotherEventAtTheSameCoordinatesIsNeverPosted(t *testing.T) {
	t.Parallel()
	record := bundle(t, nil, "wh_1")
	mine := &task{identity: identity{delivery: hook.DeliveryID("evt_1", "wh_1", -1)}, webhook: "wh_1"}
	require.NoError(t, mine.unpack(record))
	require.Equal(t, "evt_1", mine.event.ID)

	other := &task{identity: identity{delivery: hook.DeliveryID("evt_0", "wh_1", -1)}, webhook: "wh_1"}
	require.ErrorIs(t, other.unpack(record), errNoBundle, "as after the topic was made anew")
	require.ErrorIs(t, mine.unpack(bus.Record{Value: []byte("no protobuf")}), errNoBundle)
}
