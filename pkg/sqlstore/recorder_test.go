package sqlstore_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/staffetta/staffetta/pkg/hook"
)

func TestTheOffsetMovesWithWhatWasRecorded(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		at := func(partition int, want int64) {
			t.Helper()
			next, err := f.NextOffset(t.Context(), partition)
			require.NoError(t, err)
			require.Equal(t, want, next)
		}
		at(3, 0)
		require.NoError(t, f.write(t, 3, 0, 5, hook.Recorded{Offset: 4, Attempt: attempt(1)}))
		at(3, 5)
		at(4, 0)
		for _, from := range []int64{0, 4, 6} {
			err := f.write(t, 3, from, 9, hook.Recorded{Offset: from, Attempt: attempt(2)})
			require.ErrorIs(t, err, hook.ErrStale)
		}
		at(3, 5)
		_, err := f.Delivery(t.Context(), "acme", "dlv_0002")
		require.ErrorIs(t, err, hook.ErrNotFound, "nothing of a stale batch is written")
		require.NoError(t, f.write(t, 3, 5, 2), "back, after the topic lost its end")
		at(3, 2)
		require.NoError(t, f.write(t, 4, 0, 0))
		require.NoError(t, f.write(t, 4, 0, 1), "from 0 twice")
		at(4, 1)
	})
}

func TestSomePartitionsAreRecordedTogetherOrNotAtAll(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		ranges := []hook.Range{
			{Partition: 7, To: 2, Records: []hook.Recorded{{Offset: 1, Attempt: attempt(1)}}},
			{Partition: 2, To: 9, Records: []hook.Recorded{{Offset: 8, Attempt: attempt(2)}}},
		}
		stale := []hook.Range{ranges[0], {Partition: 2, From: 5, To: 9, Records: ranges[1].Records}}
		require.ErrorIs(t, f.Record(t.Context(), stale), hook.ErrStale)
		list, _, err := f.Deliveries(t.Context(), "acme", hook.DeliveryFilter{}, hook.Page{Limit: 10})
		require.NoError(t, err)
		require.Empty(t, list)

		require.NoError(t, f.Record(t.Context(), ranges))
		for partition, want := range map[int]int64{7: 2, 2: 9, 3: 0} {
			next, err := f.NextOffset(t.Context(), partition)
			require.NoError(t, err)
			require.Equal(t, want, next)
		}
		list, _, err = f.Deliveries(t.Context(), "acme", hook.DeliveryFilter{}, hook.Page{Limit: 10})
		require.NoError(t, err)
		require.Len(t, list, 2)
		require.NoError(t, f.Record(t.Context(), nil))
	})
}

func TestOfTwoRecordersOneWrites(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		const recorders = 4
		errs := make(chan error, recorders)
		var wg sync.WaitGroup
		for n := range recorders {
			wg.Go(func() { errs <- f.write(t, 3, 0, int64(n+1), hook.Recorded{Attempt: attempt(n)}) })
		}
		wg.Wait()
		close(errs)
		written := 0
		for err := range errs {
			if err == nil {
				written++
				continue
			}
			require.ErrorIs(t, err, hook.ErrStale)
		}
		require.Equal(t, 1, written)
		list, _, err := f.Deliveries(t.Context(), "acme", hook.DeliveryFilter{}, hook.Page{Limit: 10})
		require.NoError(t, err)
		require.Len(t, list, 1)
	})
}

