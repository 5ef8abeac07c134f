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
	"github.com/staffetta/staffetta/pkg/retry"
	deliveryv1 "github.com/staffetta/staffetta/proto/staffetta/delivery/v1"
)

func bundle(t *testing.T, data []byte, webhooks ...string) bus.Record {
	t.Helper()
	value, err := proto.Marshal(&deliveryv1.Bundle{
		Change: codec.ToChange(hook.Event{
			ID: "evt_1", Account: "acme", Type: hook.Create, ItemType: "Contact",
			Items: []hook.Item{{ID: "7", Ref: "/contacts/7", Data: data}}, Date: "2026-11-23T10:00:00Z",
		}),
		Webhooks: webhooks, Run: 5,
	})
	require.NoError(t, err)
	return bus.Record{Topic: bus.Deliveries, Partition: 3, Offset: 41, Value: value}
}

func TestABundleIsDoneWhenEachOfItsTasksIs(t *testing.T) {
	t.Parallel()
	done := 0
	tasks, err := ofBundle(bundle(t, nil, "wh_1", "wh_2"), func() { done++ })
	require.NoError(t, err)
	require.Len(t, tasks, 2)
	require.Equal(t, identity{delivery: hook.DeliveryID("evt_1", "wh_1", -1), run: 5}, tasks[0].identity)
	tasks[1].finished()
	require.Zero(t, done)
	tasks[0].finished()
	require.Equal(t, 1, done)
}

// eachOf is a bundle of an event of three items for webhooks with a delivery for
// each item. The last one is too large to travel.
func eachOf(t *testing.T, webhooks ...string) (bus.Record, hook.Event) {
	t.Helper()
	e := hook.Event{
		ID: "evt_1", Account: "acme", Type: hook.Create, ItemType: "Receipt", Date: "2026-11-23T10:00:00Z",
		Items: []hook.Item{
			{ID: "7", Data: []byte(`{"id":7}`)}, {ID: "8", Data: []byte(`{"id":8}`)},
			{ID: "9", Data: append(append([]byte(`"`), bytes.Repeat([]byte("x"), 20<<10)...), '"')},
		},
	}
	value, err := codec.AppendBundle(nil, codec.AppendChange(nil, &e), webhooks, 5, codec.EachItem)
	require.NoError(t, err)
	return bus.Record{Topic: bus.Deliveries, Partition: 3, Offset: 41, Value: value}, e
}

func TestABundleMayHaveATaskForEachItem(t *testing.T) {
	t.Parallel()
	done := 0
	record, e := eachOf(t, "wh_1", "wh_2")
	tasks, err := ofBundle(record, func() { done++ })
	require.NoError(t, err)
	require.Len(t, tasks, 6)
	var ids []identity
	for n, task := range tasks {
		webhook, item := []string{"wh_1", "wh_2"}[n/3], n%3
		require.Equal(t, webhook, task.webhook)
		require.Equal(t, identity{delivery: hook.DeliveryID("evt_1", webhook, item), run: 5}, task.identity)
		require.Equal(t, e.Items[item:item+1], task.event.Items, "its item alone")
		require.Less(t, len(tasks[0].change), 200, "what waits keeps no other item")
		ids = append(ids, task.identity)
	}
	require.Equal(t, ids, identitiesOf(&record), "a takeover knows them by the same ids")
	for _, task := range tasks[1:] {
		task.finished()
	}
	require.Zero(t, done)
	tasks[0].finished()
	require.Equal(t, 1, done, "the record is done when each of them is")
}

func TestATestStaysOneWhereverItIsWritten(t *testing.T) {
	t.Parallel()
	for _, test := range []bool{true, false} {
		record := bundle(t, nil, "wh_1")
		if test {
			record.Value = codec.AppendTest(record.Value)
		}
		tasks, err := ofBundle(record, func() {})
		require.NoError(t, err)
		require.Equal(t, test, tasks[0].test)
		w, err := ofTier(bus.Record{Value: tasks[0].forTier(time.UnixMilli(1), time.UnixMilli(1))})
		require.NoError(t, err)
		require.Equal(t, test, w.test)
		again, err := w.asBundle()
		require.NoError(t, err)
		copies, err := ofBundle(bus.Record{Value: again}, func() {})
		require.NoError(t, err)
		require.Equal(t, test, copies[0].test)
	}
}

func TestATaskOfOneItemComesOutOfATierAsItWentIn(t *testing.T) {
	t.Parallel()
	record, e := eachOf(t, "wh_1")
	tasks, err := ofBundle(record, func() {})
	require.NoError(t, err)
	for n, task := range tasks {
		w, err := ofTier(bus.Record{Value: task.forTier(time.UnixMilli(1), time.UnixMilli(1))})
		require.NoError(t, err)
		require.NoError(t, w.unfold())
		require.Equal(t, n+1, w.item)
		if w.event == nil {
			require.Equal(t, 2, n, "the large one is read again at its coordinates")
			require.NoError(t, w.unpack(record))
		}
		require.Equal(t, e.Items[n:n+1], w.event.Items)

		again, err := w.asBundle() // as quarantine and another partition get it
		require.NoError(t, err)
		copies, err := ofBundle(bus.Record{Value: again}, func() {})
		require.NoError(t, err)
		require.Len(t, copies, 1)
		require.Equal(t, task.identity, copies[0].identity)
		require.Equal(t, task.event, copies[0].event)
	}
}

