package bus_test

import (
	"context"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
)

// transaction writes values to partition 0 in one transaction of franz-go's.
func transaction(t *testing.T, b broker, topic, id string, end kgo.TransactionEndTry, values ...string) {
	t.Helper()
	ctx := patient(t)
	client, err := kgo.NewClient(kgo.SeedBrokers(b.addr), kgo.TransactionalID(id), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	require.NoError(t, err)
	defer client.Close()
	require.NoError(t, client.BeginTransaction())
	for _, v := range values {
		require.NoError(t, client.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: []byte(v)}).FirstErr())
	}
	require.NoError(t, client.EndTransaction(ctx, end))
}

func TestWhatATransactionTookBackIsSkippedAndCounted(t *testing.T) {
	onEach(t, func(t *testing.T, b broker) {
		client := dial(t, b)
		topic := topic(t, client, 1)
		p := producer(t, client, bus.ProducerConfig{})
		plain := func(v string) {
			require.NoError(t, p.ProduceSync(patient(t), bus.Record{Topic: topic, Value: []byte(v)}))
		}

		plain("before")
		transaction(t, b, topic, name("tx"), kgo.TryCommit, "committed-0", "committed-1")
		transaction(t, b, topic, name("tx"), kgo.TryAbort, "aborted-0", "aborted-1", "aborted-2")
		plain("between")
		same := name("tx") // one producer id, aborted and then committed
		transaction(t, b, topic, same, kgo.TryAbort, "aborted-3")
		transaction(t, b, topic, same, kgo.TryCommit, "committed-2")
		plain("after")

		var control, aborted int
		f := reader(t, client, bus.FetcherConfig{OnSkipped: func(of string, c, a int) {
			require.Equal(t, topic, of)
			control += c
			aborted += a
		}}, topic, 1)
		got := read(t, f, 6)
		require.Equal(t, []string{"before", "committed-0", "committed-1", "between", "committed-2", "after"}, got[0])
		require.Equal(t, 4, control)
		require.Equal(t, 4, aborted)
	})
}

func TestSkippedRecordsAtTheEndAreReportedByTheirPosition(t *testing.T) {
	onEach(t, func(t *testing.T, b broker) {
		client := dial(t, b)
		topic := topic(t, client, 1)
		transaction(t, b, topic, name("tx"), kgo.TryAbort, "aborted")
		f := reader(t, client, bus.FetcherConfig{}, topic, 1)
		var batch bus.Batch
		for batch.Next < 2 { // the record and the marker, maybe one by one
			var err error
			batch, err = f.Poll(patient(t))
			require.NoError(t, err)
			require.Empty(t, batch.Records)
		}
		require.Equal(t, int64(2), batch.Next)
		require.Equal(t, int64(2), batch.HighWatermark)
	})
}

func TestReadingBeginsAtTheOffsetAlsoInTheMiddleOfABatch(t *testing.T) {
	onEach(t, func(t *testing.T, b broker) {
		client := dial(t, b)
		topic := topic(t, client, 1)
		writeAsOneBatch(t, b, topic, 10)
		f := client.NewFetcher(bus.FetcherConfig{})
		defer f.Close()
		f.Add(topic, 0, 7)
		batch, err := f.Poll(patient(t))
		require.NoError(t, err)
		require.Len(t, batch.Records, 3)
		require.Equal(t, int64(7), batch.Records[0].Offset)
		require.Equal(t, "v-7", string(batch.Records[0].Value))
		require.Equal(t, int64(10), batch.Next)
		require.False(t, batch.Reset)
	})
}

// writeAsOneBatch writes v-0, v-1 … to partition 0.
func writeAsOneBatch(t *testing.T, b broker, topic string, n int) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.addr), kgo.ProducerLinger(50*time.Millisecond), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	require.NoError(t, err)
	defer client.Close()
	records := make([]*kgo.Record, n)
	for i, v := range values("v", n) {
		records[i] = &kgo.Record{Topic: topic, Value: []byte(v)}
	}
	require.NoError(t, client.ProduceSync(patient(t), records...).FirstErr())
}

func TestAPartitionIsAddedPausedResumedAndRemovedAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, b broker) {
		client := dial(t, b)
		topic := topic(t, client, 3)
		p := producer(t, client, bus.ProducerConfig{})
		ctx := patient(t)
		write := func(n int, v string) {
			require.NoError(t, p.ProduceSync(ctx, bus.Record{Topic: topic, Partition: n, Value: []byte(v)}))
		}
		// A request that is held for so long must not hold the others up.
		f := client.NewFetcher(bus.FetcherConfig{MaxWait: patience / 2})
		defer f.Close()
		poll := func() (int, string) {
			batch, err := f.Poll(ctx)
			require.NoError(t, err)
			require.Len(t, batch.Records, 1)
			return batch.Partition, string(batch.Records[0].Value)
		}
		quick := func(partition int, v string) {
			t.Helper()
			begin := time.Now()
			n, got := poll()
			require.Equal(t, partition, n)
			require.Equal(t, v, got)
			require.Less(t, time.Since(begin), patience/4)
		}

		f.Add(topic, 0, bus.FirstOffset)
		write(0, "added")
		quick(0, "added")
		f.Add(topic, 1, 0)
		write(1, "added, too")
		quick(1, "added, too")

		f.Add(topic, 2, 0)
		write(2, "a")
		quick(2, "a")
		f.Pause(topic, 0)
		write(1, "not paused")
		quick(1, "not paused")
		f.Resume(topic, 0)
		write(0, "resumed")
		quick(0, "resumed")

		f.Remove(topic, 0)
		write(0, "removed")
		write(1, "stays")
		quick(1, "stays")
		none, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		defer cancel()
		_, err := f.Poll(none)
		require.ErrorIs(t, err, context.DeadlineExceeded)

		f.Add(topic, 0, 2)
		quick(0, "removed")
	})
}

