package sqlstore_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

// attempt gives the first request of delivery n, which failed.
func attempt(n int) hook.Attempt {
	return hook.Attempt{
		Delivery: fmt.Sprintf("dlv_%04d", n), Number: 1, Fate: hook.FateRetrying, Reason: hook.ReasonThrottled, Detail: "503",
		Account: "acme", Webhook: "wh_1", Store: "7", Event: fmt.Sprintf("evt_%04d", n), EventType: hook.Update,
		ItemType: "Contact", Items: []string{fmt.Sprint(n), "shared"},
		Bundle:    hook.Coordinates{Topic: "deliveries", Partition: 3, Offset: int64(n)},
		Source:    hook.Coordinates{Topic: "events.contacts", Partition: 1, Offset: int64(100 + n)},
		Published: start.Add(time.Duration(n) * time.Second),
		At:        start.Add(time.Hour), Duration: 1500 * time.Microsecond, URL: "https://example.com/hook", StatusCode: 503,
		Response:        []byte("busy\x00\xff"),
		ResponseHeaders: []hook.Header{{Name: "Retry-After", Value: "120"}, {Name: "X-Note", Value: "say \"\\é\x00\""}},
		Due:             start.Add(2 * time.Hour), TraceID: "4bf92f3577b34da6a3ce929d0e0e4736",
		Timing:  hook.Timing{DNS: 1500 * time.Microsecond, Connect: 2 * time.Millisecond, TLS: 3 * time.Millisecond, FirstByte: time.Second},
		Request: []byte{1, 0, 255},
	}
}

// but is the record with changes.
func but(a hook.Attempt, change func(*hook.Attempt)) hook.Attempt {
	change(&a)
	return a
}

// row is the log's row after the record alone.
func row(a hook.Attempt) hook.Delivery {
	return hook.Delivery{
		ID: a.Delivery, Account: a.Account, Webhook: a.Webhook, Event: a.Event, EventType: a.EventType, ItemType: a.ItemType,
		Items: a.Items, Store: a.Store, Status: a.Fate, Reason: a.Reason, Run: a.Run, Attempts: a.Number, StatusCode: a.StatusCode,
		Bundle: a.Bundle, Source: a.Source, Published: a.Published, UpdatedAt: a.At, Due: a.Due, TraceID: a.TraceID,
	}
}

// record writes records after those that are there.
func (f fixture) record(t *testing.T, attempts ...hook.Attempt) {
	t.Helper()
	next, err := f.NextOffset(t.Context(), 3)
	require.NoError(t, err)
	records := make([]hook.Recorded, len(attempts))
	for i, a := range attempts {
		records[i] = hook.Recorded{Offset: next + int64(i), Attempt: a}
	}
	require.NoError(t, f.write(t, 3, next, next+int64(len(attempts)), records...))
}

// write records what one partition has between two offsets.
func (f fixture) write(t *testing.T, partition int, from, to int64, records ...hook.Recorded) error {
	t.Helper()
	return f.Record(t.Context(), []hook.Range{{Partition: partition, From: from, To: to, Records: records}})
}

func (f fixture) delivery(t *testing.T, id string) hook.Delivery {
	t.Helper()
	d, err := f.Delivery(t.Context(), "acme", id)
	require.NoError(t, err)
	return d
}

func TestTheLogShowsWhatWasRecorded(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		first := attempt(1)
		bare := hook.Attempt{Delivery: "dlv_bare", Account: "acme", Webhook: "wh_1", Fate: hook.FateDropped, Reason: hook.ReasonPaused}
		f.record(t, first, bare)
		require.Equal(t, row(first), f.delivery(t, "dlv_0001"))
		want := row(bare)
		want.Items, want.Published = []string{}, start
		require.Equal(t, want, f.delivery(t, "dlv_bare"))

		second := but(first, func(a *hook.Attempt) {
			a.Step, a.Number, a.Fate, a.Reason, a.StatusCode = 2, 2, hook.FateDelivered, hook.ReasonNone, 200
			a.At, a.Due, a.Response = start.Add(3*time.Hour), time.Time{}, nil
		})
		f.record(t, second)
		require.Equal(t, row(second), f.delivery(t, "dlv_0001"))
		list, err := f.Attempts(t.Context(), "acme", "dlv_0001")
		require.NoError(t, err)
		require.Equal(t, []hook.Attempt{first, second}, list)

		for _, account := range []string{"other", ""} {
			_, err = f.Delivery(t.Context(), account, "dlv_0001")
			require.ErrorIs(t, err, hook.ErrNotFound)
			_, err = f.Attempts(t.Context(), account, "dlv_0001")
			require.ErrorIs(t, err, hook.ErrNotFound)
		}
	})
}

func TestTextThatADatabaseCannotHoldIsReplaced(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.record(t, but(attempt(1), func(a *hook.Attempt) { a.Detail, a.Items = "a\x00b\xff", []string{"x\x00"} }))
		require.Equal(t, []string{"x\uFFFD"}, f.delivery(t, "dlv_0001").Items)
		list, err := f.Attempts(t.Context(), "acme", "dlv_0001")
		require.NoError(t, err)
		require.Equal(t, "a\uFFFDb\uFFFD", list[0].Detail)
		found, _, err := f.Deliveries(t.Context(), "acme", hook.DeliveryFilter{ItemID: "x\x00"}, hook.Page{Limit: 1})
		require.NoError(t, err)
		require.Len(t, found, 1)
	})
}

