package sender_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
	deliveryv1 "github.com/staffetta/staffetta/proto/staffetta/delivery/v1"
	"github.com/staffetta/staffetta/services/sender"
)

// waiting is a task in the tier of a second, as a sender writes it.
func (w *world) waiting(event string, h hook.Webhook, partition int, rest time.Duration) bus.Record {
	w.t.Helper()
	due := time.Now().Add(rest).UnixMilli()
	change, err := proto.Marshal(codec.ToChange(w.event(event)))
	require.NoError(w.t, err)
	value, err := proto.Marshal(&deliveryv1.Task{
		Change: change, Bundle: &deliveryv1.Coordinates{Topic: bus.Deliveries},
		Account: w.account, Webhook: h.ID, Delivery: hook.DeliveryID(event, h.ID, -1),
		Step: 1, Attempts: 1, DueMs: due, NotBeforeMs: due,
	})
	require.NoError(w.t, err)
	return bus.Record{Topic: "retry.1s", Partition: partition, Key: []byte(h.ID), Value: value}
}

// Rule 5: "twins stay side by side and the second is dropped", also if the
// process ends right after the first.
func TestTwinsInATierArePostedOnce(t *testing.T) {
	w := newWorld(t)
	h := w.webhook("/ok", nil)
	event := "evt_" + w.account
	delivery := hook.DeliveryID(event, h.ID, -1)
	twin := w.waiting(event, h, w.partition(h.ID), time.Second)
	w.produce(twin, twin)
	told := w.orders()
	told.Stop, told.Nth, told.Delivery = sender.Written, 1, delivery
	launch(t, told).died(t)

	launch(t, w.orders())
	w.await(w.publish(0, h)[0], ended)
	w.produce(w.waiting("evt_behind_"+w.account, h, w.partition(h.ID), time.Second))
	w.await(hook.DeliveryID("evt_behind_"+w.account, h.ID, -1), ended)
	require.Equal(t, "delivered#2", fates(w.await(delivery, ended)))
	require.Equal(t, 1, w.receiver.posted(delivery))
}

// Rule 5: what a killed router wrote twice is found again in deliveries, below the
// watermark, by an owner that is told nothing else.
func TestATwinOfWhatIsBelowTheWatermarkIsNotPosted(t *testing.T) {
	w := newWorld(t)
	h := w.webhook("/ok", nil)
	event := "evt_" + w.account
	first := launch(t, w.orders())
	d := w.publishEvent(event, 0, h)[0]
	w.await(d, ended)
	replayed := w.publishEvent("evt_again_"+w.account, 7, h)[0]
	w.await(replayed, ended)
	first.end(syscall.SIGTERM)
	w.tamper(w.partition(h.ID), func(at bus.Committed) string {
		n, err := sender.ReadNote(at.Metadata, at.Offset)
		require.NoError(t, err)
		return n.SinceNow().WithoutSpans().Encode(at.Offset)
	})

	w.publishEvent(event, 0, h)
	w.publishEvent("evt_again_"+w.account, 0, h) // older than the run that was made
	launch(t, w.orders())
	w.await(w.publish(0, h)[0], ended)
	require.Equal(t, 1, w.receiver.posted(d))
	got := w.await(replayed, func(got []hook.Attempt) bool { return len(got) == 2 })
	require.Equal(t, "delivered#1 superseded#0", fates(got))
	require.Equal(t, 1, w.receiver.posted(replayed))
	w.commits(1, w.partition(h.ID)) // for who comes next
}

// Rule 5: "step + 1 at every tier write", and attempts count on, whoever makes
// them.
func TestAttemptsAndStepsCountOnOverRestarts(t *testing.T) {
	w := newWorld(t)
	never := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	t.Cleanup(never.Close)
	h := w.webhook("", func(h *hook.Webhook) {
		h.URL = never.URL
		h.RetrySchedule = []time.Duration{time.Second, time.Second, time.Second}
	})
	tiers := w.tiers()
	delivery := w.publish(0, h)[0]
	for i, how := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM, syscall.SIGTERM} {
		p := launch(t, w.orders())
		w.await(delivery, func(got []hook.Attempt) bool { return len(got) == i+1 })
		p.end(how)
	}
	launch(t, w.orders())
	got := w.await(delivery, ended)
	require.Equal(t, "retrying#1 retrying#2 retrying#3 exhausted#4", fates(got))
	tasks := tiers.tasks(delivery)
	requireOneTaskOfEachStep(t, tasks)
	require.Equal(t, len(tasks), got[3].Step)
}

// Rule 5: a walk from tier to tier goes on where it was.
func TestASenderThatDiesOnAWalkGoesOnFromThere(t *testing.T) {
	parallel(t)
	for _, at := range []sender.Moment{sender.HandedOut, sender.Parked} {
		t.Run(string(at), func(t *testing.T) {
			w := newWorld(t)
			if os.Getenv("STAFFETTA_TEST_KAFKA") == "" {
				w.session = 3 * time.Second // it has a hop left when it is taken over
			}
			h := w.webhook("/500", func(h *hook.Webhook) { h.RetrySchedule = []time.Duration{9 * time.Second} })
			tiers := w.tiers()
			delivery := w.publish(0, h)[0]
			told := w.orders()
			told.Stop, told.Nth, told.Delivery = at, 2, delivery // its first hop
			launch(t, told).died(t)
			launch(t, w.orders())
			require.Equal(t, "retrying#1 delivered#2", fates(w.await(delivery, ended)))
			require.Equal(t, 2, w.receiver.posted(delivery))
			requireOneTaskOfEachStep(t, tiers.tasks(delivery))
		})
	}
}

// Rule 5: a newer run cancels an older one that waits in a tier, also if a
// takeover lies between the two, and if one lies behind both.
func TestANewerRunCancelsAnOlderOneAcrossATakeover(t *testing.T) {
	parallel(t)
	for _, before := range []bool{true, false} {
		name := "the newer one came after it"
		if before {
			name = "the newer one came before it, and was committed"
		}
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			h := w.webhook("/500", func(h *hook.Webhook) { h.RetrySchedule = []time.Duration{9 * time.Second} })
			first := launch(t, w.orders())
			event := "evt_" + w.account
			d := w.publishEvent(event, 0, h)[0]
			w.await(d, waits)
			// On a slow machine the older one may come out of its tier first, and is
			// superseded as soon as the newer one was met.
			at := func(got []hook.Attempt, fate hook.Fate) int {
				return slices.IndexFunc(got, func(a hook.Attempt) bool { return a.Fate == fate })
			}
			delivered := func(got []hook.Attempt) bool { return at(got, hook.FateDelivered) > 0 }
			if before {
				w.publishEvent(event, 7, h)
				w.await(d, delivered)
				w.commits(2, w.partition(h.ID))
			}
			first.end(syscall.SIGTERM)
			launch(t, w.orders())
			if !before {
				w.publishEvent(event, 7, h)
				w.await(d, delivered)
			}
			got := w.await(d, func(got []hook.Attempt) bool { return len(got) == 3 && delivered(got) })
			require.Equal(t, "retrying#1", fates(got[:1]))
			older := at(got, hook.FateSuperseded)
			require.Positive(t, older, fates(got))
			require.Equal(t, hook.ReasonNewerRun, got[older].Reason)
			require.Equal(t, int64(0), got[older].Run)
			require.Equal(t, 2, w.receiver.posted(d))
		})
	}
}