// after tells one delivery's history in the order in which it is recorded.
func TestTheRowShowsTheNewestState(t *testing.T) {
	t.Parallel()
	record := func(run int64, step, number int, fate hook.Fate, status int) hook.Attempt {
		return but(attempt(1), func(a *hook.Attempt) {
			a.Run, a.Step, a.Number, a.Fate, a.StatusCode = run, step, number, fate, status
			a.Reason = hook.Reason(fmt.Sprintf("%d/%d/%d/%s", run, step, number, fate)) // names the record
			a.Bundle.Offset = run*10 + 1
		})
	}
	type state struct {
		status             hook.Fate
		reason             hook.Reason
		attempts, answered int
	}
	for name, c := range map[string]struct {
		history []hook.Attempt
		want    state
	}{
		"a later step": {
			[]hook.Attempt{record(0, 0, 1, "retrying", 500), record(0, 3, 2, "retrying", 503)}, state{"retrying", "0/3/2/retrying", 2, 503}},
		"a late record of an earlier step": {
			[]hook.Attempt{record(0, 3, 2, "retrying", 503), record(0, 0, 1, "retrying", 500)}, state{"retrying", "0/3/2/retrying", 2, 503}},
		"a fate without a request keeps count and answer": {
			[]hook.Attempt{record(0, 0, 1, "retrying", 500), record(0, 1, 0, "held", 0)}, state{"held", "0/1/0/held", 1, 500}},
		"success, then a twin that failed": {
			[]hook.Attempt{record(0, 0, 1, "delivered", 200), record(0, 0, 1, "retrying", 500), record(0, 1, 2, "exhausted", 500)}, state{"delivered", "0/0/1/delivered", 1, 200}},
		"failure, then a twin that succeeded": {
			[]hook.Attempt{record(0, 0, 1, "retrying", 500), record(0, 0, 1, "delivered", 200)}, state{"delivered", "0/0/1/delivered", 1, 200}},
		"success after another twin's end": {
			[]hook.Attempt{record(0, 5, 3, "exhausted", 500), record(0, 4, 2, "delivered", 200)}, state{"delivered", "0/4/2/delivered", 3, 200}},
		"over quota, and nothing tried": {
			[]hook.Attempt{record(0, 0, 0, "pending", 0), record(0, 1, 0, "pending", 0)}, state{"pending", "0/1/0/pending", 0, 0}},
		"over quota after a request": {
			[]hook.Attempt{record(0, 0, 1, "retrying", 500), record(0, 1, 0, "pending", 0)}, state{"retrying", "0/1/0/pending", 1, 500}},
		"a request after it was over quota": {
			[]hook.Attempt{record(0, 0, 0, "pending", 0), record(0, 1, 1, "delivered", 200)}, state{"delivered", "0/1/1/delivered", 1, 200}},
		"over quota in a newer run": {
			[]hook.Attempt{record(0, 0, 1, "exhausted", 500), record(9, 0, 0, "pending", 0)}, state{"pending", "9/0/0/pending", 0, 0}},
		"an end stays": {
			[]hook.Attempt{record(0, 1, 0, "cancelled", 0), record(0, 2, 2, "retrying", 500)}, state{"cancelled", "0/1/0/cancelled", 0, 0}},
		"a newer run takes what was held": {
			[]hook.Attempt{record(0, 0, 0, "held", 0), record(9, 0, 1, "retrying", 500)}, state{"retrying", "9/0/1/retrying", 1, 500}},
		"a newer run that fails, after success": {
			[]hook.Attempt{record(0, 2, 2, "delivered", 200), record(9, 0, 1, "exhausted", 500)}, state{"exhausted", "9/0/1/exhausted", 1, 500}},
		"an older run's late success": {
			[]hook.Attempt{record(9, 0, 1, "retrying", 500), record(0, 7, 4, "delivered", 200)}, state{"retrying", "9/0/1/retrying", 1, 500}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, f fixture) {
				// One delivery in one batch, another record by record.
				f.record(t, c.history...)
				for _, a := range c.history {
					a.Delivery = "dlv_single"
					f.record(t, a)
				}
				for _, id := range []string{"dlv_0001", "dlv_single"} {
					d := f.delivery(t, id)
					require.Equal(t, c.want, state{d.Status, d.Reason, d.Attempts, d.StatusCode}, id)
					require.Equal(t, d.Run*10+1, d.Bundle.Offset, "the payload of the newest run is kept longest")
				}
			})
		})
	}
}

func TestAttemptsAreUniqueHoweverOftenTheyAreWritten(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		failed := attempt(1)
		twin := but(failed, func(a *hook.Attempt) { a.StatusCode, a.Detail = 500, "twin" })
		success := but(failed, func(a *hook.Attempt) { a.Fate, a.StatusCode = hook.FateDelivered, 200 })
		held := but(failed, func(a *hook.Attempt) { a.Step, a.Number, a.Fate, a.StatusCode = 1, 0, hook.FateHeld, 0 })
		heldAgain := but(held, func(a *hook.Attempt) { a.Step = 2 })
		rerun := but(failed, func(a *hook.Attempt) { a.Run = 5 })

		for range 2 {
			f.record(t, failed, twin, held, held, heldAgain, rerun)
		}
		f.record(t, twin)
		attempts := func() []hook.Attempt {
			list, err := f.Attempts(t.Context(), "acme", failed.Delivery)
			require.NoError(t, err)
			return list
		}
		require.Equal(t, []hook.Attempt{failed, held, heldAgain, rerun}, attempts(), "the first of twins stays")
		f.record(t, success, failed)
		require.Equal(t, []hook.Attempt{success, held, heldAgain, rerun}, attempts(), "but success is not hidden")
	})
}

