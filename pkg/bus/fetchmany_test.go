package bus_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/bus"
)

// A fetcher of smallBuffer stops fetching when it has one of the records that
// fill writes.
var smallBuffer = bus.FetcherConfig{MaxBytes: 1000, PartitionMaxBytes: 1000}

// fill writes records that are larger than a small buffer, one to a batch.
func fill(t *testing.T, client *bus.Client, topic string, partitions, each int) {
	t.Helper()
	p := producer(t, client, bus.ProducerConfig{MaxBatchBytes: 1})
	for n := range partitions {
		all := slices.Repeat([]bus.Record{{Topic: topic, Partition: n, Value: make([]byte, 5000)}}, each)
		require.NoError(t, p.ProduceSync(patient(t), all...))
	}
}

// meanwhile takes as long as a few questions to the brokers, so that what the
// fetcher has under way arrives.
func meanwhile(t *testing.T, client *bus.Client, topic string) {
	t.Helper()
	for range 5 {
		_, err := client.EndOffsets(patient(t), topic)
		require.NoError(t, err)
	}
}

func TestABrokerThatFoundTheBufferFullIsAskedWhenAnothersBatchIsTaken(t *testing.T) {
	t.Parallel()
	const partitions, each = 4, 5 // two on each broker
	_, client := cluster(t, 2)
	topic := topic(t, client, partitions)
	fill(t, client, topic, partitions, each)
	for range 10 {
		f := client.NewFetcher(smallBuffer)
		for n := range partitions {
			f.Add(topic, n, 0)
			meanwhile(t, client, topic) // the first ones fill the buffer
		}
		got := read(t, f, partitions*each)
		require.Len(t, got, partitions)
		f.Close()
	}
}

func TestABrokerThatFoundTheBufferFullIsAskedWhenAPartitionIsRemoved(t *testing.T) {
	t.Parallel()
	_, client := cluster(t, 2)
	full, other := topic(t, client, 1), topic(t, client, 2)
	fill(t, client, full, 1, 5)
	fill(t, client, other, 2, 1)
	f := client.NewFetcher(smallBuffer)
	defer f.Close()
	f.Add(full, 0, 0)
	meanwhile(t, client, full)
	for n := range 2 {
		f.Add(other, n, 0)
	}
	meanwhile(t, client, other)
	f.Remove(full, 0)
	got := read(t, f, 2)
	require.Len(t, got, 2)
}
