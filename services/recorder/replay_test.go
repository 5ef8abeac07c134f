package recorder_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
	deliveryv1 "github.com/staffetta/staffetta/proto/staffetta/delivery/v1"
)

// ended writes event n's bundle and that its delivery has a fate.
func (f *fixture) ended(n int, webhook string, fate hook.Fate) hook.Attempt {
	f.Helper()
	a := f.bundled(n, webhook)
	a.Fate = fate
	f.record(a)
	return a
}

// replay asks for one of everything that happened until an hour after start.
func (f *fixture) replay(webhook, source string, edit ...func(*hook.Replay)) hook.Replay {
	f.Helper()
	r := hook.Replay{
		ID: fmt.Sprintf("rpl_%s_%s", webhook, source), Account: "acme", Webhook: webhook, Source: source,
		From: start.Add(-time.Hour), To: start.Add(24 * time.Hour), Rate: hook.MaxReplayRate, Run: start.UnixMicro(),
	}
	for _, e := range edit {
		e(&r)
	}
	f.publish()
	r, err := f.store.CreateReplay(f.Context(), r)
	require.NoError(f, err)
	return r
}

// publish lets the cache have all accounts, as api does.
func (f *fixture) publish() {
	f.Helper()
	states, err := f.store.Unpublished(f.Context(), 100)
	require.NoError(f, err)
	require.NoError(f, f.store.Published(f.Context(), states))
}

func (f *fixture) replayed(r hook.Replay, state hook.ReplayState) hook.Replay {
	f.Helper()
	f.eventually(func() bool {
		now, err := f.store.Replay(f.Context(), r.Account, r.ID)
		require.NoError(f, err)
		r = now
		return r.State == state
	}, "the replay is "+string(state))
	return r
}

// writtenTo is how many bundles replays have made for a webhook.
func (f *fixture) writtenTo(webhook string) int {
	f.Helper()
	ends, err := f.client.EndOffsets(f.Context(), bus.Deliveries)
	require.NoError(f, err)
	p := bus.PartitionOf([]byte(webhook), partitions)
	return int(ends[p]) - f.bundles[p]
}

func events(bundles []*deliveryv1.Bundle) []string {
	var ids []string
	for _, b := range bundles {
		ids = append(ids, b.Change.Event.Id)
	}
	return ids
}

func TestAllThatFailedIsRecoveredInANewRunAndNothingElse(t *testing.T) {
	f := newFixture(t)
	f.webhook("wh_a", hook.Active)
	f.ended(4, "wh_a", hook.FateRetrying)
	f.ended(2, "wh_a", hook.FateDelivered)
	exhausted := f.ended(3, "wh_a", hook.FateExhausted)
	f.ended(1, "wh_a", hook.FateExhausted)
	r := f.replay("wh_a", "wh_a", func(r *hook.Replay) {
		r.Statuses = []hook.Fate{hook.FateRetrying, hook.FateExhausted}
		r.From = start.Add(2 * time.Second)
	})
	f.run()
	r = f.replayed(r, hook.ReplayDone)
	require.EqualValues(t, 2, r.Progress.Replayed)
	require.EqualValues(t, 2, r.Progress.Done)
	require.EqualValues(t, 2, r.Progress.Total)
	bundles := f.released("wh_a", 2)
	require.Equal(t, []string{"evt_00003", "evt_00004"}, events(bundles), "oldest first")
	for _, b := range bundles {
		require.Equal(t, r.Run, b.Run)
		require.Equal(t, []string{"wh_a"}, b.Webhooks)
	}
	require.Equal(t, hook.FateRetrying, f.delivery(exhausted).Status, "the log shows at once that it waits again")
	require.Equal(t, r.Run, f.delivery(exhausted).Run)
}

