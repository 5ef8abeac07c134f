package sender_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/journal"
	"github.com/staffetta/staffetta/services/sender"
)

// markers are those in attempts by now, by webhook: the versions.
func (t *tail) markers() map[string][]int64 {
	t.w.t.Helper()
	found := map[string][]int64{}
	for _, r := range t.records() {
		_, err := journal.Decode(r.Value)
		if marker := (*journal.MarkerError)(nil); errors.As(err, &marker) && marker.Marker.Account == t.w.account {
			require.Equal(t.w.t, t.w.partition(marker.Marker.Webhook), r.Partition)
			found[marker.Marker.Webhook] = append(found[marker.Marker.Webhook], marker.Marker.Version)
		}
	}
	return found
}

// resuming is an account at a version, with webhooks of a status.
func (w *world) resuming(version int64, status hook.Status, webhooks ...hook.Webhook) *sender.Account {
	state := hook.AccountState{Account: hook.Account{ID: w.account, Version: version}}
	for _, h := range webhooks {
		h.Status = status
		state.Webhooks = append(state.Webhooks, h)
	}
	return sender.NewAccount(state, plain{})
}

// DESIGN.md: "the owner of the webhook's partition writes a marker to attempts".
func TestAWebhookThatIsResumingIsMarkedInAttempts(t *testing.T) {
	w := newWorld(t)
	first, second := w.webhook("", nil), w.webhook("", nil)
	attempts := w.tail(bus.Attempts)
	in := w.run(nil)
	in.service.Kept(w.resuming(7, hook.Resuming, first)) // before it has a partition, perhaps
	require.Eventually(t, func() bool { return len(attempts.markers()[first.ID]) == 1 }, within, pollEvery)
	require.Equal(t, map[string][]int64{first.ID: {7}}, attempts.markers())

	in.service.Kept(w.resuming(8, hook.Resuming, first, second))
	require.Eventually(t, func() bool { return len(attempts.markers()[second.ID]) == 1 }, within, pollEvery)
	in.service.Kept(w.resuming(9, hook.Active, first, second))
	in.service.Kept(w.resuming(10, hook.Resuming, second))
	require.Eventually(t, func() bool { return len(attempts.markers()[second.ID]) == 2 }, within, pollEvery)
	require.Equal(t, map[string][]int64{first.ID: {7, 8}, second.ID: {8, 10}}, attempts.markers())
}

func TestWhoTakesAPartitionOverMarksAnew(t *testing.T) {
	w := newWorld(t)
	h := w.webhook("", nil)
	attempts := w.tail(bus.Attempts)
	child := launch(t, w.orders()) // it was never told, and has the partition
	w.await(w.publish(0, h)[0], ended)
	in := w.run(nil)
	in.service.Kept(w.resuming(7, hook.Resuming, h))
	child.leave()
	require.Eventually(t, func() bool { return len(attempts.markers()[h.ID]) == 1 }, within, pollEvery)
}