// However a history is cut into batches, the log is the same.
func TestBatchesDoNotMatter(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		round := 0
		rapid.Check(t, func(r *rapid.T) {
			round++
			one, many := fmt.Sprint("one_", round), fmt.Sprint("many_", round)
			history := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) hook.Attempt {
				return but(attempt(1), func(a *hook.Attempt) {
					a.Run = rapid.Int64Range(0, 1).Draw(r, "run")
					a.Step = rapid.IntRange(0, 2).Draw(r, "step")
					a.Number = rapid.IntRange(0, 2).Draw(r, "number")
					a.Fate = rapid.SampledFrom([]hook.Fate{hook.FateRetrying, hook.FateHeld, hook.FatePending, hook.FateDelivered, hook.FateExhausted}).Draw(r, "fate")
					a.StatusCode = 100*a.Number + a.Step
					a.Detail = fmt.Sprint(rapid.IntRange(0, 9).Draw(r, "detail"))
				})
			}), 1, 8).Draw(r, "history")
			var batch []hook.Attempt
			for _, a := range history {
				batch = append(batch, but(a, func(a *hook.Attempt) { a.Delivery = one }))
				f.record(t, but(a, func(a *hook.Attempt) { a.Delivery = many }))
			}
			f.record(t, batch...)
			a, b := f.delivery(t, one), f.delivery(t, many)
			a.ID, b.ID = "", ""
			require.Equal(r, b, a)
			as, err := f.Attempts(t.Context(), "acme", one)
			require.NoError(r, err)
			bs, err := f.Attempts(t.Context(), "acme", many)
			require.NoError(r, err)
			for i := range as {
				as[i].Delivery = many
			}
			require.Equal(r, bs, as)
		})
	})
}

func held(n int, webhook string, partition int) hook.Attempt {
	return but(attempt(n), func(a *hook.Attempt) {
		a.Number, a.Fate, a.Reason, a.StatusCode = 0, hook.FateHeld, hook.ReasonPaused, 0
		a.Webhook, a.Bundle.Partition = webhook, partition
	})
}

func TestHeldDeliveriesOfActiveResumingAndRevokedWebhooksAreReleasable(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		for id, status := range map[string]hook.Status{"wh_a": hook.Active, "wh_r": hook.Resuming, "wh_p": hook.Paused, "wh_d": hook.Disabled, "wh_v": hook.Revoked} {
			w := webhook("acme", id)
			w.Status = status
			_, err := f.CreateWebhook(t.Context(), w)
			require.NoError(t, err)
		}
		f.record(t,
			held(5, "wh_a", 1), held(3, "wh_r", 2), held(4, "wh_r", 2), held(1, "wh_p", 1), held(2, "wh_d", 1),
			held(6, "wh_v", 1), held(7, "wh_a", 9), attempt(8))
		f.mark(t, "wh_r")
		releasable := func(limit int, partitions ...int) []string {
			list, err := f.Releasable(t.Context(), partitions, limit)
			require.NoError(t, err)
			ids := []string{}
			for _, d := range list {
				require.True(t, d.Ordered, "as its webhook asks")
				d.Ordered = false
				require.Equal(t, f.delivery(t, d.ID), d)
				ids = append(ids, d.ID)
			}
			return ids
		}
		require.Equal(t, []string{"dlv_0003", "dlv_0004", "dlv_0005", "dlv_0006"}, releasable(10, 1, 2), "oldest first")
		require.Equal(t, []string{"dlv_0003", "dlv_0005", "dlv_0006"}, releasable(3, 1, 2), "one webhook does not keep the other waiting")
		require.Equal(t, []string{"dlv_0007"}, releasable(10, 9, 4))
		require.Empty(t, releasable(10))
	})
}

func TestHeldDeliveriesOfOneTimeAreInTheOrderOfTheirSource(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		_, err := f.CreateWebhook(t.Context(), webhook("acme", "wh_a"))
		require.NoError(t, err)
		var all []hook.Attempt
		var want []int64
		for n := range 20 {
			a := held(n, "wh_a", 1)
			a.Published, a.Source.Topic, a.Source.Partition, a.Source.Offset = start, "events.contacts", 3, int64(100-n)
			all, want = append(all, a), append([]int64{a.Source.Offset}, want...)
		}
		f.record(t, all...)
		list, err := f.Releasable(t.Context(), []int{1}, 10)
		require.NoError(t, err)
		var got []int64
		for _, d := range list {
			got = append(got, d.Source.Offset)
		}
		require.Equal(t, want[:10], got)
	})
}

