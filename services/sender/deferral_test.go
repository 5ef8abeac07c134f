package sender_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/sender"
)

// Rule 3, for a task that is parked untried: it is in no record of attempts, so
// the tier alone says that it was parked.
func TestASenderThatDiesWhileItDefersATask(t *testing.T) {
	parallel(t)
	for _, c := range []struct {
		why string
		// path of the webhook, and what its settings are.
		path   string
		change func(*hook.Webhook)
		// publish returns a task that is deferred, with its sender at work.
		publish func(*world, hook.Webhook) string
		posts   int
		fates   string
	}{
		{"the breaker is open", "/503", func(h *hook.Webhook) {
			h.RetrySchedule = []time.Duration{3 * time.Second, 3 * time.Second}
		}, func(w *world, h hook.Webhook) string {
			w.await(w.publish(0, h)[0], ended)
			for _, d := range w.burst(5, h) {
				w.await(d, waits)
			}
			return w.publishEvent("evt_deferred_"+w.account, 0, h)[0]
		}, 2, "retrying#1 delivered#2"},
		{"the lane is full", "/hang", func(h *hook.Webhook) { h.Concurrency = 1 }, func(w *world, h hook.Webhook) string {
			w.burst(17, h) // one under way, and as many behind it as a new lane takes
			return w.publishEvent("evt_deferred_"+w.account, 0, h)[0]
		}, 1, "delivered#1"},
		{"the rate is used up", "/ok", func(h *hook.Webhook) { h.RateLimit = 1 }, func(w *world, h hook.Webhook) string {
			w.await(w.publish(0, h)[0], ended)
			w.burst(3, h)
			return w.publishEvent("evt_deferred_"+w.account, 0, h)[0]
		}, 1, "delivered#1"},
	} {
		for _, at := range []sender.Moment{sender.HandedOut, sender.Parked, sender.Finished} {
			t.Run(fmt.Sprintf("%s %s", c.why, at), func(t *testing.T) {
				w := newWorld(t)
				h := w.webhook(c.path, c.change)
				tiers := w.tiers()
				told := w.orders()
				told.Stop, told.Nth = at, 1
				told.Delivery = hook.DeliveryID("evt_deferred_"+w.account, h.ID, -1)
				first := launch(t, told)
				deferred := c.publish(w, h)
				first.died(t)
				before := tiers.tasks(deferred)
				if at == sender.HandedOut {
					require.Empty(t, before)
				} else {
					require.Len(t, before, 1)
					require.Zero(t, before[0].GetAttempts(), "a deferral is no attempt")
				}
				w.receiver.release()

				launch(t, w.orders())
				w.await(w.publish(0, h)[0], ended)
				require.Equal(t, c.fates, fates(w.await(deferred, ended)))
				require.Equal(t, c.posts, w.receiver.posted(deferred))
				requireOneTaskOfEachStep(t, tiers.tasks(deferred))
			})
		}
	}
}

// Rules 3 and 6: the next owner parks for the time that attempts has, and counts
// on from there.
func TestWhatIsToBeParkedIsParkedAsAttemptsSays(t *testing.T) {
	parallel(t)
	for _, at := range []sender.Moment{sender.Written, sender.Parked} {
		t.Run(string(at), func(t *testing.T) {
			w := newWorld(t)
			h := w.webhook("/500", func(h *hook.Webhook) { h.RetrySchedule = []time.Duration{8 * time.Second} })
			tiers := w.tiers()
			delivery := w.publish(0, h)[0]
			told := w.orders()
			told.Stop, told.Nth, told.Delivery = at, 1, delivery
			launch(t, told).died(t)
			said := w.await(delivery, waits)

			launch(t, w.orders())
			require.Equal(t, "retrying#1 delivered#2", fates(w.await(delivery, ended)))
			require.Equal(t, 2, w.receiver.posted(delivery))
			tasks := tiers.tasks(delivery)
			require.NotEmpty(t, tasks)
			requireOneTaskOfEachStep(t, tasks)
			for _, task := range tasks {
				require.Equal(t, said[0].Due.UnixMilli(), task.GetDueMs())
				require.Equal(t, int32(1), task.GetAttempts())
			}
		})
	}
}
