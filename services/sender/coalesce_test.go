package sender_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/sender"
)

// "after an outage with 10 changes on each of 10,000 items at most 1.1 requests per
// item are made from its end on, and the final states are right".
func TestAfterAnOutageTheLatestStateOfEachItemIsDeliveredOnce(t *testing.T) {
	parallel(t)
	for _, ordering := range few([]hook.Ordering{hook.OrderedByItem, hook.Unordered}, 1) {
		t.Run("ordering "+string(ordering), func(t *testing.T) {
			w := newWorld(t)
			var mu sync.Mutex
			away, requests := false, 0
			r := newReader(t, func(string, int) int {
				mu.Lock()
				defer mu.Unlock()
				if away {
					return http.StatusServiceUnavailable
				}
				requests++
				return http.StatusOK
			})
			h := w.gatedHook(r, func(h *hook.Webhook) { h.Ordering, h.Coalesce = ordering, hook.CoalesceByItem })
			launch(t, w.orders())
			items := soak(40, 10_000)
			// Before the outage it took what it got.
			for n := range 20 {
				w.await(w.changes(h, 0, change{n: 10*items + n + 1, items: []string{strconv.Itoa(items)}})[0], ended)
			}
			mu.Lock()
			away, requests = true, 0
			mu.Unlock()
			var all []change
			for n := range 10 * items {
				c := change{n: n + 1, items: []string{strconv.Itoa(n % items)}}
				if n < items {
					c.kind = hook.Create
				}
				all = append(all, c)
			}
			tiers := w.tiers()
			var deliveries []string
			for some := range slices.Chunk(all, 1000) {
				deliveries = append(deliveries, w.changes(h, 0, some...)...)
			}
			require.Eventually(t, func() bool { return len(tiers.tasks(deliveries[len(deliveries)-1])) > 0 }, within, pollEvery)
			// Of every item the latest has been read, on whichever partition it is.
			for _, d := range deliveries[8*items : 9*items] {
				w.await(d, ended)
			}
			mu.Lock()
			away = false
			mu.Unlock()
			for i, d := range deliveries {
				want := hook.FateSuperseded
				if i >= 9*items {
					want = hook.FateDelivered
				}
				got := w.await(d, ended)
				last := got[len(got)-1]
				require.Equal(t, want, last.Fate, "change %d: %s", i+1, fates(got))
				if want == hook.FateSuperseded {
					require.Equal(t, hook.ReasonNewerChange, last.Reason)
					require.NotEmpty(t, last.SupersededBy)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			require.LessOrEqual(t, requests, items*11/10)
			for item := range items {
				all := r.told(strconv.Itoa(item))
				require.Equal(t, told{9*items + item + 1, "contact.create", http.StatusOK}, all[len(all)-1],
					"it is there, and was never told to be created before")
			}
		})
	}
}

// "a change is dropped only for a later one that is itself durable in Kafka": the
// later one's record is open while it is not delivered, so a kill after the earlier
// one was written off repeats it, as the create that it became.
func TestAKillAfterAChangeWasSupersededLosesNothing(t *testing.T) {
	w := newWorld(t)
	hangs := make(chan struct{})
	arrived := make(chan struct{}, 10)
	r := newReader(t, func(_ string, version int) int {
		if version == 1 {
			return http.StatusInternalServerError
		}
		arrived <- struct{}{}
		<-hangs
		return http.StatusOK
	})
	var once sync.Once
	release := func() { once.Do(func() { close(hangs) }) }
	t.Cleanup(release)
	h := w.gatedHook(r, func(h *hook.Webhook) {
		h.Coalesce, h.Timeout = hook.CoalesceByItem, hook.MaxTimeout
		h.RetrySchedule = []time.Duration{3 * time.Second}
	})
	event := "evt_" + w.account + "1"
	told := w.orders()
	told.Stop, told.Nth, told.Delivery = sender.Written, 2, hook.DeliveryID(event, h.ID, -1)
	first := launch(t, told)
	create := w.changes(h, 0, change{n: 1, kind: hook.Create, items: []string{"7"}})[0]
	w.await(create, waits)
	update := w.changes(h, 0, change{n: 2, items: []string{"7"}})[0]
	<-arrived
	first.died(t)
	got := w.await(create, ended)
	require.Equal(t, update, got[len(got)-1].SupersededBy)

	launch(t, w.orders())
	<-arrived
	release()
	got = w.await(update, ended)
	require.Equal(t, hook.FateDelivered, got[len(got)-1].Fate, fmt.Sprint(got))
	all := r.told("7")
	require.Equal(t, "contact.create", all[len(all)-1].kind)
}