func TestEveryFilterNarrowsTheListNewestFirst(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		fates := []hook.Fate{hook.FateRetrying, hook.FateDelivered, hook.FateHeld, hook.FateExhausted}
		var all []hook.Attempt
		for n := range 40 {
			all = append(all, but(attempt(n), func(a *hook.Attempt) {
				a.Fate = fates[n%4]
				a.Webhook = fmt.Sprint("wh_", n%3)
				a.Store = []string{"", "7"}[n%2]
				a.ItemType = []string{"Contact", "Invoice"}[n/20]
				a.Event = fmt.Sprint("evt_", n/5)
				a.Items = [][]string{{fmt.Sprint(n / 8)}, {fmt.Sprint(n / 8), "shared"}, {"shared"}, nil}[n%4]
				a.Published = start.Add(time.Duration(n/2) * time.Second) // two in the same instant
				if n == 39 {
					a.Account = "other"
				}
			}))
		}
		f.record(t, all...)

		for name, c := range map[string]struct {
			filter hook.DeliveryFilter
			want   func(a hook.Attempt) bool
		}{
			"none":         {hook.DeliveryFilter{}, func(hook.Attempt) bool { return true }},
			"delivered":    {hook.DeliveryFilter{Statuses: []hook.Fate{hook.FateDelivered}}, func(a hook.Attempt) bool { return a.Fate == hook.FateDelivered }},
			"failed":       {hook.DeliveryFilter{Statuses: []hook.Fate{hook.FateRetrying, hook.FateExhausted}}, func(a hook.Attempt) bool { return a.Fate == hook.FateRetrying || a.Fate == hook.FateExhausted }},
			"webhook":      {hook.DeliveryFilter{Webhook: "wh_1"}, func(a hook.Attempt) bool { return a.Webhook == "wh_1" }},
			"item type":    {hook.DeliveryFilter{ItemType: "Invoice"}, func(a hook.Attempt) bool { return a.ItemType == "Invoice" }},
			"item":         {hook.DeliveryFilter{ItemID: "2"}, func(a hook.Attempt) bool { return slices.Contains(a.Items, "2") }},
			"item of many": {hook.DeliveryFilter{ItemID: "shared"}, func(a hook.Attempt) bool { return slices.Contains(a.Items, "shared") }},
			"event":        {hook.DeliveryFilter{EventID: "evt_3"}, func(a hook.Attempt) bool { return a.Event == "evt_3" }},
			"store":        {hook.DeliveryFilter{Store: "7"}, func(a hook.Attempt) bool { return a.Store == "7" }},
			"from":         {hook.DeliveryFilter{From: start.Add(10 * time.Second)}, func(a hook.Attempt) bool { return !a.Published.Before(start.Add(10 * time.Second)) }},
			"to":           {hook.DeliveryFilter{To: start.Add(10 * time.Second)}, func(a hook.Attempt) bool { return a.Published.Before(start.Add(10 * time.Second)) }},
			"nothing":      {hook.DeliveryFilter{EventID: "evt_none"}, func(hook.Attempt) bool { return false }},
			"all together": {hook.DeliveryFilter{Statuses: []hook.Fate{hook.FateHeld}, Webhook: "wh_2", ItemType: "Contact", ItemID: "shared", EventID: "evt_2", From: start, To: start.Add(time.Hour)}, func(a hook.Attempt) bool { return a.Delivery == "dlv_0014" }},
		} {
			want := map[string]bool{}
			for _, a := range all {
				if a.Account == "acme" && c.want(a) {
					want[a.Delivery] = true
				}
			}
			if name == "all together" {
				require.Len(t, want, 1)
			}
			got := map[string]bool{}
			var last time.Time
			for i, d := range walk(t, 3, func(p hook.Page) ([]hook.Delivery, string, error) {
				return f.Deliveries(t.Context(), "acme", c.filter, p)
			}) {
				require.False(t, got[d.ID], "%s: %s twice", name, d.ID)
				require.False(t, i > 0 && d.Published.After(last), "%s: newest first", name)
				got[d.ID], last = true, d.Published
			}
			require.Equal(t, want, got, name)
		}
	})
}

func TestAWalkOverPagesIsStableWhileRowsAreAdded(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		for _, filter := range []hook.DeliveryFilter{{}, {ItemID: "shared"}} {
			base := 10
			if filter.ItemID != "" {
				base = 40
			}
			filter.From = start.Add(time.Duration(base) * time.Second)
			for n := range 6 {
				f.record(t, attempt(base+n))
			}
			page := hook.Page{Limit: 2}
			var got []string
			for added := 0; ; added++ {
				some, next, err := f.Deliveries(t.Context(), "acme", filter, page)
				require.NoError(t, err)
				for _, d := range some {
					got = append(got, d.ID)
				}
				if next == "" {
					break
				}
				page.After = next
				f.record(t, attempt(base+10+added)) // newer: before the first page
			}
			var want []string
			for n := base + 5; n >= base; n-- {
				want = append(want, attempt(n).Delivery)
			}
			require.Equal(t, want, got)
		}
	})
}
