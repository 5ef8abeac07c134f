package sender_test

import (
	"context"
	"crypto/rand"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/retry"
	deliveryv1 "github.com/staffetta/staffetta/proto/staffetta/delivery/v1"
	"github.com/staffetta/staffetta/services/sender"
)

// pollEvery is how often what has no signal is looked at.
const pollEvery = 20 * time.Millisecond

// on lets a webhook live on a partition.
func (w *world) on(partition int) func(*hook.Webhook) {
	return func(h *hook.Webhook) {
		for w.partition(h.ID) != partition {
			h.ID = "wh_" + rand.Text()
		}
	}
}

// burst publishes n events for a webhook in one go.
func (w *world) burst(n int, h hook.Webhook) (deliveries []string) {
	w.t.Helper()
	records := make([]bus.Record, n)
	for i := range records {
		event := "evt_" + rand.Text()
		records[i] = w.bundle(event, h.ID)
		deliveries = append(deliveries, hook.DeliveryID(event, h.ID, -1))
	}
	w.produce(records...)
	return deliveries
}

// bundle is an event for webhooks of one partition.
func (w *world) bundle(event string, webhooks ...string) bus.Record {
	w.t.Helper()
	value, err := proto.Marshal(&deliveryv1.Bundle{Change: codec.ToChange(w.event(event)), Webhooks: webhooks})
	require.NoError(w.t, err)
	return bus.Record{Topic: bus.Deliveries, Partition: w.partition(webhooks[0]), Key: []byte(w.account), Value: value}
}

// waits is a wish: the last record says that the delivery is tried again.
func waits(got []hook.Attempt) bool { return len(got) > 0 && got[len(got)-1].Fate == hook.FateRetrying }

// commits waits until a partition was committed so many times more.
func (w *world) commits(times, partition int) (last bus.Committed) {
	w.t.Helper()
	last = w.committed(partition)
	for range times {
		before := last.At
		require.Eventually(w.t, func() bool {
			last = w.committed(partition)
			return last.At.After(before)
		}, within, pollEvery)
	}
	return last
}

func (w *world) committed(partition int) bus.Committed {
	w.t.Helper()
	all, err := w.bus.CommittedOffsets(w.t.Context(), sender.Group, []string{bus.Deliveries})
	require.NoError(w.t, err)
	return all[bus.Deliveries][partition]
}

// tail is what was written to topics since it was made.
type tail struct {
	w    *world
	from map[string]map[int]int64
}

func (w *world) tail(topics ...string) *tail {
	w.t.Helper()
	t := &tail{w: w, from: map[string]map[int]int64{}}
	for _, topic := range topics {
		ends, err := w.bus.EndOffsets(w.t.Context(), topic)
		require.NoError(w.t, err)
		t.from[topic] = ends
	}
	return t
}

// tiers are all of them.
func (w *world) tiers() *tail {
	w.t.Helper()
	var topics []string
	for _, tier := range retry.Tiers {
		topics = append(topics, tier.Topic)
	}
	return w.tail(topics...)
}

// records returns what there is by now.
func (t *tail) records() (found []bus.Record) {
	t.w.t.Helper()
	ctx, cancel := context.WithTimeout(t.w.t.Context(), within)
	defer cancel()
	fetcher := t.w.bus.NewFetcher(bus.FetcherConfig{MaxWait: 20 * time.Millisecond})
	defer fetcher.Close()
	left := 0
	ends := map[string]map[int]int64{}
	for topic, from := range t.from {
		now, err := t.w.bus.EndOffsets(ctx, topic)
		require.NoError(t.w.t, err)
		ends[topic] = now
		for p, start := range from {
			if start < now[p] {
				fetcher.Add(topic, p, start)
				left++
			}
		}
	}
	for left > 0 {
		batch, err := fetcher.Poll(ctx)
		require.NoError(t.w.t, err)
		found = append(found, batch.Records...)
		if end := ends[batch.Topic][batch.Partition]; batch.Next >= end && end > 0 {
			fetcher.Remove(batch.Topic, batch.Partition)
			ends[batch.Topic][batch.Partition] = 0
			left--
		}
	}
	return found
}

// tasks are a delivery's records in the tiers, by step.
func (t *tail) tasks(delivery string) (tasks []*deliveryv1.Task) {
	t.w.t.Helper()
	for _, r := range t.records() {
		var task deliveryv1.Task
		require.NoError(t.w.t, proto.Unmarshal(r.Value, &task))
		if task.GetDelivery() == delivery {
			tasks = append(tasks, &task)
		}
	}
	slices.SortFunc(tasks, func(a, b *deliveryv1.Task) int { return int(a.GetStep() - b.GetStep()) })
	return tasks
}

// requireOneTaskOfEachStep says that nothing was parked twice.
func requireOneTaskOfEachStep(t *testing.T, tasks []*deliveryv1.Task) {
	t.Helper()
	for i, task := range tasks {
		require.Equal(t, i+1, int(task.GetStep()), "a step of a task is written to a tier once, and the next is one more")
	}
}

// inside is a sender in the test's own process, where it can be looked into.
type inside struct {
	service *sender.Service
	metrics *prometheus.Registry
	logs    *observer.ObservedLogs
}

// run starts one; change, unless nil, changes how it is set up.
func (w *world) run(change func(*sender.Config)) *inside {
	w.t.Helper()
	in := &inside{metrics: prometheus.NewRegistry()}
	core, logs := observer.New(zap.InfoLevel)
	in.logs = logs
	log := zap.New(core)
	client, err := bus.Dial(bus.Config{Brokers: []string{w.brokers}, SessionTimeout: w.session, Log: log})
	require.NoError(w.t, err)
	cfg := senderConfig(client, log, w.partitions, w.webhooks)
	cfg.Metrics = in.metrics
	if change != nil {
		change(&cfg)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	in.service = sender.New(cfg)
	go func() { ended <- in.service.Run(ctx) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Errorf("the sender ended with an error: %v", err)
		}
		client.Close()
		if w.t.Failed() {
			entries := logs.All()
			for _, e := range entries[max(0, len(entries)-60):] {
				w.t.Log(e.Level, e.Message, e.ContextMap())
			}
		}
	})
	return in
}

// metric is the sum of a counter or gauge.
func (in *inside) metric(t *testing.T, name string) (sum float64) {
	t.Helper()
	families, err := in.metrics.Gather()
	require.NoError(t, err)
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, m := range family.GetMetric() {
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
		return sum
	}
	require.Fail(t, "there is no such metric", name)
	return 0
}