func TestARecoveryHasANewerRunThanWhatFailedByAClockThatWasAhead(t *testing.T) {
	f := newFixture(t)
	f.webhook("wh_a", hook.Active)
	f.webhook("wh_b", hook.Active)
	ahead := f.bundled(1, "wh_a")
	ahead.Fate, ahead.Run = hook.FateExhausted, start.AddDate(1, 0, 0).UnixMicro()
	f.record(ahead)
	before := f.bundled(2, "wh_a")
	before.Fate, before.Run, before.Published = hook.FateExhausted, ahead.Run+1000, start.Add(-2*time.Hour)
	f.record(before)
	asked := f.replay("wh_a", "wh_a", func(r *hook.Replay) { r.Statuses = []hook.Fate{hook.FateRetrying, hook.FateExhausted} })
	f.run()
	r := f.replayed(asked, hook.ReplayDone)
	require.EqualValues(t, 1, r.Progress.Replayed)
	require.Equal(t, ahead.Run+1, r.Run, "above what is in its range")
	b := f.released("wh_a", 1)[0]
	require.Equal(t, ahead.Event, b.Change.Event.Id)
	require.Equal(t, r.Run, b.Run)

	other := f.replayed(f.replay("wh_b", "wh_a"), hook.ReplayDone)
	require.Equal(t, asked.Run, other.Run, "what receives had nothing")
}

func TestAnotherWebhookGetsOfTheDeliveriesWhatItSubscribedTo(t *testing.T) {
	f := newFixture(t)
	f.webhook("wh_a", hook.Active)
	f.subscribed("wh_b", hook.Webhook{ItemTypes: []string{"Contact"}, EventTypes: []hook.EventType{hook.Create}, Stores: []string{"7"}})
	for n := range 4 {
		a := f.bundled(n, "wh_a")
		a.Fate, a.Store = hook.FateDelivered, []string{"7", "8", "", "7"}[n]
		if n == 3 {
			a.EventType = hook.Delete
		}
		f.record(a)
	}
	r := f.replay("wh_b", "wh_a")
	f.run()
	r = f.replayed(r, hook.ReplayDone)
	require.Equal(t, []string{"evt_00000", "evt_00002"}, events(f.released("wh_b", 2)), "store 7, and without one")
	require.EqualValues(t, 4, r.Progress.Done)
	require.EqualValues(t, 2, r.Progress.Replayed)
}

func TestWhatAnotherWebhookHadEndsIfItsPayloadIsGoneUnlessItWasDelivered(t *testing.T) {
	f := newFixture(t)
	f.webhook("wh_a", hook.Active)
	f.subscribed("wh_b", hook.Webhook{ItemTypes: []string{hook.AnyItemType}, EventTypes: hook.EventTypes})
	gone := func(n int, webhook string, fate hook.Fate) hook.Attempt {
		a := attempt(n, webhook, fate)
		a.Bundle.Offset = 1 << 40
		f.record(a)
		return a
	}
	delivered, failed := gone(1, "wh_b", hook.FateDelivered), gone(3, "wh_b", hook.FateRetrying)
	var sources []hook.Attempt
	for n := range 4 { // of which wh_b never had the first and the third
		sources = append(sources, gone(n, "wh_a", hook.FateDelivered))
	}
	r := f.replay("wh_b", "wh_a")
	f.store.records.Store(3) // the log is late
	f.run()
	r = f.replayed(r, hook.ReplayDone)
	require.Equal(t, map[hook.Reason]int64{hook.ReasonPayloadGone: 4}, r.Progress.Failed)
	f.eventually(func() bool {
		d := f.delivery(failed)
		return d.Status == hook.FateExhausted && d.Reason == hook.ReasonPayloadGone
	}, "it cannot be tried again")
	// Whatever else the replay wrote is before that in the log.
	require.Equal(t, hook.FateDelivered, f.delivery(delivered).Status)
	for _, n := range []int{0, 2} {
		_, err := f.store.Delivery(t.Context(), "acme", hook.DeliveryID(sources[n].Event, "wh_b", -1))
		require.ErrorIs(t, err, hook.ErrNotFound, "it never had it")
		require.Equal(t, hook.FateDelivered, f.delivery(sources[n]).Status, "nothing happened to the source's")
	}
}

