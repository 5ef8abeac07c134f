package sender

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
	deliveryv1 "github.com/staffetta/staffetta/proto/staffetta/delivery/v1"
)

// ofThree is a bundle of three items, of which wh_1 gets all and wh_2 the first
// and the last. They carry data of a size.
func ofThree(t *testing.T, size int) bus.Record {
	t.Helper()
	e := hook.Event{ID: "evt_1", Account: "acme", Type: hook.Create, ItemType: "Contact", Date: "2026-11-23T10:00:00Z"}
	for _, id := range []string{"7", "8", "9"} {
		e.Items = append(e.Items, hook.Item{ID: id, Data: append(append([]byte(`"`), bytes.Repeat([]byte("x"), size)...), '"')})
	}
	value, err := codec.AppendBundle(nil, codec.AppendChange(nil, &e), []string{"wh_1", "wh_2"}, 0, codec.AllItems)
	require.NoError(t, err)
	return bus.Record{Topic: bus.Deliveries, Partition: 3, Offset: 41, Value: codec.AppendSelection(value, hook.Selection{0b101}, []int{1})}
}

func itemsOf(t *task) (ids []string) {
	for _, item := range t.event.Items {
		ids = append(ids, item.ID)
	}
	return ids
}

func TestATaskHasTheItemsThatItsWebhookGets(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int{"small, with its event in the tier": 10, "large, read again": 20 << 10} {
		r := ofThree(t, size)
		tasks, err := ofBundle(r, func() {})
		require.NoError(t, err)
		require.Equal(t, []string{"7", "8", "9"}, itemsOf(tasks[0]))
		require.Equal(t, []string{"7", "9"}, itemsOf(tasks[1]))

		w, err := ofTier(bus.Record{Value: tasks[1].forTier(time.UnixMilli(1), time.UnixMilli(1))})
		require.NoError(t, err)
		require.NoError(t, w.unfold())
		if w.event == nil {
			require.NoError(t, w.unpack(r))
		}
		require.Equal(t, []string{"7", "9"}, itemsOf(w.task), name)
		again, err := ofTier(bus.Record{Value: w.forTier(time.UnixMilli(1), time.UnixMilli(1))})
		require.NoError(t, err)
		require.Equal(t, hook.Selection{0b101}, again.items, "however often it is parked")
	}
}

func TestATaskThatIsForwardedKeepsItsItems(t *testing.T) {
	t.Parallel()
	tasks, err := ofBundle(ofThree(t, 10), func() {})
	require.NoError(t, err)
	value, err := tasks[1].asBundle()
	require.NoError(t, err)
	there, err := ofBundle(bus.Record{Value: value}, func() {})
	require.NoError(t, err)
	require.Len(t, there, 1)
	require.Equal(t, []string{"7", "9"}, itemsOf(there[0]))
}

func TestASelectionOfNothingIsNoTask(t *testing.T) {
	t.Parallel()
	r := ofThree(t, 10)
	r.Value = codec.AppendSelection(r.Value, hook.Selection{0b1000}, []int{0})
	_, err := ofBundle(r, func() {})
	require.ErrorContains(t, err, "none of the items")

	value, err := proto.Marshal(&deliveryv1.Task{
		Delivery: "d", Webhook: "wh_1", Bundle: &deliveryv1.Coordinates{Topic: "deliveries"}, Step: 1,
		Change: codec.AppendChange(nil, &hook.Event{ID: "evt_1", Items: []hook.Item{{ID: "1"}}}), Items: []byte{2},
	})
	require.NoError(t, err)
	w, err := ofTier(bus.Record{Value: value})
	require.NoError(t, err)
	require.ErrorContains(t, w.unfold(), "none of the items")
}

func TestOfADeliveryForEachItemThoseOfTheOthersAreLeftOut(t *testing.T) {
	t.Parallel()
	record, e := eachOf(t, "wh_1", "wh_2")
	record.Value = codec.AppendSelection(record.Value, hook.Selection{0b101}, []int{1})
	done := 0
	tasks, err := ofBundle(record, func() { done++ })
	require.NoError(t, err)
	var ids []identity
	for _, task := range tasks {
		ids = append(ids, task.identity)
	}
	want := make([]identity, 0, 5)
	for _, d := range []struct {
		webhook string
		item    int
	}{{"wh_1", 0}, {"wh_1", 1}, {"wh_1", 2}, {"wh_2", 0}, {"wh_2", 2}} {
		want = append(want, identity{delivery: hook.DeliveryID(e.ID, d.webhook, d.item), run: 5})
	}
	require.Equal(t, want, ids, "by their places in the event, whatever is left out")
	require.Equal(t, want, identitiesOf(&record), "a takeover knows them by the same ids")
	for _, task := range tasks {
		require.Nil(t, task.items, "it has its item alone")
		require.Zero(t, done)
		task.finished()
	}
	require.Equal(t, 1, done)
}
