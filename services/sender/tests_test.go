package sender_test

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/sender"
)

// try publishes an event that tries a webhook out, and returns the delivery.
func (w *world) try(h hook.Webhook) string {
	w.t.Helper()
	e := w.event("evt_" + rand.Text())
	value, err := codec.AppendBundle(nil, codec.AppendChange(nil, &e), []string{h.ID}, 0, codec.AllItems)
	require.NoError(w.t, err)
	w.produce(bus.Record{Topic: bus.Deliveries, Partition: w.partition(h.ID), Key: []byte(w.account), Value: codec.AppendTest(value)})
	return hook.DeliveryID(e.ID, h.ID, -1)
}

// states keeps what breakers were like.
type states struct {
	mu   sync.Mutex
	seen []string
}

func (s *states) Report(_ context.Context, circuits []sender.Circuit) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range circuits {
		s.seen = append(s.seen, c.State)
	}
	return nil
}

func TestATestIsPostedOnceWhateverStateItsWebhookIsIn(t *testing.T) {
	w := newWorld(t)
	var mu sync.Mutex
	marked := map[string]string{}
	r := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		marked[r.Header.Get("webhook-id")] = r.Header.Get("Staffetta-Test")
	}))
	t.Cleanup(r.Close)
	var all []hook.Webhook
	for _, change := range []func(*hook.Webhook){
		func(h *hook.Webhook) { h.Status = hook.Active },
		func(h *hook.Webhook) { h.Status = hook.Paused },
		func(h *hook.Webhook) { h.Status, h.OnPause = hook.Paused, hook.Drop },
		func(h *hook.Webhook) { h.Status = hook.Disabled },
		func(h *hook.Webhook) {
			h.Status, h.Ordering, h.Coalesce = hook.Resuming, hook.OrderedByItem, hook.CoalesceByItem
		},
	} {
		all = append(all, w.webhook("", func(h *hook.Webhook) { change(h); h.URL = r.URL }))
	}
	quotas := usedUp{until: time.Now().Add(time.Hour)}
	w.run(func(cfg *sender.Config) {
		cfg.Snapshot, cfg.Quotas = limited(w.webhooks, hook.Quota{Calls: 1, Period: time.Hour}), quotas
	})
	for _, h := range all {
		d := w.try(h)
		got := w.await(d, ended)
		require.Equal(t, "delivered#1", fates(got), "of a webhook that is %s", h.Status)
		require.True(t, got[0].Test)
		mu.Lock()
		require.Equal(t, "true", marked[d])
		mu.Unlock()
	}
	real := w.publish(0, all[0])[0]
	got := w.await(real, func(got []hook.Attempt) bool { return len(got) > 0 })
	require.Equal(t, hook.FatePending, got[0].Fate, "what is no test has to wait for the quota")
	require.False(t, got[0].Test)

	unknown := all[0]
	unknown.ID = "wh_" + rand.Text()
	require.Equal(t, "cancelled#0", fates(w.await(w.try(unknown), ended)))
}

func TestAFailedTestIsNotRetriedAndTellsTheBreakerNothing(t *testing.T) {
	w := newWorld(t)
	h := w.webhook("/503", nil)
	var seen states
	w.run(func(cfg *sender.Config) { cfg.Circuits = &seen })
	var tests []string
	for range 6 { // five would open it
		tests = append(tests, w.try(h))
	}
	for _, d := range tests {
		got := w.await(d, ended)
		require.Equal(t, "exhausted#1", fates(got))
		require.Equal(t, hook.ReasonThrottled, got[0].Reason)
		require.Equal(t, 503, got[0].StatusCode)
	}
	real := w.publish(0, h)[0]
	require.Equal(t, "retrying#1 delivered#2", fates(w.await(real, ended)))
	for _, d := range tests {
		require.Equal(t, 1, w.receiver.posted(d))
	}
	seen.mu.Lock()
	defer seen.mu.Unlock()
	require.False(t, slices.Contains(seen.seen, "open"), "%v", seen.seen)
}

func TestTestsThatHangTakeNobodysRoom(t *testing.T) {
	w := newWorld(t)
	hanging := w.webhook("/hang", func(h *hook.Webhook) { h.Timeout = within })
	healthy := w.webhook("", w.on(w.partition(hanging.ID)))
	w.run(nil)
	var tests []string
	for range 12 {
		tests = append(tests, w.try(hanging))
	}
	for range 10 {
		<-w.receiver.arrived
	}
	w.await(w.publish(0, healthy)[0], ended)
	w.receiver.release()
	var lines []string
	for _, d := range tests {
		got := w.await(d, ended)
		lines = append(lines, fates(got)+" "+string(got[0].Reason))
	}
	slices.Sort(lines)
	require.Equal(t, append(slices.Repeat([]string{"delivered#1 "}, 10), "exhausted#0 busy", "exhausted#0 busy"), lines)
}
