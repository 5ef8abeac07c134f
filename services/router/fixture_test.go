package router_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/zap"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/embedded"
	deliveryv1 "github.com/staffetta/staffetta/proto/staffetta/delivery/v1"
	"github.com/staffetta/staffetta/services/router"
)

const (
	partitions = 4
	patience   = 30 * time.Second
	tick       = 10 * time.Millisecond
)

// contacts is the event topic of these tests.
var contacts = bus.EventsPrefix + "contacts"

// fixture is a Kafka without a router yet.
type fixture struct {
	testing.TB
	client   *bus.Client
	producer *bus.Producer
	brokers  []string
	topics   []string             // that the routers read
	targets  int                  // that the routers take deliveries to have, as partitions
	last     *bus.Client          // of the router that was started last
	filters  *shown               // what is wrong with filters; nil: nobody sees it
	metrics  *prometheus.Registry // of the router that was started last
}

func newFixture(t testing.TB, specs ...bus.TopicSpec) *fixture {
	t.Helper()
	kafka, err := embedded.StartKafka(embedded.KafkaConfig{})
	require.NoError(t, err)
	t.Cleanup(kafka.Close)
	f := &fixture{TB: t, brokers: []string{kafka.Addr()}, topics: []string{contacts}, targets: partitions}
	f.client = f.dial()
	if specs == nil {
		specs = bus.Topics(partitions, nil)
	}
	require.NoError(t, f.client.EnsureTopics(t.Context(), specs, 1))
	f.producer = f.client.NewProducer(bus.ProducerConfig{})
	return f
}

func (f *fixture) dial() *bus.Client {
	f.Helper()
	client, err := bus.Dial(bus.Config{Brokers: f.brokers, SessionTimeout: 2 * time.Second})
	require.NoError(f, err)
	f.Cleanup(client.Close)
	return client
}

// start runs a router until stop is called, which gives what Run returned.
func (f *fixture) start(s router.Snapshot) (stop func() error, ended <-chan error) {
	f.Helper()
	f.last, f.metrics = f.dial(), prometheus.NewRegistry()
	config := router.Config{
		Bus: f.last, Topics: f.topics, Partitions: f.targets, Snapshot: s,
		Tracer: noop.NewTracerProvider().Tracer(""), Log: zap.NewNop(), Metrics: f.metrics,
	}
	if f.filters != nil {
		config.Filters = f.filters
	}
	service := router.New(config)
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error, 1)
	go func() { result <- service.Run(ctx) }()
	stop = sync.OnceValue(func() error { cancel(); return <-result })
	return stop, result
}

// await gives what Run returned.
func (f *fixture) await(ended <-chan error) error {
	f.Helper()
	select {
	case err := <-ended:
		return err
	case <-time.After(patience):
		require.Fail(f, "the router goes on")
		return nil
	}
}

// run is start for a router that has to live as long as the test.
func (f *fixture) run(s router.Snapshot) {
	f.Helper()
	stop, _ := f.start(s)
	f.Cleanup(func() { require.NoError(f, stop()) })
}

func (f *fixture) eventually(condition func() bool, what string) {
	f.Helper()
	require.Eventually(f, condition, patience, tick, what)
}

// event is a JSON event of an account, with pad bytes beside.
func event(id, account string, pad int) []byte {
	return fmt.Appendf(nil, `{"id":%q,"account":%q,"eventType":"update","itemType":"Contact","items":[{"id":"1","data":"%0*d"}]}`, id, account, pad, 0)
}

// publish writes values to a partition of contacts.
func (f *fixture) publish(partition int, values ...[]byte) {
	f.Helper()
	records := make([]bus.Record, len(values))
	for i, v := range values {
		records[i] = bus.Record{Topic: contacts, Partition: partition, Key: []byte(strconv.Itoa(i)), Value: v}
	}
	require.NoError(f, f.producer.ProduceSync(context.Background(), records...))
}

// reader polls a whole topic.
func (f *fixture) reader(topic string) *bus.Fetcher {
	f.Helper()
	fetcher := f.client.NewFetcher(bus.FetcherConfig{})
	f.Cleanup(fetcher.Close)
	for p := range partitions {
		fetcher.Add(topic, p, bus.FirstOffset)
	}
	return fetcher
}

// next gives the records of the next batch.
func (f *fixture) next(reader *bus.Fetcher) []bus.Record {
	f.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	batch, err := reader.Poll(ctx)
	require.NoError(f, err, "nothing came")
	return batch.Records
}

// awaitDelivered reads deliveries until all the events have come, and gives how
// often each did.
func (f *fixture) awaitDelivered(reader *bus.Fetcher, events ...string) map[string]int {
	f.Helper()
	missing := make(map[string]bool, len(events))
	for _, id := range events {
		missing[id] = true
	}
	seen := map[string]int{}
	for len(missing) > 0 {
		for _, r := range f.next(reader) {
			var b deliveryv1.Bundle
			require.NoError(f, proto.Unmarshal(r.Value, &b))
			seen[b.Change.Event.Id]++
			delete(missing, b.Change.Event.Id)
		}
	}
	return seen
}

// metric is the sum of a metric's series.
func (f *fixture) metric(name string) (sum float64) {
	f.Helper()
	families, err := f.metrics.Gather()
	require.NoError(f, err)
	for _, family := range families {
		if family.GetName() == name {
			for _, m := range family.GetMetric() {
				sum += m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
	}
	return sum
}

// committed reports whether the group has everything behind it.
func (f *fixture) committed() bool {
	shown, err := f.client.CommittedOffsets(context.Background(), router.Group, []string{contacts})
	require.NoError(f, err)
	ends, err := f.client.EndOffsets(context.Background(), contacts)
	require.NoError(f, err)
	for p, end := range ends {
		if shown[contacts][p].Offset != end && end > 0 {
			return false
		}
	}
	return true
}
