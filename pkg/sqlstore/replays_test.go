package sqlstore_test

import (
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

// replay gives one with every field set that is asked for.
func replay(id, webhook, source string) hook.Replay {
	return hook.Replay{
		ID: id, Account: "acme", Webhook: webhook, Source: source,
		Statuses: []hook.Fate{hook.FateRetrying, hook.FateExhausted}, ItemTypes: []string{"Contact"},
		From: start.Add(-time.Hour), To: start, Rate: 50, Run: start.UnixMicro(),
	}
}

func TestAReplayIsKeptAsItWasAskedFor(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		f.account(t, "other")
		f.webhook(t, "acme", "wh_1")
		f.webhook(t, "acme", "wh_2")
		made, err := f.CreateReplay(t.Context(), replay("rpl_1", "wh_1", "wh_2"))
		require.NoError(t, err)
		require.Equal(t, hook.ReplayRunning, made.State)
		require.EqualValues(t, 1, made.Revision)
		read, err := f.Replay(t.Context(), "acme", "rpl_1")
		require.NoError(t, err)
		require.Equal(t, made, read)
		_, err = f.Replay(t.Context(), "other", "rpl_1")
		require.ErrorIs(t, err, hook.ErrNotFound)

		for id, r := range map[string]hook.Replay{"rpl_2": replay("rpl_2", "wh_2", ""), "rpl_3": replay("rpl_3", "wh_3", "")} {
			f.clock.Add(time.Second)
			_, err = f.CreateReplay(t.Context(), r)
			if id == "rpl_3" {
				require.ErrorIs(t, err, hook.ErrNotFound, "its webhook is not there")
			} else {
				require.NoError(t, err)
			}
		}
		_, err = f.CreateReplay(t.Context(), replay("rpl_4", "wh_1", "wh_9"))
		require.ErrorIs(t, err, hook.ErrNotFound, "its source is not there")
		list := walk(t, 1, func(p hook.Page) ([]hook.Replay, string, error) { return f.Replays(t.Context(), "acme", p) })
		require.Len(t, list, 2)
		require.Equal(t, "rpl_2", list[0].ID, "newest first")
	})
}

func TestOneReplayAtATimeRunsToAWebhook(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		f.webhook(t, "acme", "wh_1")
		f.webhook(t, "acme", "wh_2")
		_, err := f.CreateReplay(t.Context(), replay("rpl_1", "wh_1", "wh_2"))
		require.NoError(t, err)
		_, err = f.CreateReplay(t.Context(), replay("rpl_2", "wh_1", "wh_1"))
		require.ErrorIs(t, err, hook.ErrConflict)
		_, err = f.CreateReplay(t.Context(), replay("rpl_3", "wh_2", "wh_2"))
		require.NoError(t, err, "to another one")

		cancelled, err := f.CancelReplay(t.Context(), "acme", "rpl_1")
		require.NoError(t, err)
		require.Equal(t, hook.ReplayCancelled, cancelled.State)
		require.False(t, cancelled.EndedAt.IsZero())
		_, err = f.CreateReplay(t.Context(), replay("rpl_2", "wh_1", "wh_1"))
		require.NoError(t, err)
		_, err = f.ResumeReplay(t.Context(), "acme", "rpl_1")
		require.ErrorIs(t, err, hook.ErrConflict)
		_, err = f.CancelReplay(t.Context(), "acme", "rpl_2")
		require.NoError(t, err)
		resumed, err := f.ResumeReplay(t.Context(), "acme", "rpl_1")
		require.NoError(t, err)
		require.Equal(t, hook.ReplayRunning, resumed.State)
		require.True(t, resumed.EndedAt.IsZero())
		running, err := f.RunningReplays(t.Context())
		require.NoError(t, err)
		require.Len(t, running, 2)

		_, err = f.UpdateWebhook(t.Context(), "acme", "wh_1", 0, func(w *hook.Webhook) error { w.Status = hook.Revoked; return nil })
		require.NoError(t, err)
		_, err = f.ResumeReplay(t.Context(), "acme", "rpl_2")
		require.ErrorIs(t, err, hook.ErrRevoked)
		_, err = f.CreateReplay(t.Context(), replay("rpl_5", "wh_1", "wh_2"))
		require.ErrorIs(t, err, hook.ErrRevoked)
	})
}

func TestFewReplaysOfAnAccountRunAtATime(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		for n := range hook.MaxRunningReplays + 1 {
			f.webhook(t, "acme", fmt.Sprint("wh_", n))
			_, err := f.CreateReplay(t.Context(), replay(fmt.Sprint("rpl_", n), fmt.Sprint("wh_", n), ""))
			if n == hook.MaxRunningReplays {
				require.ErrorIs(t, err, hook.ErrTooMany)
			} else {
				require.NoError(t, err)
			}
		}
		f.account(t, "other")
		f.webhook(t, "other", "wh_other")
		others := replay("rpl_other", "wh_other", "")
		others.Account = "other"
		_, err := f.CreateReplay(t.Context(), others)
		require.NoError(t, err, "another account has room of its own")
		_, err = f.CreateReplay(t.Context(), replay("rpl_again", "wh_0", ""))
		require.ErrorIs(t, err, hook.ErrConflict, "one to its webhook runs, which says more")

		_, err = f.CancelReplay(t.Context(), "acme", "rpl_0")
		require.NoError(t, err)
		last := fmt.Sprint("wh_", hook.MaxRunningReplays)
		_, err = f.CreateReplay(t.Context(), replay("rpl_last", last, ""))
		require.NoError(t, err)
		_, err = f.ResumeReplay(t.Context(), "acme", "rpl_0")
		require.ErrorIs(t, err, hook.ErrTooMany)
		_, err = f.ResumeReplay(t.Context(), "acme", "rpl_1")
		require.NoError(t, err, "it runs")
	})
}

