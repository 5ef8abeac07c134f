package bus_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zaptest"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/embedded"
)

// patience bounds every wait of these tests; they end as soon as they can.
const patience = 30 * time.Second

// broker is a Kafka to test on.
type broker struct {
	addr string
	// restart is nil where the broker is not ours to restart.
	restart func() error
}

// onEach runs a test on the broker that there is: a real one if STAFFETTA_TEST_KAFKA
// names it, else the embedded one. CI runs all on both. Topics and groups get names of
// their own.
func onEach(t *testing.T, test func(t *testing.T, b broker)) {
	t.Helper()
	t.Parallel()
	if os.Getenv("STAFFETTA_TEST_KAFKA") != "" {
		test(t, realKafka(t))
		return
	}
	kafka := embeddedKafka(t)
	test(t, broker{addr: kafka.Addr(), restart: kafka.Restart})
}

// realKafka is the one that STAFFETTA_TEST_KAFKA names; the test is skipped
// without.
func realKafka(t testing.TB) broker {
	t.Helper()
	addr := os.Getenv("STAFFETTA_TEST_KAFKA")
	if addr == "" {
		t.Skip("STAFFETTA_TEST_KAFKA is not set")
	}
	return broker{addr: addr}
}

func embeddedKafka(t testing.TB) *embedded.Kafka {
	t.Helper()
	kafka, err := embedded.StartKafka(embedded.KafkaConfig{DataDir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(kafka.Close)
	return kafka
}

func dial(t testing.TB, b broker) *bus.Client {
	t.Helper()
	log := zaptest.NewLogger(t, zaptest.Level(zapLevel))
	client, err := bus.Dial(bus.Config{Brokers: strings.Split(b.addr, ","), Log: log})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}

// name is unique, so that tests share a broker.
func name(prefix string) string { return prefix + "-" + uuid.NewString()[:8] }

// topic makes one that takes batches of 1 MiB.
func topic(t testing.TB, client *bus.Client, partitions int) string {
	t.Helper()
	return topicOf(t, client, partitions, 1<<20)
}

func topicOf(t testing.TB, client *bus.Client, partitions, maxMessageBytes int) string {
	t.Helper()
	spec := bus.TopicSpec{Name: name("test"), Partitions: partitions, Retention: time.Hour, MaxMessageBytes: maxMessageBytes}
	require.NoError(t, client.EnsureTopics(patient(t), []bus.TopicSpec{spec}, 1))
	return spec.Name
}

// patient is a context that ends when the test has waited long enough.
func patient(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func producer(t testing.TB, client *bus.Client, cfg bus.ProducerConfig) *bus.Producer {
	t.Helper()
	p := client.NewProducer(cfg)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = p.Close(ctx) // tests that care check it themselves
	})
	return p
}

// reader fetches all partitions of a topic from the start.
func reader(t testing.TB, client *bus.Client, cfg bus.FetcherConfig, topic string, partitions int) *bus.Fetcher {
	t.Helper()
	f := client.NewFetcher(cfg)
	t.Cleanup(f.Close)
	for p := range partitions {
		f.Add(topic, p, bus.FirstOffset)
	}
	return f
}

// read polls until n records have come and returns their values by partition.
func read(t testing.TB, f *bus.Fetcher, n int) map[int][]string {
	t.Helper()
	ctx := patient(t)
	got := make(map[int][]string)
	for n > 0 {
		batch, err := f.Poll(ctx)
		require.NoError(t, err, "still missing %d", n)
		for i := range batch.Records {
			got[batch.Partition] = append(got[batch.Partition], string(batch.Records[i].Value))
		}
		n -= len(batch.Records)
	}
	require.Zero(t, n, "more records than were written")
	return got
}

// values are prefix-0, prefix-1 …
func values(prefix string, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprint(prefix, "-", i)
	}
	return all
}
