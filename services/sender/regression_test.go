package sender_test

import (
	"context"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/retry"
	"github.com/staffetta/staffetta/services/sender"
)

// alone skips what other tests on the same topics would notice.
func alone(t *testing.T) {
	t.Helper()
	if os.Getenv("STAFFETTA_TEST_KAFKA") != "" {
		t.Skip("the topics of a real Kafka are other tests' too")
	}
}

// Rule 6, where retention has deleted what a takeover would read: nothing would
// ever end the wait for it.
func TestATakeoverDoesNotWaitForWhatHasExpired(t *testing.T) {
	w := newWorld(t)
	h := w.webhook("/500", func(h *hook.Webhook) { h.RetrySchedule = []time.Duration{time.Second} })
	alone(t)
	first := launch(t, w.orders())
	w.await(w.publish(0, h)[0], ended)
	first.end(syscall.SIGTERM)

	client, err := kgo.NewClient(kgo.SeedBrokers(w.brokers))
	require.NoError(t, err)
	defer client.Close()
	for _, topic := range []string{bus.Attempts, retry.Tiers[0].Topic} {
		ends, err := w.bus.EndOffsets(t.Context(), topic)
		require.NoError(t, err)
		request := kmsg.NewPtrDeleteRecordsRequest()
		request.TimeoutMillis = 5000
		request.Topics = append(request.Topics, kmsg.DeleteRecordsRequestTopic{Topic: topic})
		for p, end := range ends {
			request.Topics[0].Partitions = append(request.Topics[0].Partitions,
				kmsg.DeleteRecordsRequestTopicPartition{Partition: int32(p), Offset: end})
		}
		answer, err := request.RequestWith(t.Context(), client)
		require.NoError(t, err)
		for _, p := range answer.Topics[0].Partitions {
			require.Zero(t, p.ErrorCode)
		}
	}
	launch(t, w.orders())
	w.await(w.publish(0, h)[0], ended)
}

// An offset beyond the end of deliveries: a topic that was made anew while an
// old commit survived. None of its records was ever read.
func TestNothingOfATopicThatWasMadeAnewIsTakenForDone(t *testing.T) {
	w := newWorld(t)
	alone(t)
	h := w.webhook("/ok", w.on(1))
	group, err := w.bus.NewGroup(bus.GroupConfig{ID: sender.Group, Topics: []string{bus.Deliveries}, SessionTimeout: w.session})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	_ = group.Run(ctx, func(_ context.Context, a *bus.Assignment) error {
		defer cancel()
		return a.Commit(t.Context(), map[string]map[int]bus.Committed{bus.Deliveries: {1: {Offset: 30}}})
	})
	deliveries := w.burst(10, h)
	w.run(nil)
	w.await(deliveries[9], ended)
	for _, d := range append(deliveries, w.burst(25, h)...) { // beyond offset 30
		w.await(d, ended)
		require.Equal(t, 1, w.receiver.posted(d))
	}
}

// What is started next must not be forgotten when the task before it fails.
func TestWhatWaitsBehindADefectIsStarted(t *testing.T) {
	w := newWorld(t)
	h := w.webhook("/mine", w.on(1))
	var posts atomic.Int32
	began, free := make(chan struct{}), make(chan struct{})
	w.run(func(c *sender.Config) {
		c.Client = trap{c.Client, "/mine", func() {
			if posts.Add(1) == 1 {
				close(began)
				<-free
				panic("stepped on it")
			}
		}}
	})
	first := w.burst(1, h)[0]
	<-began
	second := w.burst(1, h)[0] // queued behind it, or parked and back in a second
	close(free)
	require.Equal(t, hook.ReasonDefect, w.await(first, ended)[0].Reason)
	got := w.await(second, ended)
	require.Equal(t, hook.FateDelivered, got[len(got)-1].Fate)
}
