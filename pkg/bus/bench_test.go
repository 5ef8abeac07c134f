package bus_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
)

// benchBroker is the real one where STAFFETTA_TEST_KAFKA names it.
func benchBroker(b *testing.B) broker {
	if addr := os.Getenv("STAFFETTA_TEST_KAFKA"); addr != "" {
		return broker{addr: addr}
	}
	return broker{addr: embeddedKafka(b).Addr()}
}

const benchPartitions = 8

// BenchmarkProduce writes records of 300 bytes to 8 partitions as fast as they
// go.
func BenchmarkProduce(b *testing.B) {
	client := dial(b, benchBroker(b))
	topic := topic(b, client, benchPartitions)
	p := client.NewProducer(bus.ProducerConfig{})
	value := make([]byte, 300)
	b.SetBytes(int64(len(value)))
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		r := bus.Record{Topic: topic, Partition: i % benchPartitions, Value: value}
		require.NoError(b, p.Produce(context.Background(), r, func(_ hook.Coordinates, err error) {
			if err != nil {
				b.Error(err)
			}
		}))
		i++
	}
	require.NoError(b, p.Close(context.Background()))
}

// BenchmarkProduceSync is the latency of one record when nothing else goes on.
func BenchmarkProduceSync(b *testing.B) {
	client := dial(b, benchBroker(b))
	topic := topic(b, client, benchPartitions)
	p := client.NewProducer(bus.ProducerConfig{})
	value := make([]byte, 300)
	for b.Loop() {
		require.NoError(b, p.ProduceSync(context.Background(), bus.Record{Topic: topic, Value: value}))
	}
	require.NoError(b, p.Close(context.Background()))
}

// BenchmarkFetch reads records of 300 bytes of 8 partitions.
func BenchmarkFetch(b *testing.B) {
	client := dial(b, benchBroker(b))
	topic := topic(b, client, benchPartitions)
	p := client.NewProducer(bus.ProducerConfig{MaxBatchBytes: 64 << 10})
	value := make([]byte, 300)
	const written = 200_000
	for i := range written {
		require.NoError(b, p.Produce(context.Background(), bus.Record{Topic: topic, Partition: i % benchPartitions, Value: value}, nil))
	}
	require.NoError(b, p.Close(context.Background()))

	f := client.NewFetcher(bus.FetcherConfig{})
	defer f.Close()
	b.SetBytes(int64(len(value)))
	b.ReportAllocs()
	left := 0 // of what was written
	ready := 0
	for b.Loop() {
		if left == 0 {
			for n := range benchPartitions {
				f.Add(topic, n, bus.FirstOffset)
			}
			left = written
		}
		for ready == 0 {
			batch, err := f.Poll(context.Background())
			require.NoError(b, err)
			ready = len(batch.Records)
		}
		ready--
		left--
	}
}

// BenchmarkRoundTrip is the time from Produce to Poll of one record when
// nothing else goes on.
func BenchmarkRoundTrip(b *testing.B) {
	client := dial(b, benchBroker(b))
	topic := topic(b, client, benchPartitions)
	p := client.NewProducer(bus.ProducerConfig{})
	f := reader(b, client, bus.FetcherConfig{}, topic, benchPartitions)
	i := 0
	for b.Loop() {
		require.NoError(b, p.Produce(context.Background(), bus.Record{Topic: topic, Partition: i % benchPartitions}, nil))
		batch, err := f.Poll(context.Background())
		require.NoError(b, err)
		require.Len(b, batch.Records, 1)
		i++
	}
	require.NoError(b, p.Close(context.Background()))
}

// BenchmarkRoundTripAmongQuiet is BenchmarkRoundTrip for a fetcher that reads
// as many partitions beside it as a sender does: eleven topics of 32, ten of
// them quiet.
func BenchmarkRoundTripAmongQuiet(b *testing.B) {
	client := dial(b, benchBroker(b))
	const partitions, quiet = 32, 10
	p := client.NewProducer(bus.ProducerConfig{})
	busy := topic(b, client, partitions)
	f := reader(b, client, bus.FetcherConfig{}, busy, partitions)
	for range quiet {
		tier := topic(b, client, partitions)
		for n := range partitions {
			f.Add(tier, n, bus.FirstOffset)
		}
	}
	once := func(i int) {
		require.NoError(b, p.Produce(context.Background(), bus.Record{Topic: busy, Partition: i % partitions}, nil))
		batch, err := f.Poll(context.Background())
		require.NoError(b, err)
		require.Len(b, batch.Records, 1)
	}
	// Until it is known which are quiet.
	i := 0
	for begin := time.Now(); time.Since(begin) < 6*time.Second; i++ {
		once(i)
	}
	b.ReportAllocs()
	for b.Loop() {
		once(i)
		i++
	}
	require.NoError(b, p.Close(context.Background()))
}

// BenchmarkOneBusyPartition reads one partition of 8, which is paused and
// resumed for each batch, as a sender does whose inbox is full: per batch of at
// most 256 KiB.
func BenchmarkOneBusyPartition(b *testing.B) {
	client := dial(b, benchBroker(b))
	topic := topic(b, client, benchPartitions)
	p := client.NewProducer(bus.ProducerConfig{MaxBatchBytes: 64 << 10})
	value := make([]byte, 300)
	for range 200_000 {
		require.NoError(b, p.Produce(context.Background(), bus.Record{Topic: topic, Value: value}, nil))
	}
	require.NoError(b, p.Close(context.Background()))
	f := reader(b, client, bus.FetcherConfig{PartitionMaxBytes: 256 << 10}, topic, benchPartitions)
	b.ReportAllocs()
	for b.Loop() {
		batch, err := f.Poll(context.Background())
		require.NoError(b, err)
		if batch.Next == batch.HighWatermark {
			f.Add(topic, 0, bus.FirstOffset)
			continue
		}
		f.Pause(topic, 0)
		f.Resume(topic, 0)
	}
}
