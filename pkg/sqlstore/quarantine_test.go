package sqlstore_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

// quarantined is the entry of a record at an offset, of that many minutes after start.
func quarantined(offset int, account, reason string) hook.Quarantined {
	at := hook.Coordinates{Topic: "quarantine", Partition: 1, Offset: int64(offset)}
	since := start.Add(time.Duration(offset) * time.Minute)
	return hook.Quarantined{
		ID: hook.QuarantinedID(at, since), Account: account, Reason: reason, Detail: "why",
		Source: hook.Coordinates{Topic: "events.contacts", Partition: 3, Offset: 70 + int64(offset)}, At: at,
		Bytes: 5, State: hook.Open, CreatedAt: since,
	}
}

func (f fixture) quarantine(t *testing.T, entries ...hook.Quarantined) {
	t.Helper()
	_, err := f.Register(t.Context(), hook.Registration{Quarantined: entries})
	require.NoError(t, err)
}

func (f fixture) inQuarantine(t *testing.T, account string, filter hook.QuarantineFilter) []hook.Quarantined {
	t.Helper()
	return walk(t, 2, func(p hook.Page) ([]hook.Quarantined, string, error) {
		return f.QuarantineEntries(t.Context(), account, filter, p)
	})
}

func TestQuarantineIsListedByWhoseItIs(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		a, b, c := quarantined(1, "acme", "not_json"), quarantined(2, "other", "invalid_field"), quarantined(3, "", "not_json")
		d := quarantined(4, "acme", "tombstone")
		d.Source.Topic = "own"
		f.quarantine(t, a, b)
		f.quarantine(t, b, c, d)
		type list = []hook.Quarantined
		require.Equal(t, list{d, c, b, a}, f.inQuarantine(t, "", hook.QuarantineFilter{}), "newest first, each once")
		require.Equal(t, list{d, a}, f.inQuarantine(t, "acme", hook.QuarantineFilter{}))
		require.Empty(t, f.inQuarantine(t, "nobody", hook.QuarantineFilter{}))
		require.Equal(t, list{c, a}, f.inQuarantine(t, "", hook.QuarantineFilter{Reason: "not_json"}))
		require.Equal(t, list{a}, f.inQuarantine(t, "acme", hook.QuarantineFilter{Reason: "not_json", Topic: "events.contacts"}))
		require.Equal(t, list{d}, f.inQuarantine(t, "", hook.QuarantineFilter{Topic: "own"}))
		require.Equal(t, list{c, b}, f.inQuarantine(t, "", hook.QuarantineFilter{From: b.CreatedAt, To: d.CreatedAt}))

		for account, found := range map[string]bool{"": true, "acme": true, "other": false} {
			got, err := f.QuarantineEntry(t.Context(), account, a.ID)
			if found {
				require.NoError(t, err)
				require.Equal(t, a, got)
				continue
			}
			require.ErrorIs(t, err, hook.ErrNotFound)
			_, err = f.SetQuarantined(t.Context(), account, a.ID, hook.Discarded)
			require.ErrorIs(t, err, hook.ErrNotFound)
		}
	})
}

func TestWhatIsDiscardedStaysSo(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		a := quarantined(1, "acme", "not_json")
		f.quarantine(t, a)
		for _, state := range []hook.QuarantineState{hook.Redriven, hook.Redriven, hook.Discarded, hook.Redriven, hook.Discarded} {
			if a.State != hook.Discarded {
				f.clock.Add(time.Minute)
				a.State, a.ChangedAt = state, f.clock.Now()
			}
			got, err := f.SetQuarantined(t.Context(), "acme", a.ID, state)
			require.NoError(t, err)
			require.Equal(t, a, got)
		}
		require.Empty(t, f.inQuarantine(t, "acme", hook.QuarantineFilter{}))
		require.Equal(t, []hook.Quarantined{a}, f.inQuarantine(t, "acme", hook.QuarantineFilter{State: hook.Discarded}))
		f.quarantine(t, quarantined(1, "acme", "not_json"))
		got, err := f.QuarantineEntry(t.Context(), "", a.ID)
		require.NoError(t, err)
		require.Equal(t, a, got, "reading the topic again changes nothing")
	})
}

func TestTheRegisterMovesWithWhatItSays(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		position := func(topic string, partition int) int64 {
			next, err := f.RegisterPosition(t.Context(), topic, partition)
			require.NoError(t, err)
			return next
		}
		register := func(seen string, spans ...hook.Span) error {
			_, err := f.Register(t.Context(), hook.Registration{Spans: spans, Seen: []hook.Sighting{{Account: "acme", Store: seen}}})
			return err
		}
		require.Zero(t, position("stores", 1))
		require.NoError(t, register("1", hook.Span{Topic: "stores", Partition: 1, To: 10}, hook.Span{Topic: "quarantine", Partition: 1, To: 4}))
		require.NoError(t, register("2", hook.Span{Topic: "stores", Partition: 1, From: 10, To: 12}))
		require.EqualValues(t, 12, position("stores", 1))
		require.EqualValues(t, 4, position("quarantine", 1))
		require.Zero(t, position("stores", 2))

		for _, from := range []int64{0, 10, 13} {
			err := register("3", hook.Span{Topic: "quarantine", Partition: 1, From: 4, To: 9}, hook.Span{Topic: "stores", Partition: 1, From: from, To: 20})
			require.ErrorIs(t, err, hook.ErrStale)
		}
		require.EqualValues(t, 4, position("quarantine", 1), "all or nothing")
		require.Len(t, f.stores(t, "acme"), 2)
		require.NoError(t, register("3", hook.Span{Topic: "stores", Partition: 1, From: 12, To: 3}), "the topic was made anew")
		require.EqualValues(t, 3, position("stores", 1))
	})
}

func TestWhatPostgreSQLCannotHoldStopsNoRegister(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.account(t, "acme")
		odd := quarantined(1, "acme", "not\x00json")
		odd.Detail = "\xff\x00" + strings.Repeat("è", 2000)
		f.quarantine(t, odd)
		f.sees(t, "acme", "a\x00b", "\xff")
		require.Len(t, f.stores(t, "acme"), 2)
		require.Equal(t, "not\uFFFDjson", f.inQuarantine(t, "acme", hook.QuarantineFilter{})[0].Reason)
	})
}

func TestEntriesOfQuarantineGoWithTheirRecords(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		var entries []hook.Quarantined
		for n := range 2_100 { // more than a transaction deletes
			entries = append(entries, hook.Quarantined{ID: fmt.Sprintf("qrn_%d", n), Reason: "not_json", State: hook.Open, CreatedAt: start.Add(-time.Duration(n) * time.Second)})
		}
		f.quarantine(t, entries...)
		require.NoError(t, f.ExpireQuarantine(t.Context(), start.Add(-4*time.Second)))
		require.Len(t, f.inQuarantine(t, "", hook.QuarantineFilter{}), 5)
	})
}