func TestATaskOfOneItemWhoseChangeHasMoreIsToldWhenItIsDue(t *testing.T) {
	t.Parallel()
	record, e := eachOf(t, "wh_1")
	value, err := proto.Marshal(&deliveryv1.Task{
		Delivery: "d", Webhook: "w", Bundle: &deliveryv1.Coordinates{Topic: "deliveries"}, Step: 1, Item: 2, Change: codec.AppendChange(nil, &e),
	})
	require.NoError(t, err)
	w, err := ofTier(bus.Record{Value: value})
	require.NoError(t, err)
	require.EqualError(t, w.unfold(), "task is about one item, and its change has 3")
	require.ErrorIs(t, w.unpack(record), errNoBundle, "nor does its id fit")
}

func TestATaskComesOutOfATierAsItWentIn(t *testing.T) {
	t.Parallel()
	due := time.UnixMilli(1_800_000_000_000)
	for name, data := range map[string][]byte{
		"small, with its event": []byte(`{"name":"Mario"}`),
		"large, without":        append(append([]byte(`"`), bytes.Repeat([]byte("x"), 20<<10)...), '"'),
	} {
		tasks, err := ofBundle(bundle(t, data, "wh_1"), func() {})
		require.NoError(t, err)
		tasks[0].attempts = 2
		value := tasks[0].forTier(due, due.Add(-time.Second))
		require.Less(t, len(value), 18<<10, name)
		w, err := ofTier(bus.Record{Value: value})
		require.NoError(t, err)
		require.Nil(t, w.event, "not before it is wanted")
		require.NoError(t, w.unfold())
		require.Equal(t, identity{delivery: tasks[0].delivery, run: 5, step: 1}, w.identity, name)
		require.Equal(t, 2, w.attempts)
		require.Equal(t, due, w.due)
		require.Equal(t, due.Add(-time.Second), w.notBefore)
		require.Equal(t, hook.Coordinates{Topic: bus.Deliveries, Partition: 3, Offset: 41}, w.bundle)
		if len(data) < maxCarried {
			require.Equal(t, tasks[0].event, w.event)
		} else {
			require.Nil(t, w.event, "it is read again at its coordinates")
		}
	}
}

func TestARecordThatIsNoTaskIsTold(t *testing.T) {
	t.Parallel()
	negative, err := proto.Marshal(&deliveryv1.Task{Delivery: "d", Webhook: "w", Bundle: &deliveryv1.Coordinates{}, Step: 1, Attempts: -1})
	require.NoError(t, err)
	fresh, err := proto.Marshal(&deliveryv1.Task{Delivery: "d", Webhook: "w", Bundle: &deliveryv1.Coordinates{}})
	require.NoError(t, err)
	of, err := proto.Marshal(&deliveryv1.Task{Delivery: "d", Webhook: "w", Bundle: &deliveryv1.Coordinates{}, Step: 1, Item: -1})
	require.NoError(t, err)
	for _, value := range [][]byte{nil, {}, []byte("no protobuf"), negative, fresh, of} {
		_, err := ofBundle(bus.Record{Value: value}, func() { t.Error("must not be done") })
		require.Error(t, err)
		_, err = ofTier(bus.Record{Value: value})
		require.Error(t, err)
	}
}

func TestATaskWhoseChangeIsNoneIsToldWhenItIsDue(t *testing.T) {
	t.Parallel()
	value, err := proto.Marshal(&deliveryv1.Task{
		Delivery: "d", Webhook: "w", Bundle: &deliveryv1.Coordinates{Topic: "deliveries"}, Step: 1, Change: []byte("no change"),
	})
	require.NoError(t, err)
	w, err := ofTier(bus.Record{Value: value})
	require.NoError(t, err)
	require.Error(t, w.unfold())
}

func TestWhatMakesTheReaderPanicIsAnError(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, readable(func() error { panic("stepped on it") }), "stepped on it")
	require.NoError(t, readable(func() error { return nil }))
}

func TestATiersHeadIsDueAfterItsDelay(t *testing.T) {
	t.Parallel()
	q := &queue{tier: retry.Tiers[1]}
	_, ok := q.head()
	require.False(t, ok)
	q.records = []entry{{Record: bus.Record{Offset: 1, Time: start}}, {Record: bus.Record{Offset: 2, Time: start.Add(time.Second)}}}
	due, ok := q.head()
	require.True(t, ok)
	require.Equal(t, start.Add(3*time.Second), due)
	require.EqualValues(t, 1, q.pop().Offset)
	due, _ = q.head()
	require.Equal(t, start.Add(4*time.Second), due)
}

func TestWhatAReceiverAskedForIsNeverUndershot(t *testing.T) {
	t.Parallel()
	task := &task{identity: identity{delivery: "dlv_1"}, attempts: 1}
	due, notBefore := nextTry(start, 5*time.Second, time.Minute, task)
	require.False(t, notBefore.Before(start.Add(time.Minute)))
	require.False(t, due.Before(notBefore))

	due, notBefore = nextTry(start, time.Hour, time.Minute, task)
	require.True(t, due.After(start.Add(59*time.Minute)), "the schedule's own delay is longer")
	require.True(t, notBefore.After(start.Add(50*time.Minute)))
}
