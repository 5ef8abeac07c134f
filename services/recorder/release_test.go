package recorder_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
)

func TestAResumedWebhookGetsWhatWasHeldOldestFirst(t *testing.T) {
	f := newFixture(t)
	f.webhook("wh_a", hook.Paused)
	f.webhook("wh_p", hook.Paused)
	held := []hook.Attempt{f.hold(3, "wh_a"), f.hold(1, "wh_a"), f.hold(2, "wh_a")}
	other := f.hold(4, "wh_p")
	service, _ := f.run()
	f.eventually(f.recorded, "held")
	require.Equal(t, hook.FateHeld, f.delivery(held[0]).Status)

	f.setStatus("wh_a", hook.Resuming)
	f.mark("wh_a")
	service.Wake()
	bundles := f.released("wh_a", 3)
	for i, event := range []string{"evt_00001", "evt_00002", "evt_00003"} {
		require.Equal(t, event, bundles[i].Change.Event.Id)
		require.Equal(t, "00-trace", bundles[i].Change.Traceparent)
		require.Equal(t, []string{"wh_a"}, bundles[i].Webhooks, "nobody else's")
		require.Equal(t, hook.Selection{1}, codec.SelectionOf(bundles[i], "wh_a"), "and no other items")
	}
	f.eventually(func() bool { return f.statusOf("wh_a") == hook.Active }, "nothing is held any more")
	for _, a := range held {
		d := f.delivery(a)
		require.Equal(t, hook.FateRetrying, d.Status)
		require.Equal(t, bundles[0].Run, d.Run)
	}
	require.Equal(t, hook.FateHeld, f.delivery(other).Status)
	require.Equal(t, hook.Paused, f.statusOf("wh_p"))

	// It is paused again before the sender got to one of them.
	again := held[1]
	again.Run = bundles[0].Run
	f.record(again)
	f.eventually(func() bool { return f.delivery(again).Status == hook.FateRetrying && f.delivery(again).Run > again.Run },
		"an active webhook's are released too")
}

// Of an event whose other items were delivered, the one that is held is released,
// and once more if it is held again.
func TestAHeldDeliveryOfOneItemIsReleasedAlone(t *testing.T) {
	f := newFixture(t)
	f.webhook("wh_a", hook.Active)
	held := attempt(1, "wh_a", hook.FateHeld)
	held.Delivery, held.Items = hook.DeliveryID(held.Event, "wh_a", 2), []string{"c"}
	e := hook.Event{ID: held.Event, Account: "acme", Type: hook.Create, ItemType: "Receipt", Items: []hook.Item{{ID: "a"}, {ID: "b"}, {ID: "c"}}}
	value, err := codec.AppendBundle(nil, codec.AppendChange(nil, &e), []string{"wh_a"}, 0, codec.EachItem)
	require.NoError(t, err)
	held.Bundle = f.deliver(held.Bundle.Partition, value)
	f.record(held)
	f.run()
	first := f.released("wh_a", 1)[0]
	require.EqualValues(t, 3, first.Item)
	require.Len(t, first.Change.Event.Items, 1)
	require.Equal(t, "c", first.Change.Event.Items[0].Id)

	f.eventually(func() bool { return f.delivery(held).Status == hook.FateRetrying }, "released")
	again := held
	again.Run, again.Bundle.Offset = first.Run, held.Bundle.Offset+1
	f.record(again)
	second := f.released("wh_a", 2)[1]
	require.Equal(t, first.Change.Event.Items[0].Id, second.Change.Event.Items[0].Id)
	require.Equal(t, first.Item, second.Item)
	require.Greater(t, second.Run, first.Run)
}

func TestAnotherEventAtTheSameCoordinatesIsNeverReleased(t *testing.T) {
	f := newFixture(t)
	f.webhook("wh_a", hook.Resuming)
	f.mark("wh_a")
	other := f.hold(2, "wh_a")
	stale := attempt(1, "wh_a", hook.FateHeld)
	stale.Bundle = other.Bundle // as after the topic was made anew
	f.record(stale)
	f.run()
	f.eventually(f.recorded, "held")
	f.eventually(func() bool { return f.delivery(stale).Status == hook.FateExhausted }, "its payload is gone")
	require.Equal(t, "evt_00002", f.released("wh_a", 1)[0].Change.Event.Id)
}

func TestAHeldDeliveryWhosePayloadIsGoneIsExhausted(t *testing.T) {
	f := newFixture(t)
	f.webhook("wh_a", hook.Resuming)
	f.mark("wh_a")
	gone := attempt(1, "wh_a", hook.FateHeld)
	gone.Bundle.Offset = 1 << 40
	f.record(gone)
	later := f.hold(2, "wh_a")
	f.run()
	f.eventually(func() bool { return f.recorded() && f.statusOf("wh_a") == hook.Active }, "it holds up nothing")
	f.eventually(func() bool { return f.delivery(gone).Status == hook.FateExhausted }, "the log shows its end")
	require.Equal(t, hook.ReasonPayloadGone, f.delivery(gone).Reason)
	require.Equal(t, "evt_00002", f.released("wh_a", 1)[0].Change.Event.Id)
	require.Equal(t, hook.FateRetrying, f.delivery(later).Status)
}

