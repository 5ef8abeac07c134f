package sqlstore_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

// redriveOf gives one with every field set that is asked for.
func redriveOf(id, account string) hook.Redrive {
	return hook.Redrive{
		ID: id, Account: account, Reason: "not_json", Topic: "events.contacts", From: start, To: start.Add(time.Hour),
		Patch: `{ "n": 1.50, "è": "<" }`, Rate: 50,
	}
}

func (f fixture) redrives(t *testing.T, account string) (ids []string) {
	t.Helper()
	for _, r := range walk(t, 1, func(p hook.Page) ([]hook.Redrive, string, error) { return f.Redrives(t.Context(), account, p) }) {
		ids = append(ids, r.ID)
	}
	return ids
}

func TestARedriveMeansWhatIsOpenWhenItIsMade(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		sent, others := quarantined(3, "acme", "not_json"), quarantined(4, "other", "not_json")
		elsewhere, early, late := quarantined(5, "acme", "not_json"), quarantined(0, "acme", "not_json"), quarantined(60, "acme", "not_json")
		elsewhere.Source.Topic = "own"
		early.CreatedAt = start.Add(-time.Second)
		a, b := quarantined(1, "acme", "not_json"), quarantined(2, "acme", "not_json")
		f.quarantine(t, early, a, b, sent, others, elsewhere, quarantined(6, "acme", "tombstone"), quarantined(7, "", "not_json"), late)
		_, err := f.SetQuarantined(t.Context(), "acme", sent.ID, hook.Redriven)
		require.NoError(t, err)

		r, err := f.CreateRedrive(t.Context(), redriveOf("qrd_1", "acme"))
		require.NoError(t, err)
		require.Equal(t, hook.RedriveRunning, r.State)
		require.EqualValues(t, 1, r.Revision)
		require.EqualValues(t, 2, r.Progress.Total)
		require.Equal(t, b.CreatedAt.Add(time.Microsecond), r.To, "just behind the newest")
		require.Equal(t, `{ "n": 1.50, "è": "<" }`, r.Patch)
		read, err := f.Redrive(t.Context(), "acme", "qrd_1")
		require.NoError(t, err)
		require.Equal(t, r, read)

		back := quarantined(8, "acme", "not_json") // as what was sent and is bad still
		f.quarantine(t, back)
		entries, err := f.RedriveEntries(t.Context(), r, 10)
		require.NoError(t, err)
		require.Equal(t, []hook.Quarantined{a, b}, entries, "oldest first")
		entries, err = f.RedriveEntries(t.Context(), r, 1)
		require.NoError(t, err)
		require.Equal(t, []hook.Quarantined{a}, entries)
		r.Progress.At, r.Progress.Entry = a.CreatedAt, a.ID
		entries, err = f.RedriveEntries(t.Context(), r, 10)
		require.NoError(t, err)
		require.Equal(t, []hook.Quarantined{b}, entries)
	})
}

func TestARedriveOfNothingIsDone(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		for n := range 2 { // none is in the way of the next
			r, err := f.CreateRedrive(t.Context(), hook.Redrive{ID: fmt.Sprint("qrd_", n), Account: "acme", Reason: "not_json", Rate: 1})
			require.NoError(t, err)
			require.Equal(t, hook.RedriveDone, r.State)
			require.Equal(t, r.CreatedAt, r.EndedAt)
			require.Zero(t, r.Progress.Total)
		}
		running, err := f.RunningRedrives(t.Context())
		require.NoError(t, err)
		require.Empty(t, running)
	})
}

func TestOneRedriveOfAnAccountRunsAtATime(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		f.account(t, "other")
		f.quarantine(t, quarantined(1, "acme", "not_json"), quarantined(2, "other", "not_json"), quarantined(3, "", "not_json"))
		_, err := f.CreateRedrive(t.Context(), redriveOf("qrd_0", "nobody"))
		require.ErrorIs(t, err, hook.ErrNotFound)
		for n, account := range []string{"acme", "other", ""} {
			f.clock.Add(time.Second)
			id := fmt.Sprint("qrd_", n+1)
			r, err := f.CreateRedrive(t.Context(), redriveOf(id, account))
			require.NoError(t, err)
			require.EqualValues(t, []int64{1, 1, 3}[n], r.Progress.Total, "whose it is, and the operator's all")
			_, err = f.CreateRedrive(t.Context(), redriveOf("qrd_9", account))
			require.ErrorIs(t, err, hook.ErrConflict)
		}
		require.Equal(t, []string{"qrd_1"}, f.redrives(t, "acme"))
		require.Equal(t, []string{"qrd_3", "qrd_2", "qrd_1"}, f.redrives(t, ""), "newest first")
		_, err = f.Redrive(t.Context(), "acme", "qrd_2")
		require.ErrorIs(t, err, hook.ErrNotFound)
		_, err = f.CancelRedrive(t.Context(), "acme", "qrd_2")
		require.ErrorIs(t, err, hook.ErrNotFound)

		cancelled, err := f.CancelRedrive(t.Context(), "acme", "qrd_1")
		require.NoError(t, err)
		require.Equal(t, hook.RedriveCancelled, cancelled.State)
		require.False(t, cancelled.EndedAt.IsZero())
		again, err := f.CancelRedrive(t.Context(), "", "qrd_1")
		require.NoError(t, err)
		require.Equal(t, cancelled, again)
		running, err := f.RunningRedrives(t.Context())
		require.NoError(t, err)
		require.Len(t, running, 2)
		_, err = f.CreateRedrive(t.Context(), redriveOf("qrd_4", "acme"))
		require.NoError(t, err)
		require.NoError(t, f.DeleteAccount(t.Context(), "acme"))
		gone, err := f.Redrive(t.Context(), "", "qrd_4")
		require.NoError(t, err)
		require.Equal(t, hook.RedriveCancelled, gone.State, "what it would send goes to nobody")
	})
}

