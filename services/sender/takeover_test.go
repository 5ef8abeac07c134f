package sender_test

import (
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
	deliveryv1 "github.com/staffetta/staffetta/proto/staffetta/delivery/v1"
	"github.com/staffetta/staffetta/services/sender"
)

// Rule 6: "only what was in flight is repeated, and not the 999 good receivers
// of a bundle whose thousandth hangs".
func TestOnlyWhatWasInFlightIsRepeated(t *testing.T) {
	w := newWorld(t)
	good := make([]hook.Webhook, 999)
	for i := range good {
		good[i] = w.webhook("/ok", nil)
	}
	bad := w.webhook("/hang", nil)
	deliveries := w.publish(0, append(good, bad)...)
	first := launch(t, w.orders())
	for _, d := range deliveries[:999] {
		w.await(d, ended)
	}
	require.Equal(t, deliveries[999], <-w.receiver.arrived)
	first.end(syscall.SIGKILL)

	launch(t, w.orders())
	require.Equal(t, deliveries[999], <-w.receiver.arrived, "the one that hung is posted again")
	w.receiver.release()
	w.await(deliveries[999], ended)
	for _, h := range good[:10] {
		w.await(w.publish(0, h)[0], ended)
	}
	for _, d := range deliveries[:999] {
		require.Equal(t, 1, w.receiver.posted(d))
	}
}

// Rule 6: what is in flight is bounded, not how far apart the offsets lie.
func TestATakeoverKnowsWhatLiesFarAboveTheOldestOpenTask(t *testing.T) {
	w := newWorld(t)
	// Both on one partition.
	bad := w.webhook("/hang", nil)
	good := w.webhook("/ok", nil)
	for w.partition(good.ID) != w.partition(bad.ID) {
		w.webhooks = w.webhooks[:1]
		good = w.webhook("/ok", nil)
	}
	const many = 3000
	held := w.publish(0, bad)[0]
	var records []bus.Record
	var deliveries []string
	for n := range many {
		event := "evt_" + w.account + strconv.Itoa(n)
		value, err := proto.Marshal(&deliveryv1.Bundle{Change: codec.ToChange(w.event(event)), Webhooks: []string{good.ID}})
		require.NoError(t, err)
		records = append(records, bus.Record{Topic: bus.Deliveries, Partition: w.partition(good.ID), Key: []byte(w.account), Value: value})
		deliveries = append(deliveries, hook.DeliveryID(event, good.ID, -1))
	}
	w.produce(records...)
	first := launch(t, w.orders())
	<-w.receiver.arrived
	for _, d := range deliveries {
		w.await(d, ended)
	}
	first.end(syscall.SIGKILL)
	launch(t, w.orders())
	require.Equal(t, held, <-w.receiver.arrived)
	w.receiver.release()
	w.await(held, ended)
	w.await(w.publish(0, good)[0], ended)
	for _, d := range deliveries {
		require.Equal(t, 1, w.receiver.posted(d))
	}
}

// Rule 5: what a killed router wrote twice is posted once, also if a takeover
// lies between.
func TestATwinIsPostedOnceAlsoAcrossATakeover(t *testing.T) {
	w := newWorld(t)
	h := w.webhook("/ok", nil)
	first := launch(t, w.orders())
	before := w.publishEvent("evt_before_"+w.account, 0, h)[0]
	w.publishEvent("evt_before_"+w.account, 0, h)
	w.await(before, ended)
	w.await(w.publish(0, h)[0], ended)
	require.Equal(t, 1, w.receiver.posted(before))
	first.end(syscall.SIGTERM) // the offset is committed beyond it

	launch(t, w.orders())
	w.publishEvent("evt_before_"+w.account, 0, h)
	w.await(w.publish(0, h)[0], ended)
	require.Equal(t, 1, w.receiver.posted(before))
}

// Rule 5: a newer run cancels older ones.
func TestANewerRunCancelsTheOneThatWaits(t *testing.T) {
	w := newWorld(t)
	h := w.webhook("/500", func(h *hook.Webhook) { h.RetrySchedule = []time.Duration{3 * time.Second} })
	first := launch(t, w.orders())
	event := "evt_" + w.account
	d := w.publishEvent(event, 0, h)[0]
	w.await(d, func(got []hook.Attempt) bool { return len(got) == 1 && got[0].Fate == hook.FateRetrying })
	w.publishEvent(event, 7, h)
	w.await(d, ended)
	first.end(syscall.SIGKILL) // and the next owner knows
	launch(t, w.orders())
	got := w.await(d, func(got []hook.Attempt) bool { return len(got) == 3 })
	require.Equal(t, hook.FateDelivered, got[1].Fate)
	require.Equal(t, int64(7), got[1].Run)
	require.Equal(t, hook.FateSuperseded, got[2].Fate)
	require.Equal(t, hook.ReasonNewerRun, got[2].Reason)
	require.Equal(t, int64(0), got[2].Run)
	require.Equal(t, 2, w.receiver.posted(d))
}