func TestOwnDeliveriesWhosePayloadIsGoneEndUnlessTheyWereDelivered(t *testing.T) {
	f := newFixture(t)
	f.webhook("wh_a", hook.Active)
	var all []hook.Attempt
	for n, fate := range []hook.Fate{hook.FateDelivered, hook.FateRetrying} {
		a := attempt(n, "wh_a", fate)
		a.Bundle.Offset = 1 << 40
		f.record(a)
		all = append(all, a)
	}
	r := f.replay("wh_a", "wh_a")
	f.run()
	r = f.replayed(r, hook.ReplayDone)
	require.Equal(t, map[hook.Reason]int64{hook.ReasonPayloadGone: 2}, r.Progress.Failed)
	f.eventually(func() bool { return f.delivery(all[1]).Status == hook.FateExhausted }, "it cannot be tried again")
	require.Equal(t, hook.FateDelivered, f.delivery(all[0]).Status)
}

func TestAReplayThatIsKilledIsResumedAndMissesNothing(t *testing.T) {
	for name, source := range map[string]string{"of a log": "wh_a", "of events": ""} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.webhook("wh_a", hook.Active)
			f.subscribed("wh_b", hook.Webhook{ItemTypes: []string{hook.AnyItemType}, EventTypes: hook.EventTypes})
			const all = 300
			var upstream []bus.Record
			for n := range all {
				if source != "" {
					f.ended(n, "wh_a", hook.FateDelivered)
					continue
				}
				upstream = append(upstream, bus.Record{
					Topic: bus.EventTopics[0], Partition: n % partitions,
					Value: fmt.Appendf(nil, `{"id":"evt_%05d","account":"acme","eventType":"create","itemType":"Contact","items":[{"id":1}]}`, n),
				})
			}
			require.NoError(t, f.producer.ProduceSync(t.Context(), upstream...))
			r := f.replay("wh_b", source, func(r *hook.Replay) {
				r.From = start.Add(-time.Hour)
				r.To = time.Now().Add(time.Hour)
			})
			f.store.advanced.Store(1 << 40) // no note of progress comes through
			_, stop := f.run()
			f.released("wh_b", 20)
			stop()
			f.store.advanced.Store(0)
			r, err := f.store.Replay(t.Context(), "acme", r.ID)
			require.NoError(t, err)
			require.Equal(t, hook.ReplayRunning, r.State)
			require.Zero(t, r.Progress.Replayed, "nobody knows how far it was")

			f.run()
			r = f.replayed(r, hook.ReplayDone)
			require.EqualValues(t, all, r.Progress.Replayed)
			total := f.writtenTo("wh_b")
			require.Greater(t, total, all, "what was not noted is repeated")
			got := make(map[string]bool)
			for _, b := range f.released("wh_b", total) {
				require.Equal(t, r.Run, b.Run, "in the same run, so that senders know it again")
				got[b.Change.Event.Id] = true
			}
			require.Len(t, got, all)
		})
	}
}

