package bus_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
)

// counting counts the requests of a kind that are answered by the cluster.
func counting[Q kmsg.Request](c *kfake.Cluster) (count func() int) {
	never, asked := times(-1)
	var kind Q
	c.ControlKey(kind.Key(), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		never()
		return nil, nil, false
	})
	return func() int { return int(asked.Load()) }
}

func TestWhatLingersGoesTogether(t *testing.T) {
	t.Parallel()
	c, client := cluster(t, 1)
	topic := topic(t, client, 4)
	requests := counting[*kmsg.ProduceRequest](c)
	p := producer(t, client, bus.ProducerConfig{Linger: 50 * time.Millisecond})
	ctx := patient(t)
	written := make(chan error, 100)
	for i := range cap(written) {
		require.NoError(t, p.Produce(ctx, bus.Record{Topic: topic, Partition: i % 4, Value: []byte("x")},
			func(_ hook.Coordinates, err error) { written <- err }))
	}
	for range cap(written) {
		require.NoError(t, <-written)
	}
	require.Equal(t, 1, requests(), "one request for four partitions")
	// What comes later lingers by itself.
	require.NoError(t, p.ProduceSync(ctx, bus.Record{Topic: topic, Value: []byte("y")}))
	require.Equal(t, 2, requests())
}

func TestCloseSendsWhatLingers(t *testing.T) {
	t.Parallel()
	_, client := cluster(t, 1)
	topic := topic(t, client, 1)
	p := client.NewProducer(bus.ProducerConfig{Linger: time.Hour})
	ctx := patient(t)
	written := make(chan error, 1)
	require.NoError(t, p.Produce(ctx, bus.Record{Topic: topic, Value: []byte("x")},
		func(_ hook.Coordinates, err error) { written <- err }))
	require.NoError(t, p.Close(ctx))
	require.NoError(t, <-written)
}

func TestWhoGivesUpAtCloseLosesWhatLingersBehindARequest(t *testing.T) {
	t.Parallel()
	c, client := cluster(t, 1)
	topic := topic(t, client, 1)
	asked := make(chan struct{}, 1)
	answerWith(c, func(*kmsg.ProduceRequest, *kmsg.ProduceResponse) bool {
		asked <- struct{}{}
		c.SleepControl(func() { <-t.Context().Done() })
		return false
	})
	p := client.NewProducer(bus.ProducerConfig{Linger: time.Millisecond})
	written := make(chan error, 2)
	done := func(_ hook.Coordinates, err error) { written <- err }
	require.NoError(t, p.Produce(patient(t), bus.Record{Topic: topic, Value: []byte("x")}, done))
	<-asked
	require.NoError(t, p.Produce(patient(t), bus.Record{Topic: topic, Value: []byte("y")}, done))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, p.Close(ctx), context.Canceled)
	require.ErrorIs(t, <-written, bus.ErrClosed)
	require.ErrorIs(t, <-written, bus.ErrClosed)
}

func TestAFetcherThatRestsAsksSeldom(t *testing.T) {
	t.Parallel()
	c, client := cluster(t, 1)
	topic := topic(t, client, 1)
	p := producer(t, client, bus.ProducerConfig{})
	ctx := patient(t)
	requests := counting[*kmsg.FetchRequest](c)
	// It rests for ever: what is written after the first answer is not asked for.
	f := reader(t, client, bus.FetcherConfig{Rest: time.Hour}, topic, 1)
	require.NoError(t, p.ProduceSync(ctx, bus.Record{Topic: topic, Value: []byte("first")}))
	require.Equal(t, map[int][]string{0: {"first"}}, read(t, f, 1))
	asked := requests()
	for range 20 {
		require.NoError(t, p.ProduceSync(ctx, bus.Record{Topic: topic, Value: []byte("later")}))
	}
	require.Equal(t, asked, requests())
}
