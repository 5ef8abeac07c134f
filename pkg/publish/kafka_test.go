package publish_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/embedded"
	"github.com/staffetta/staffetta/pkg/publish"
)

// patience bounds every wait of these tests; they end as soon as they can.
const patience = 30 * time.Second

func patient(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// kafka is a Kafka to publish to, with a topic of the test's own.
type kafka struct {
	*testing.T
	brokers []string
	topic   string
}

const partitions = 4

// newKafka is the Kafka that STAFFETTA_TEST_KAFKA names, else an embedded one.
func newKafka(t *testing.T) kafka {
	t.Helper()
	addresses := os.Getenv("STAFFETTA_TEST_KAFKA")
	if addresses == "" {
		one, err := embedded.StartKafka(embedded.KafkaConfig{})
		require.NoError(t, err)
		t.Cleanup(one.Close)
		addresses = one.Addr()
	}
	k := kafka{T: t, brokers: strings.Split(addresses, ","), topic: "events.test-" + uuid.NewString()[:8]}
	k.create(k.topic, 1<<20)
	return k
}

// create makes a topic that takes batches of so many bytes.
func (k kafka) create(topic string, maxMessageBytes int) {
	k.Helper()
	client, err := bus.Dial(bus.Config{Brokers: k.brokers})
	require.NoError(k, err)
	defer client.Close()
	require.NoError(k, client.EnsureTopics(patient(k), []bus.TopicSpec{
		{Name: topic, Partitions: partitions, Retention: time.Hour, MaxMessageBytes: maxMessageBytes},
	}, 1))
}

func (k kafka) publisher(cfg publish.Config) *publish.Publisher {
	k.Helper()
	if cfg.Brokers == nil {
		cfg.Brokers = k.brokers
	}
	p, err := publish.Dial(cfg)
	require.NoError(k, err)
	k.Cleanup(func() { _ = p.Close(patient(k)) }) // tests that care close it themselves
	return p
}

// read returns the first n records of the test's topic, as a client reads them
// that shares no code with ours.
func (k kafka) read(n int, opts ...kgo.Opt) []*kgo.Record {
	k.Helper()
	c, err := kgo.NewClient(append(opts, kgo.SeedBrokers(k.brokers...), kgo.ConsumeTopics(k.topic))...)
	require.NoError(k, err)
	defer c.Close()
	var records []*kgo.Record
	for len(records) < n {
		fetches := c.PollFetches(patient(k))
		require.NoError(k, fetches.Err())
		records = append(records, fetches.Records()...)
	}
	require.Len(k, records, n)
	return records
}

func contact(id string) publish.Event {
	return publish.Event{
		Account: "acme", Type: publish.Update, ItemType: "Contact",
		Items: []publish.Item{{ID: id, Ref: "/contacts/" + id}},
	}
}