func TestAPayloadThatCannotBeReadHoldsUpNothingElse(t *testing.T) {
	f := newFixture(t)
	f.webhook("wh_a", hook.Active)
	f.webhook("wh_b", hook.Active)
	var unread []hook.Attempt
	for n := range 3 {
		a := attempt(n, "wh_a", hook.FateHeld)
		a.Bundle.Topic = "nowhere" // that it is gone is not known
		unread = append(unread, a)
	}
	f.record(unread...)
	f.hold(10, "wh_a")
	f.hold(11, "wh_b")
	f.run()
	require.Equal(t, "evt_00010", f.released("wh_a", 1)[0].Change.Event.Id)
	require.Equal(t, "evt_00011", f.released("wh_b", 1)[0].Change.Event.Id)
	for _, a := range unread {
		require.Equal(t, hook.FateHeld, f.delivery(a).Status, "it is tried again")
	}
}

func TestAPayloadThatCannotBeReadHoldsUpWhatIsToComeAfterIt(t *testing.T) {
	f := newFixture(t)
	f.webhook("wh_a", hook.Active)
	f.webhook("wh_b", hook.Active)
	_, err := f.store.UpdateWebhook(f.Context(), "acme", "wh_a", 0, func(w *hook.Webhook) error {
		w.Ordering = hook.OrderedByItem
		return nil
	})
	require.NoError(t, err)
	unread := attempt(1, "wh_a", hook.FateHeld)
	unread.Bundle.Topic = "nowhere"
	f.record(unread)
	later := f.hold(2, "wh_a")
	f.run()
	for n := range 2 { // two rounds
		f.hold(10+n, "wh_b")
		f.released("wh_b", n+1)
	}
	require.Equal(t, hook.FateHeld, f.delivery(later).Status)
	require.Equal(t, hook.FateHeld, f.delivery(unread).Status)
}

func TestAReleaseThatIsNotNotedIsRepeatedUnderTheSameDelivery(t *testing.T) {
	f := newFixture(t)
	f.webhook("wh_a", hook.Resuming)
	f.mark("wh_a")
	held := f.hold(1, "wh_a")
	f.store.released.Store(1)
	f.run()
	bundles := f.released("wh_a", 2)
	require.Equal(t, bundles[0].Change.Event.Id, bundles[1].Change.Event.Id)
	require.Greater(t, bundles[1].Run, bundles[0].Run, "the newer run cancels the older")
	f.eventually(func() bool { return f.delivery(held).Run == bundles[1].Run }, "noted")
}

func TestNothingIsReleasedThatTheLogOnlyThinksIsHeld(t *testing.T) {
	f := newFixture(t)
	f.webhook("wh_a", hook.Active)
	held := f.hold(1, "wh_a")
	_, stop := f.run()
	first := f.released("wh_a", 1)[0]
	f.eventually(func() bool { return f.delivery(held).Status == hook.FateRetrying }, "released")
	stop()

	// The next recorder finds it held again, by the row; that it was delivered
	// since is in attempts only, and the database takes it late.
	again, done := held, held
	again.Run, again.Step = first.Run, 1
	done.Run, done.Step, done.Fate, done.Number = first.Run, 2, hook.FateDelivered, 1
	p := held.Bundle.Partition
	require.NoError(t, f.store.Store.Record(t.Context(), []hook.Range{{Partition: p, From: 1, To: 2, Records: []hook.Recorded{{Offset: 1, Attempt: again}}}}))
	f.record(again, done)
	require.Equal(t, hook.FateHeld, f.delivery(held).Status)
	f.store.records.Store(4) // tried again after 0.1, 0.2, 0.4, 0.8 s: longer than a round
	f.run()
	f.eventually(func() bool { return f.delivery(held).Status == hook.FateDelivered }, "recorded")

	f.hold(2, "wh_a")
	require.Equal(t, "evt_00002", f.released("wh_a", 2)[1].Change.Event.Id, "not the first one again")
}

func TestARunIsNewerThanThoseOfAClockThatWasAhead(t *testing.T) {
	f := newFixture(t)
	f.webhook("wh_a", hook.Active)
	held := f.hold(1, "wh_a")
	ahead := held
	ahead.Run = start.AddDate(0, 0, 1).UnixMicro()
	f.record(ahead)
	f.run()
	f.eventually(func() bool { return f.recorded() && f.delivery(held).Run > ahead.Run }, "released")
	require.Greater(t, f.released("wh_a", 1)[0].Run, ahead.Run)
}
