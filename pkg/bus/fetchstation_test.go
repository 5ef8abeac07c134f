package bus_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/bus"
)

func TestPartitionsThatComeOneByOneAreAllFetchedAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, b broker) {
		client := dial(t, b)
		const partitions = 12
		topic := topic(t, client, partitions)
		p := producer(t, client, bus.ProducerConfig{})
		ctx := patient(t)
		// Each finds more requests under way, which are held for long, than
		// there may be.
		f := client.NewFetcher(bus.FetcherConfig{MaxWait: patience})
		defer f.Close()
		for n := range partitions {
			f.Add(topic, n, 0)
			require.NoError(t, p.ProduceSync(ctx, bus.Record{Topic: topic, Partition: n, Value: []byte("first")}))
			require.Equal(t, map[int][]string{n: {"first"}}, read(t, f, 1))
		}
		for i := range 3 * partitions {
			n := i % partitions
			f.Pause(topic, n)
			f.Resume(topic, n)
			value := fmt.Sprint("again-", i)
			require.NoError(t, p.ProduceSync(ctx, bus.Record{Topic: topic, Partition: n, Value: []byte(value)}))
			require.Equal(t, map[int][]string{n: {value}}, read(t, f, 1))
		}
	})
}

func TestRecordsComeOnceAndInOrderHoweverOftenPartitionsArePaused(t *testing.T) {
	onEach(t, func(t *testing.T, b broker) {
		client := dial(t, b)
		const partitions, each = 8, 500
		topic := topic(t, client, partitions)
		f := reader(t, client, bus.FetcherConfig{MaxWait: 20 * time.Millisecond, PartitionMaxBytes: 1000}, topic, partitions)
		p := producer(t, client, bus.ProducerConfig{MaxBatchBytes: 500})
		ctx := patient(t)
		for i := range each {
			for n := range partitions {
				require.NoError(t, p.Produce(ctx, bus.Record{Topic: topic, Partition: n, Value: fmt.Append(nil, i)}, nil))
			}
		}
		next := make(map[int]int64)
		for left := partitions * each; left > 0; {
			batch, err := f.Poll(ctx)
			require.NoError(t, err)
			for i := range batch.Records {
				require.Equal(t, next[batch.Partition], batch.Records[i].Offset)
				next[batch.Partition]++
			}
			left -= len(batch.Records)
			f.Pause(topic, batch.Partition)
			f.Pause(topic, (batch.Partition+1)%partitions)
			f.Resume(topic, batch.Partition)
			f.Resume(topic, (batch.Partition+1)%partitions)
		}
	})
}
