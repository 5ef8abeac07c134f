package sender_test

import (
	"os"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/embedded"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/sender"
)

// breakable is a Kafka that can be stopped and comes back with its log.
func breakable(t *testing.T) (w *world, stop, start func()) {
	t.Helper()
	if brokers := os.Getenv("STAFFETTA_TEST_KAFKA"); brokers != "" {
		servers := os.Getenv("STAFFETTA_TEST_SERVERS")
		if servers == "" {
			t.Skip("STAFFETTA_TEST_SERVERS does not say how servers are stopped")
		}
		run := func(args ...string) func() {
			return func() {
				out, err := exec.Command(servers, args...).CombinedOutput()
				require.NoError(t, err, string(out))
			}
		}
		// The tests after this one need it, whatever became of this one.
		t.Cleanup(run("start", "kafka"))
		return newWorldOn(t, brokers), run("stop", "kafka", "--kill"), run("start", "kafka")
	}
	t.Parallel()
	kafka, err := embedded.StartKafka(embedded.KafkaConfig{DataDir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(kafka.Close)
	return newWorldOn(t, kafka.Addr()), kafka.Close, func() { require.NoError(t, kafka.Restart()) }
}

// Rule 3: "an answer counts as in flight until its attempts record is
// acknowledged, so with Kafka away the engine stops taking".
func TestWithKafkaAwayTheEngineStopsTakingAndRepeatsNothing(t *testing.T) {
	w, stop, start := breakable(t)
	// Twice as many tasks as may be in flight, in one record, so that they are all
	// here when Kafka goes.
	const partition, webhooks = 1, 2 * sender.MaxInFlight
	var hooks []hook.Webhook
	for range webhooks {
		hooks = append(hooks, w.webhook("/ok", w.on(partition)))
	}
	w.session = 2 * time.Minute // so that it is not the lease that stops it
	var answered, written atomic.Int64
	in := w.run(func(c *sender.Config) {
		c.Passed = func(m sender.Moment, _ string) {
			switch m {
			case sender.Answered:
				answered.Add(1)
			case sender.Written:
				written.Add(1)
			default:
			}
		}
	})
	deliveries := w.publish(0, hooks...)
	require.Eventually(t, func() bool { return answered.Load() > 0 }, within, time.Millisecond)
	stop()
	require.Eventually(t, func() bool { return in.metric(t, "staffetta_sender_in_flight") == sender.MaxInFlight }, within, 10*time.Millisecond,
		"it is full of what is answered and not written down")
	last, since := answered.Load(), time.Now()
	require.Eventually(t, func() bool {
		if n := answered.Load(); n != last {
			last, since = n, time.Now()
		}
		return time.Since(since) > time.Second
	}, within, 10*time.Millisecond, "and then nothing more is posted")
	require.LessOrEqual(t, last-written.Load(), int64(sender.MaxInFlight))
	require.Less(t, last, int64(webhooks), "it has stopped before the end")

	start()
	for _, d := range deliveries {
		got := w.await(d, ended)
		require.Equal(t, hook.FateDelivered, got[len(got)-1].Fate)
		require.Equal(t, 1, w.receiver.posted(d))
	}
	requireIdle(t, in)
}