func TestACancelledReplayStopsAndGoesOnFromThereWhenItIsResumed(t *testing.T) {
	f := newFixture(t)
	f.webhook("wh_a", hook.Active)
	f.subscribed("wh_b", hook.Webhook{ItemTypes: []string{hook.AnyItemType}, EventTypes: hook.EventTypes})
	const all = 150
	for n := range all {
		f.ended(n, "wh_a", hook.FateDelivered)
	}
	r := f.replay("wh_b", "wh_a", func(r *hook.Replay) { r.Rate = 10 })
	f.run()
	f.released("wh_b", 5)
	_, err := f.store.CancelReplay(t.Context(), "acme", r.ID)
	require.NoError(t, err)
	other := f.replay("wh_b", "wh_a", func(r *hook.Replay) { r.ID, r.To = "rpl_other", r.From.Add(time.Second) })
	f.replayed(other, hook.ReplayDone) // before it began, the cancelled one had ended
	r, err = f.store.Replay(t.Context(), "acme", r.ID)
	require.NoError(t, err)
	require.GreaterOrEqual(t, r.Progress.Replayed, int64(5))
	written := f.writtenTo("wh_b")
	unnoted := written - int(r.Progress.Replayed)
	require.LessOrEqual(t, unnoted, 2, "of what was being written it may not have heard in time")

	r, err = f.store.ResumeReplay(t.Context(), "acme", r.ID)
	require.NoError(t, err)
	got := events(f.released("wh_b", written+10))
	require.GreaterOrEqual(t, len(slices.Compact(slices.Sorted(slices.Values(got)))), len(got)-unnoted, "nothing else twice")
}

func TestAReplayToARevokedWebhookFails(t *testing.T) {
	f := newFixture(t)
	f.webhook("wh_a", hook.Active)
	f.webhook("wh_b", hook.Active)
	for n := range 50 {
		f.ended(n, "wh_a", hook.FateDelivered)
	}
	r := f.replay("wh_a", "wh_a", func(r *hook.Replay) { r.Rate = 1 })
	f.run()
	f.released("wh_a", 1)
	f.setStatus("wh_a", hook.Revoked)
	r = f.replayed(r, hook.ReplayFailed)
	require.Equal(t, `webhook "wh_a" was revoked`, r.Detail)
}

func TestAReplayWaitsForTheLogToCatchUp(t *testing.T) {
	f := newFixture(t)
	f.webhook("wh_a", hook.Active)
	for n := range 30 {
		f.ended(n, "wh_a", hook.FateExhausted)
	}
	f.store.records.Store(5) // tried again after 0.1, 0.2, 0.4, 0.8, 1.6 s
	r := f.replay("wh_a", "wh_a")
	f.run()
	require.EqualValues(t, 30, f.replayed(r, hook.ReplayDone).Progress.Replayed)
}

func TestAReplayWaitsUntilSendersCanKnowItsWebhook(t *testing.T) {
	f := newFixture(t)
	f.webhook("wh_a", hook.Active)
	f.ended(1, "wh_a", hook.FateDelivered)
	r := f.replay("wh_a", "wh_a")
	f.webhook("wh_new", hook.Active) // a change that the cache does not have
	// Another account's replay shows that the recorder has looked at both.
	_, err := f.store.CreateAccount(t.Context(), hook.Account{ID: "other", Name: "Other"})
	require.NoError(t, err)
	_, err = f.store.CreateWebhook(t.Context(), hook.Webhook{ID: "wh_other", Account: "other", Status: hook.Active})
	require.NoError(t, err)
	states, err := f.store.Unpublished(t.Context(), 100)
	require.NoError(t, err)
	states = slices.DeleteFunc(states, func(s hook.AccountState) bool { return s.Account.ID != "other" })
	require.NoError(t, f.store.Published(t.Context(), states))
	other, err := f.store.CreateReplay(t.Context(), hook.Replay{
		ID: "rpl_z", Account: "other", Webhook: "wh_other", Source: "wh_other", From: start, To: start.Add(time.Hour), Rate: 1, Run: 1,
	})
	require.NoError(t, err)
	f.run()
	f.replayed(other, hook.ReplayDone)
	r, err = f.store.Replay(t.Context(), "acme", r.ID)
	require.NoError(t, err)
	require.False(t, r.Progress.Begun)
	f.publish()
	require.EqualValues(t, 1, f.replayed(r, hook.ReplayDone).Progress.Replayed)
}