// Rule 7: a planned stop drains before it leaves the group.
func TestAPlannedStopRepeatsNothing(t *testing.T) {
	w := newWorld(t)
	slow := w.webhook("/hang", nil)
	first := launch(t, w.orders())
	d := w.publish(0, slow)[0]
	<-w.receiver.arrived
	require.NoError(t, first.cmd.Process.Signal(syscall.SIGTERM))
	select {
	case <-first.exited:
		t.Fatal("it left although a request was under way")
	case <-time.After(w.session / 4):
	}
	w.receiver.release()
	w.await(d, ended)
	<-first.exited
	require.Zero(t, first.cmd.ProcessState.ExitCode())
	launch(t, w.orders())
	w.await(w.publish(0, slow)[0], ended)
	require.Equal(t, 1, w.receiver.posted(d))
}

// Rule 7, and row 1: three senders are restarted one after the other while they
// work.
func TestARollingRestartRepeatsNothingThatWasAnswered(t *testing.T) {
	w := newWorld(t)
	var hooks []hook.Webhook
	for range 20 {
		hooks = append(hooks, w.webhook("/ok", nil), w.webhook("/500", nil))
	}
	senders := []*process{launch(t, w.orders()), launch(t, w.orders()), launch(t, w.orders())}
	var published sync.WaitGroup
	var stop atomic.Bool
	var deliveries []string
	published.Go(func() {
		for !stop.Load() {
			more := w.publish(0, hooks...)
			deliveries = append(deliveries, more...)
			w.await(more[0], ended) // no faster than it goes
		}
	})
	first := w.publish(0, hooks...)
	w.await(first[0], ended)
	for i, old := range senders {
		old.end(syscall.SIGTERM)
		require.Zero(t, old.cmd.ProcessState.ExitCode())
		senders[i] = launch(t, w.orders())
		w.await(w.publish(0, hooks[0])[0], ended)
	}
	stop.Store(true)
	published.Wait()
	for i, d := range deliveries {
		w.await(d, ended)
		posts := 1 + i%2 // those that get a 500 first are posted twice
		require.Equal(t, posts, w.receiver.posted(d), "delivery %d", i)
	}
}

// Rule 7: without a commit that succeeded within half a session no new request
// starts.
func TestASenderThatStalledPostsNothingThatIsSomebodyElses(t *testing.T) {
	w := newWorld(t)
	slow := w.webhook("/hang", func(h *hook.Webhook) { h.Concurrency = 1 })
	first := launch(t, w.orders())
	under := w.publish(0, slow)[0]
	<-w.receiver.arrived
	var queue []string
	for range 5 {
		queue = append(queue, w.publish(0, slow)...)
	}
	first.stall(t)
	launch(t, w.orders())
	<-w.receiver.arrived // the other has taken over after a session
	w.receiver.release()
	for _, d := range append(queue, under) {
		w.await(d, ended)
	}
	first.resume(t)
	for range 3 {
		w.await(w.publish(0, slow)[0], ended)
	}
	for _, d := range queue {
		require.Equal(t, 1, w.receiver.posted(d))
	}
	require.Equal(t, 2, w.receiver.posted(under), "what was held open")
}

// Rule 7: the commit goes out even if nothing changes.
func TestACommitGoesOutEvenIfNothingChanges(t *testing.T) {
	w := newWorld(t)
	h := w.webhook("/ok", nil)
	launch(t, w.orders())
	w.await(w.publish(0, h)[0], ended)
	var last time.Time
	for range 3 {
		require.Eventually(t, func() bool {
			all, err := w.bus.CommittedOffsets(t.Context(), sender.Group, []string{bus.Deliveries})
			at := all[bus.Deliveries][w.partition(h.ID)].At
			moved := err == nil && at.After(last)
			if moved {
				last = at
			}
			return moved
		}, within, 50*time.Millisecond)
	}
}