func TestAReleasedDeliveryIsOnItsWay(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		f.webhook(t, "acme", "wh_1")
		f.record(t, held(1, "wh_1", 3), held(2, "wh_1", 3))
		list, err := f.Releasable(t.Context(), []int{3}, 10)
		require.NoError(t, err)
		require.Len(t, list, 2)

		// The sender was quicker than the note: run 7 of dlv_0002 is done.
		done := but(attempt(2), func(a *hook.Attempt) { a.Run, a.Fate = 7, hook.FateDelivered })
		f.record(t, done)
		require.NoError(t, f.Released(t.Context(), list, 7))
		require.NoError(t, f.Released(t.Context(), nil, 7))
		want := row(held(1, "wh_1", 3))
		want.Status, want.Reason, want.Run, want.UpdatedAt, want.Due = hook.FateRetrying, hook.ReasonNone, 7, start, time.Time{}
		require.Equal(t, want, f.delivery(t, "dlv_0001"))
		require.Equal(t, row(done), f.delivery(t, "dlv_0002"))

		list, err = f.Releasable(t.Context(), []int{3}, 10)
		require.NoError(t, err)
		require.Empty(t, list)
		again := but(held(1, "wh_1", 3), func(a *hook.Attempt) { a.Run = 7 })
		f.record(t, again)
		require.Equal(t, hook.FateHeld, f.delivery(t, "dlv_0001").Status, "it was held again, in the new run")
	})
}

// Who edits a webhook while it resumes is not told that somebody else has changed it.
func TestTheEndOfAResumptionIsNoChangeOfWhatPeopleEdit(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		f.webhook(t, "acme", "wh_1")
		resuming, err := f.UpdateWebhook(t.Context(), "acme", "wh_1", 0, func(w *hook.Webhook) error { w.Status = hook.Resuming; return nil })
		require.NoError(t, err)
		before, err := f.Account(t.Context(), "acme")
		require.NoError(t, err)
		f.mark(t, "wh_1")
		require.NoError(t, f.FinishResuming(t.Context(), func(string) bool { return true }))
		after, err := f.Account(t.Context(), "acme")
		require.NoError(t, err)
		require.Greater(t, after.Version, before.Version, "senders are told")
		edited, err := f.UpdateWebhook(t.Context(), "acme", "wh_1", resuming.Version, func(w *hook.Webhook) error { w.Description = "edited"; return nil })
		require.NoError(t, err)
		require.Equal(t, hook.Active, edited.Status)
		_, err = f.UpdateWebhook(t.Context(), "acme", "wh_1", resuming.Version, func(w *hook.Webhook) error { w.Description = "over it"; return nil })
		require.ErrorIs(t, err, hook.ErrStale)
	})
}

func TestResumingEndsWhenNothingIsHeld(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		for _, id := range []string{"wh_1", "wh_2", "wh_3", "wh_4", "wh_5"} {
			f.webhook(t, "acme", id)
		}
		status := func(id string, status hook.Status) {
			t.Helper()
			_, err := f.UpdateWebhook(t.Context(), "acme", id, 0, func(w *hook.Webhook) error { w.Status = status; return nil })
			require.NoError(t, err)
		}
		is := func(id string, want hook.Status) {
			t.Helper()
			w, err := f.Webhook(t.Context(), "acme", id)
			require.NoError(t, err)
			require.Equal(t, want, w.Status, id)
		}
		finish := func() {
			t.Helper()
			require.NoError(t, f.FinishResuming(t.Context(), func(webhook string) bool { return webhook != "wh_5" }))
		}
		f.record(t, held(1, "wh_2", 3))
		status("wh_1", hook.Resuming)
		status("wh_2", hook.Resuming)
		status("wh_4", hook.Paused)
		status("wh_5", hook.Resuming)
		f.mark(t, "wh_2", "wh_5")
		finish()
		is("wh_1", hook.Resuming) // its sender does not know
		f.mark(t, "wh_1")
		status("wh_1", hook.Resuming) // changes nothing
		status("wh_3", hook.Resuming)
		before, err := f.Account(t.Context(), "acme")
		require.NoError(t, err)
		finish()
		is("wh_1", hook.Active)
		is("wh_2", hook.Resuming) // something is held
		is("wh_3", hook.Resuming) // its sender does not know
		is("wh_4", hook.Paused)
		is("wh_5", hook.Resuming) // the log has not all of it
		after, err := f.Account(t.Context(), "acme")
		require.NoError(t, err)
		require.Equal(t, before.Version+1, after.Version, "the change is queued for the cache")

		list, err := f.Releasable(t.Context(), []int{3}, 1)
		require.NoError(t, err)
		require.NoError(t, f.Released(t.Context(), list, 7))
		f.mark(t, "wh_3")
		status("wh_3", hook.Paused)
		status("wh_3", hook.Resuming) // anew
		_, err = f.UpdateWebhook(t.Context(), "acme", "wh_3", 0, func(w *hook.Webhook) error { w.RateLimit++; return nil })
		require.NoError(t, err)
		finish()
		is("wh_2", hook.Active)
		is("wh_3", hook.Resuming) // the marker is of the resumption before
		f.mark(t, "wh_3")
		finish()
		is("wh_3", hook.Active)
	})
}