func TestWhoeverAdvancesAReplaySecondKnowsNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		f.webhook(t, "acme", "wh_1")
		made, err := f.CreateReplay(t.Context(), replay("rpl_1", "wh_1", ""))
		require.NoError(t, err)
		next := made
		next.Run++
		next.Progress = hook.ReplayProgress{
			Begun: true, Total: 100, Done: 7, Replayed: 5, Failed: map[hook.Reason]int64{hook.ReasonPayloadGone: 2}, At: start,
			ReachesBackTo: start.Add(-time.Minute), Delivery: "dlv_7",
			Parts: []hook.ReplayPart{{Topic: "events.contacts", Partition: 3, Next: 7, End: 100}},
		}
		next, err = f.AdvanceReplay(t.Context(), next)
		require.NoError(t, err)
		read, err := f.Replay(t.Context(), "acme", "rpl_1")
		require.NoError(t, err)
		require.Equal(t, next, read)
		_, err = f.AdvanceReplay(t.Context(), made)
		require.ErrorIs(t, err, hook.ErrStale, "another recorder was faster")

		_, err = f.CancelReplay(t.Context(), "acme", "rpl_1")
		require.NoError(t, err)
		next.Progress.Done = 9
		_, err = f.AdvanceReplay(t.Context(), next)
		require.ErrorIs(t, err, hook.ErrStale, "it was cancelled")
		resumed, err := f.ResumeReplay(t.Context(), "acme", "rpl_1")
		require.NoError(t, err)
		require.Equal(t, next.Progress, resumed.Progress, "it goes on from where it was")

		resumed.State = hook.ReplayDone
		done, err := f.AdvanceReplay(t.Context(), resumed)
		require.NoError(t, err)
		require.False(t, done.EndedAt.IsZero())
		same, err := f.CancelReplay(t.Context(), "acme", "rpl_1")
		require.NoError(t, err)
		require.Equal(t, hook.ReplayDone, same.State, "there is nothing to cancel")
		_, err = f.ResumeReplay(t.Context(), "acme", "rpl_1")
		require.ErrorIs(t, err, hook.ErrStale)
	})
}

func TestTheDeliveriesOfAReplayComeOldestFirstAndOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		f.webhook(t, "acme", "wh_1")
		var want []string
		for n := range 40 {
			a := attempt(n)
			a.Published, a.Fate = start.Add(time.Duration(n/2)*time.Second), hook.FateExhausted // two at each time
			switch {
			case n%7 == 0:
				a.Fate = hook.FateDelivered
			case n%11 == 0:
				a.ItemType = "Invoice"
			case n/2 >= 2 && n/2 < 18:
				want = append(want, a.Delivery)
			}
			f.record(t, a)
		}
		r := replay("rpl_1", "wh_9", "wh_1")
		r.From, r.To = start.Add(2*time.Second), start.Add(18*time.Second)
		n, err := f.CountReplay(t.Context(), r)
		require.NoError(t, err)
		require.EqualValues(t, len(want), n)
		var got []string
		for {
			some, err := f.ReplayDeliveries(t.Context(), r, 3)
			require.NoError(t, err)
			if len(some) == 0 {
				break
			}
			for _, d := range some {
				require.False(t, d.Published.Before(r.Progress.At))
				got = append(got, d.ID)
				r.Progress.At, r.Progress.Delivery = d.Published, d.ID
			}
		}
		require.ElementsMatch(t, want, got)
	})
}

func TestTheNewestRunIsThatOfTheReceivingWebhookInTheRange(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		r := replay("rpl_1", "wh_1", "wh_9")
		r.From, r.To = start.Add(2*time.Second), start.Add(5*time.Second)
		newest := func() int64 {
			run, err := f.NewestRun(t.Context(), r)
			require.NoError(t, err)
			return run
		}
		require.Zero(t, newest(), "it had nothing")
		for n := range 8 {
			a := attempt(n)
			a.Published, a.Run = start.Add(time.Duration(n)*time.Second), int64(100+n)
			f.record(t, a)
		}
		require.EqualValues(t, 104, newest())
		r.Webhook = "wh_2"
		require.Zero(t, newest())
	})
}

func TestAnAccountIsPublishedUntilItChanges(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		for range 2 {
			published, err := f.AccountPublished(t.Context(), "acme")
			require.NoError(t, err)
			require.False(t, published)
			states, err := f.Unpublished(t.Context(), 10)
			require.NoError(t, err)
			require.NoError(t, f.Published(t.Context(), states))
			published, err = f.AccountPublished(t.Context(), "acme")
			require.NoError(t, err)
			require.True(t, published)
			f.webhook(t, "acme", "wh_"+rand.Text())
		}
		_, err := f.AccountPublished(t.Context(), "nobody")
		require.ErrorIs(t, err, hook.ErrNotFound)
	})
}