func TestAWebhookOfADeliveryPerItemGetsEachItemOfWhatIsReplayed(t *testing.T) {
	f := newFixture(t)
	f.webhook("wh_a", hook.Active)
	f.subscribed("wh_b", hook.Webhook{Format: hook.FormatCassaInCloud, ItemTypes: []string{hook.AnyItemType}, EventTypes: hook.EventTypes})
	f.ended(1, "wh_a", hook.FateDelivered)
	gone := attempt(2, "wh_a", hook.FateDelivered)
	gone.Bundle.Offset = 1 << 40
	f.record(gone)
	r := f.replay("wh_b", "wh_a")
	f.run()
	r = f.replayed(r, hook.ReplayDone)
	require.EqualValues(t, codec.EachItem, f.released("wh_b", 1)[0].Item)
	require.Equal(t, map[hook.Reason]int64{hook.ReasonPayloadGone: 1}, r.Progress.Failed)
	_, err := f.store.Delivery(t.Context(), "acme", hook.DeliveryID(gone.Event, "wh_b", -1))
	require.ErrorIs(t, err, hook.ErrNotFound, "there is no such delivery")
}

func TestAWebhookWithAFilterGetsTheItemsThatMatchOfWhatIsReplayed(t *testing.T) {
	f := newFixture(t)
	f.webhook("wh_a", hook.Active)
	w := hook.Webhook{ItemTypes: []string{hook.AnyItemType}, EventTypes: hook.EventTypes}
	w.Filter = `item.id == 2`
	f.subscribed("wh_b", w)
	w.Filter = `item.id == 3`
	f.subscribed("wh_c", w)
	f.ended(1, "wh_a", hook.FateDelivered) // which got its first item of two only
	second, none := f.replay("wh_b", "wh_a"), f.replay("wh_c", "wh_a")
	f.run()
	require.EqualValues(t, 1, f.replayed(second, hook.ReplayDone).Progress.Replayed)
	require.Equal(t, hook.Selection{2}, codec.SelectionOf(f.released("wh_b", 1)[0], "wh_b"))
	require.Zero(t, f.replayed(none, hook.ReplayDone).Progress.Replayed)

	again := f.replay("wh_a", "wh_a")
	f.replayed(again, hook.ReplayDone)
	require.Equal(t, hook.Selection{1}, codec.SelectionOf(f.released("wh_a", 1)[0], "wh_a"), "its own, as it was")
}

func TestARecorderRunsFewReplaysAtATimeOldestFirst(t *testing.T) {
	const room = 20
	f := newFixture(t)
	for n := range room + 1 {
		id := fmt.Sprintf("%02d", n)
		_, err := f.store.CreateAccount(t.Context(), hook.Account{ID: id, Name: id})
		require.NoError(t, err)
		_, err = f.store.CreateWebhook(t.Context(), hook.Webhook{ID: "wh_" + id, Account: id, Status: hook.Active})
		require.NoError(t, err)
		// They wait for the publication of their accounts, which never comes.
		_, err = f.store.CreateReplay(t.Context(), hook.Replay{
			ID: "rpl_" + id, Account: id, Webhook: "wh_" + id, Source: "wh_" + id, From: start, To: start.Add(time.Hour), Rate: 1, Run: 1,
		})
		require.NoError(t, err)
	}
	begun := func(n int) bool {
		_, ok := f.store.begun.Load(fmt.Sprintf("%02d", n))
		return ok
	}
	f.run()
	f.eventually(func() bool {
		for n := range room {
			if !begun(n) {
				return false
			}
		}
		return true
	}, "as many as there is room for have begun")
	rounds := f.store.rounds.Load()
	f.eventually(func() bool { return f.store.rounds.Load() >= rounds+2 }, "it has looked again")
	require.False(t, begun(room), "the youngest waits")

	_, err := f.store.CancelReplay(t.Context(), "07", "rpl_07")
	require.NoError(t, err)
	f.eventually(func() bool { return begun(room) }, "there is room for it")
}