func TestTheProgressOfARedriveIsNotedWithWhatWasSent(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		a, b, c := quarantined(1, "acme", "not_json"), quarantined(2, "acme", "not_json"), quarantined(3, "acme", "not_json")
		f.quarantine(t, a, b, c)
		r, err := f.CreateRedrive(t.Context(), redriveOf("qrd_1", "acme"))
		require.NoError(t, err)
		_, err = f.SetQuarantined(t.Context(), "acme", b.ID, hook.Discarded)
		require.NoError(t, err)
		state := func(id string) hook.QuarantineState {
			q, err := f.QuarantineEntry(t.Context(), "acme", id)
			require.NoError(t, err)
			return q.State
		}
		step := r
		step.Progress = hook.RedriveProgress{Total: 3, Done: 2, Sent: 1, Failed: map[string]int64{"not_json": 1}, At: b.CreatedAt, Entry: b.ID}
		f.clock.Add(time.Second)
		noted, err := f.AdvanceRedrive(t.Context(), step, []string{a.ID, b.ID})
		require.NoError(t, err)
		require.EqualValues(t, 2, noted.Revision)
		require.Equal(t, f.clock.Now(), noted.UpdatedAt)
		read, err := f.Redrive(t.Context(), "acme", "qrd_1")
		require.NoError(t, err)
		require.Equal(t, noted, read)
		require.Equal(t, []hook.QuarantineState{hook.Redriven, hook.Discarded, hook.Open}, []hook.QuarantineState{state(a.ID), state(b.ID), state(c.ID)})

		_, err = f.AdvanceRedrive(t.Context(), step, []string{c.ID})
		require.ErrorIs(t, err, hook.ErrStale, "another one ran it meanwhile")
		require.Equal(t, hook.Open, state(c.ID), "all or nothing")

		_, err = f.CancelRedrive(t.Context(), "acme", "qrd_1")
		require.NoError(t, err)
		noted.Progress.Done, noted.Progress.Sent = 3, 2
		_, err = f.AdvanceRedrive(t.Context(), noted, []string{c.ID})
		require.ErrorIs(t, err, hook.ErrStale)
		read, err = f.Redrive(t.Context(), "acme", "qrd_1")
		require.NoError(t, err)
		require.Equal(t, hook.RedriveCancelled, read.State)
		require.EqualValues(t, 2, read.Progress.Sent, "what was sent before it heard is noted")
		require.Equal(t, hook.Redriven, state(c.ID))
	})
}

func TestARedriveIsInTheLogOfEachWhoseRecordsItMeans(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		f.account(t, "other")
		f.account(t, "third")
		f.quarantine(t, quarantined(1, "acme", "not_json"), quarantined(2, "other", "not_json"), quarantined(3, "", "not_json"), quarantined(4, "nobody", "not_json"))
		_, err := f.CreateRedrive(t.Context(), redriveOf("qrd_1", ""))
		require.NoError(t, err)
		for account, want := range map[string]int{"acme": 1, "other": 1, "third": 0} {
			entries, _, err := f.Audit(t.Context(), account, hook.AuditFilter{Target: "qrd_1"}, hook.Page{Limit: 10})
			require.NoError(t, err)
			require.Len(t, entries, want, account)
			for _, e := range entries {
				require.Equal(t, "create-quarantine-redrive", e.Origin.Operation)
				require.Contains(t, e.Changes, hook.Change{Field: "patch", Secret: true}, "it may hold what is secret")
			}
		}
	})
}

func TestAllThatAFilterFindsIsDiscarded(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		f.account(t, "other")
		var entries []hook.Quarantined
		for n := range 7 {
			entries = append(entries, quarantined(n+1, "acme", "not_json"))
		}
		kept := []hook.Quarantined{quarantined(20, "acme", "tombstone"), quarantined(21, "other", "not_json"), quarantined(22, "", "not_json")}
		f.quarantine(t, append(entries, kept...)...)
		redriven := entries[6]
		_, err := f.SetQuarantined(t.Context(), "acme", redriven.ID, hook.Redriven)
		require.NoError(t, err)
		filter := hook.QuarantineFilter{Reason: "not_json", State: hook.Open}
		for _, want := range []struct {
			discarded int
			more      bool
		}{{4, true}, {2, false}, {0, false}} {
			discarded, more, err := f.DiscardQuarantined(t.Context(), "acme", filter, 4)
			require.NoError(t, err)
			require.Equal(t, want.discarded, discarded)
			require.Equal(t, want.more, more)
		}
		left := f.inQuarantine(t, "", hook.QuarantineFilter{})
		require.Len(t, left, len(kept)+1, "nobody else's, no other reason's, and what was sent again")
		audit, _, err := f.Audit(t.Context(), "acme", hook.AuditFilter{Target: "quarantine"}, hook.Page{Limit: 10})
		require.NoError(t, err)
		require.Len(t, audit, 2, "what found nothing changed nothing")
		require.Equal(t, "discard-all-quarantined", audit[0].Origin.Operation)
		require.Contains(t, audit[1].Changes, hook.Change{Field: "discarded", To: []byte("4")})

		discarded, _, err := f.DiscardQuarantined(t.Context(), "", filter, 4)
		require.NoError(t, err)
		require.Equal(t, 2, discarded, "the operator's: of all, and of none")
	})
}