func TestWhatComesForAPausedPartitionComesWhenItIsResumed(t *testing.T) {
	onEach(t, func(t *testing.T, b broker) {
		client := dial(t, b)
		topic := topic(t, client, 2)
		p := producer(t, client, bus.ProducerConfig{})
		f := reader(t, client, bus.FetcherConfig{MaxWait: 10 * time.Millisecond}, topic, 2)
		ctx := patient(t)
		for i := range 10 {
			f.Pause(topic, 0)
			// What was asked for before may still come, but nothing is there.
			none, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
			_, err := f.Poll(none)
			cancel()
			require.ErrorIs(t, err, context.DeadlineExceeded)

			for n := range 2 {
				require.NoError(t, p.ProduceSync(ctx, bus.Record{Topic: topic, Partition: n, Value: fmt.Append(nil, i)}))
			}
			// On a busy machine a request that was made before may still be under way,
			// and brings both.
			got := read(t, f, 1)
			f.Resume(topic, 0)
			if len(got) < 2 {
				maps.Copy(got, read(t, f, 1))
			}
			require.Equal(t, map[int][]string{0: {fmt.Sprint(i)}, 1: {fmt.Sprint(i)}}, got)
		}
	})
}

func TestALargeRecordComesThroughASmallLimit(t *testing.T) {
	onEach(t, func(t *testing.T, b broker) {
		client := dial(t, b)
		topic := topic(t, client, 2)
		p := producer(t, client, bus.ProducerConfig{})
		ctx := patient(t)
		for range 50 {
			for n := range 2 {
				require.NoError(t, p.ProduceSync(ctx, bus.Record{Topic: topic, Partition: n, Value: make([]byte, 50_000)}))
			}
		}
		got := read(t, reader(t, client, bus.FetcherConfig{MaxBytes: 1000, PartitionMaxBytes: 1000}, topic, 2), 100)
		require.Len(t, got[0], 50)
		require.Len(t, got[1], 50)
	})
}

func TestAnOffsetThatExpiredIsResetAndSaidSo(t *testing.T) {
	onEach(t, func(t *testing.T, b broker) {
		client := dial(t, b)
		topic := topic(t, client, 1)
		p := producer(t, client, bus.ProducerConfig{})
		for _, v := range values("v", 5) {
			require.NoError(t, p.ProduceSync(patient(t), bus.Record{Topic: topic, Value: []byte(v)}))
		}
		deleteBefore(t, b, topic, 3)

		starts, err := client.StartOffsets(patient(t), topic)
		require.NoError(t, err)
		require.Equal(t, map[int]int64{0: 3}, starts)

		f := client.NewFetcher(bus.FetcherConfig{})
		defer f.Close()
		f.Add(topic, 0, 1)
		batch, err := f.Poll(patient(t))
		require.NoError(t, err)
		require.True(t, batch.Reset)
		require.Equal(t, int64(3), batch.Records[0].Offset)

		// Beyond the end, as after a topic was made anew: what is there may
		// never have been read.
		f.Add(topic, 0, 100)
		batch, err = f.Poll(patient(t))
		require.NoError(t, err)
		require.True(t, batch.Reset)
		require.Equal(t, int64(3), batch.Records[0].Offset)

		for offset, gone := range map[int64]bool{0: true, 2: true, 3: false, 1000: true} {
			record, err := client.ReadAt(patient(t), hook.Coordinates{Topic: topic, Offset: offset})
			if gone {
				require.ErrorIs(t, err, bus.ErrGone, offset)
			} else {
				require.NoError(t, err)
				require.Equal(t, fmt.Sprint("v-", offset), string(record.Value))
			}
		}
	})
}

// deleteBefore drops the records of partition 0 below an offset, as retention
// does.
func deleteBefore(t *testing.T, b broker, topic string, offset int64) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.addr))
	require.NoError(t, err)
	defer client.Close()
	require.NoError(t, deleteRecords(patient(t), client, topic, offset))
}

func TestReadAtReadsOneRecordAlsoInTheMiddleOfABatch(t *testing.T) {
	onEach(t, func(t *testing.T, b broker) {
		client := dial(t, b)
		topic := topic(t, client, 1)
		writeAsOneBatch(t, b, topic, 10)
		for _, offset := range []int64{0, 4, 9} {
			record, err := client.ReadAt(patient(t), hook.Coordinates{Topic: topic, Offset: offset})
			require.NoError(t, err)
			require.Equal(t, offset, record.Offset)
			require.Equal(t, fmt.Sprint("v-", offset), string(record.Value))
		}
		transaction(t, b, topic, name("tx"), kgo.TryAbort, "aborted")
		_, err := client.ReadAt(patient(t), hook.Coordinates{Topic: topic, Offset: 10})
		require.ErrorIs(t, err, bus.ErrGone, "of an aborted transaction")
		_, err = client.ReadAt(patient(t), hook.Coordinates{Topic: topic, Partition: 1})
		require.ErrorIs(t, err, bus.ErrNoTopic)
	})
}

func TestAClosedFetcherSaysSo(t *testing.T) {
	onEach(t, func(t *testing.T, b broker) {
		client := dial(t, b)
		f := client.NewFetcher(bus.FetcherConfig{})
		polled := make(chan error, 1)
		go func() {
			_, err := f.Poll(context.Background())
			polled <- err
		}()
		f.Close()
		require.ErrorIs(t, <-polled, bus.ErrClosed)
	})
}
