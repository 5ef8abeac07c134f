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

// A commit's metadata may be anybody's: what is read of it is sound, whatever it
// says.
func FuzzReadNote(f *testing.F) {
	whole := note{since: make(positions, len(written)), done: []bus.Span{{From: 45, To: 60}, {From: 70, To: 71}}}
	for i := range whole.since {
		whole.since[i] = int64(i) << (4 * i)
	}
	f.Add("", int64(0))
	f.Add("at=", int64(41))
	f.Add(whole.encode(41), int64(41))
	f.Add(whole.encode(41)[:9], int64(41))
	f.Add(note{since: make(positions, len(written))}.encode(0), int64(0))
	f.Fuzz(func(t *testing.T, text string, watermark int64) {
		watermark = max(0, watermark>>2)
		n, err := readNote(text, watermark)
		if err != nil {
			require.ErrorIs(t, err, errNote)
			return
		}
		require.Len(t, n.since, len(written))
		for _, offset := range n.since {
			require.GreaterOrEqual(t, offset, int64(0))
		}
		at := watermark
		for _, span := range n.done {
			require.GreaterOrEqual(t, span.From, at, "ranges rise")
			require.Greater(t, span.To, span.From, "and are not empty")
			at = span.To
		}
		if text := n.encode(watermark); len(text) < bus.MaxMetadata/2 {
			again, err := readNote(text, watermark)
			require.NoError(t, err)
			require.Equal(t, n, again, "it is written as it was read")
		}
	})
}

// A tier's record may be a stranger's: it is a task that can be sent on, or an
// error.
func FuzzOfTier(f *testing.F) {
	tasks, err := ofBundle(bundle(&testing.T{}, []byte(`{"name":"Mario"}`), "wh_1"), func() {})
	require.NoError(f, err)
	due := time.UnixMilli(1_800_000_000_000)
	value := tasks[0].forTier(due, due)
	f.Add(value)
	f.Add(value[:len(value)/2])
	record, _ := eachOf(&testing.T{}, "wh_1")
	each, err := ofBundle(record, func() {})
	require.NoError(f, err)
	f.Add(each[1].forTier(due, due))
	f.Add([]byte{})
	f.Add([]byte("no task"))
	tasks[0].items = hook.Selection{1}
	f.Add(tasks[0].forTier(due, due))
	f.Fuzz(func(t *testing.T, value []byte) {
		var judge deliveryv1.Task
		refused := proto.Unmarshal(value, &judge) != nil
		w, err := ofTier(bus.Record{Topic: "retry.1s", Value: value})
		if err != nil {
			return
		}
		require.False(t, refused, "the generated code refuses it")
		require.Equal(t, judge.GetDelivery(), w.delivery)
		require.Equal(t, judge.GetAccount(), w.account)
		require.Equal(t, judge.GetWebhook(), w.webhook)
		require.Equal(t, judge.GetRun(), w.run)
		require.EqualValues(t, judge.GetStep(), w.step)
		require.EqualValues(t, judge.GetAttempts(), w.attempts)
		require.Equal(t, time.UnixMilli(judge.GetDueMs()), w.due)
		require.Equal(t, time.UnixMilli(judge.GetNotBeforeMs()), w.notBefore)
		require.Equal(t, time.UnixMilli(judge.GetWrittenMs()), w.written)
		require.Equal(t, judge.GetReservedMs() != 0, !w.reserved.IsZero() || judge.GetReservedMs() == time.Time{}.UnixMilli())
		require.EqualValues(t, judge.GetChangeBytes(), w.bytes)
		require.Equal(t, judge.GetOverQuota(), w.overQuota)
		require.Equal(t, judge.GetBooked(), w.booked)
		require.EqualValues(t, judge.GetItem(), w.item)
		require.Equal(t, hook.Coordinates{
			Topic: judge.GetBundle().GetTopic(), Partition: int(judge.GetBundle().GetPartition()), Offset: judge.GetBundle().GetOffset(),
		}, w.bundle)
		require.True(t, bytes.Equal(judge.GetChange(), w.change))
		require.True(t, bytes.Equal(judge.GetItems(), w.items))
		require.NotEmpty(t, w.delivery)
		require.NotEmpty(t, w.webhook)
		require.GreaterOrEqual(t, w.step, 0)
		require.GreaterOrEqual(t, w.attempts, 0)
		require.Positive(t, weight(w.task))
		next := w.forTier(w.due, w.notBefore)
		var written deliveryv1.Task
		require.NoError(t, proto.Unmarshal(next, &written))
		same, err := proto.Marshal(&written)
		require.NoError(t, err)
		require.Equal(t, same, next, "it is written as the generated code would")
		again, err := ofTier(bus.Record{Value: next})
		require.NoError(t, err)
		require.Equal(t, identity{w.delivery, w.run, w.step + 1}, again.identity)
		require.Equal(t, w.due, again.due)
		if w.unfold() == nil {
			require.Equal(t, w.change == nil, w.event == nil)
		}
	})
}

// A record of deliveries may be a stranger's too.
func FuzzOfBundle(f *testing.F) {
	whole := bundle(&testing.T{}, []byte(`{"name":"Mario"}`), "wh_1", "wh_2")
	f.Add(whole.Value)
	f.Add(whole.Value[:len(whole.Value)/2])
	each, _ := eachOf(&testing.T{}, "wh_1", "wh_2")
	f.Add(each.Value)
	f.Add([]byte{})
	f.Add([]byte("no bundle"))
	f.Add(codec.AppendSelection(bytes.Clone(whole.Value), hook.Selection{1}, []int{1}))
	f.Add(codec.AppendSelection(bytes.Clone(whole.Value), hook.Selection{2}, []int{1}))
	f.Fuzz(func(t *testing.T, value []byte) {
		done := 0
		r := bus.Record{Topic: bus.Deliveries, Partition: 3, Offset: 41, Value: value}
		ids := identitiesOf(&r)
		tasks, err := ofBundle(r, func() { done++ })
		if err != nil {
			return
		}
		require.NotEmpty(t, tasks)
		require.Len(t, ids, len(tasks))
		for i, task := range tasks {
			require.Equal(t, ids[i], task.identity, "a takeover knows it by the same name")
			require.NotNil(t, task.event)
			require.True(t, task.items == nil || len(task.event.Items) > 0)
			require.Positive(t, weight(task))
			value, err := task.asBundle()
			require.NoError(t, err)
			require.NoError(t, proto.Unmarshal(value, new(deliveryv1.Bundle)))
			require.Zero(t, done)
			task.finished()
		}
		require.Equal(t, 1, done)
	})
}