// What its sender would hold again is not released to it.
func TestWhatIsHeldWaitsForTheMarkerOfItsResumption(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		w := webhook("acme", "wh_1")
		w.Status = hook.Paused
		_, err := f.CreateWebhook(t.Context(), w)
		require.NoError(t, err)
		f.record(t, held(1, "wh_1", 3))
		f.mark(t, "wh_1")
		releasable := func() int {
			list, err := f.Releasable(t.Context(), []int{3}, 1)
			require.NoError(t, err)
			return len(list)
		}
		_, err = f.UpdateWebhook(t.Context(), "acme", "wh_1", 0, func(w *hook.Webhook) error { w.Status = hook.Resuming; return nil })
		require.NoError(t, err)
		require.Zero(t, releasable())
		f.mark(t, "wh_1")
		f.mark(t) // a transaction without one
		require.Equal(t, 1, releasable())
		a, err := f.Account(t.Context(), "acme")
		require.NoError(t, err)
		f.markAt(t, a.Version-1, "wh_1")
		require.Equal(t, 1, releasable(), "an older marker, read again, takes nothing back")
	})
}

// mark records markers that senders write which have seen account acme as it is.
func (f fixture) mark(t *testing.T, webhooks ...string) {
	t.Helper()
	a, err := f.Account(t.Context(), "acme")
	require.NoError(t, err)
	f.markAt(t, a.Version, webhooks...)
}

func (f fixture) markAt(t *testing.T, version int64, webhooks ...string) {
	t.Helper()
	next, err := f.NextOffset(t.Context(), 3)
	require.NoError(t, err)
	r := hook.Range{Partition: 3, From: next, To: next + 1}
	for _, id := range webhooks {
		r.Markers = append(r.Markers, hook.Marker{Account: "acme", Webhook: id, Version: version})
	}
	require.NoError(t, f.Record(t.Context(), []hook.Range{r}))
}

func TestATwinAmongNewDeliveriesChangesNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		old, tried, fresh := deliveredAtOnce(1), attempt(2), deliveredAtOnce(3)
		old.Webhook, fresh.Webhook = "wh_1", "wh_1"
		f.record(t, old, tried)
		second := but(tried, func(a *hook.Attempt) { a.Step, a.Number, a.At = 1, 2, a.At.Add(time.Minute) })
		f.record(t, fresh, tried, second, old)
		require.Equal(t, row(old), f.delivery(t, old.Delivery))
		require.Equal(t, row(second), f.delivery(t, tried.Delivery))
		require.Equal(t, row(fresh), f.delivery(t, fresh.Delivery))
		for _, c := range []struct {
			id   string
			want []hook.Attempt
		}{{old.Delivery, []hook.Attempt{old}}, {tried.Delivery, []hook.Attempt{tried, second}}, {fresh.Delivery, []hook.Attempt{fresh}}} {
			list, err := f.Attempts(t.Context(), "acme", c.id)
			require.NoError(t, err)
			require.Equal(t, c.want, list)
		}
		usage, _, err := f.Usage(t.Context(), "acme", hook.UsageFilter{}, hook.Page{Limit: 10})
		require.NoError(t, err)
		require.Len(t, usage, 1)
		require.EqualValues(t, 4, usage[0].Executed)
	})
}
