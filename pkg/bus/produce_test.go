package bus_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
)

// zapLevel of what tests log: what is tried again is of use when one fails.
const zapLevel = zap.WarnLevel

func TestRecordsComeBackInOrderOverPartitionsAndBatches(t *testing.T) {
	onEach(t, func(t *testing.T, b broker) {
		client := dial(t, b)
		const partitions, each = 8, 500
		topic := topic(t, client, partitions)
		// Small batches, and a small fetch, so that there are many of both.
		p := producer(t, client, bus.ProducerConfig{MaxBatchBytes: 4 << 10})
		ctx := patient(t)

		type ack struct {
			partition int
			offset    int64
		}
		acks := make(chan ack, partitions*each)
		for i := range each {
			for n := range partitions {
				r := bus.Record{Topic: topic, Partition: n, Value: fmt.Appendf(nil, "p%d-%d", n, i)}
				require.NoError(t, p.Produce(ctx, r, func(at hook.Coordinates, err error) {
					if err == nil {
						acks <- ack{at.Partition, at.Offset}
					}
				}))
			}
		}
		require.NoError(t, p.Close(ctx))
		close(acks)
		next := make(map[int]int64)
		for a := range acks {
			require.Equal(t, next[a.partition], a.offset, "acknowledged in order")
			next[a.partition]++
		}

		got := read(t, reader(t, client, bus.FetcherConfig{MaxBytes: 8 << 10, PartitionMaxBytes: 2 << 10}, topic, partitions), partitions*each)
		for n := range partitions {
			require.Equal(t, values(fmt.Sprint("p", n), each), got[n])
		}
	})
}

func TestARecordKeepsEverythingItHas(t *testing.T) {
	onEach(t, func(t *testing.T, b broker) {
		client := dial(t, b)
		for _, compression := range []bus.Compression{bus.Uncompressed, bus.Gzip, bus.Snappy, bus.LZ4, bus.Zstd} {
			topic := topic(t, client, 1)
			p := producer(t, client, bus.ProducerConfig{Compression: compression})
			sent := []bus.Record{
				{Key: []byte("key"), Value: []byte(strings.Repeat("value", 1000)), Headers: []bus.Header{{"a", []byte("1")}, {"b", nil}, {"a", []byte{}}}},
				{Key: []byte{}, Value: []byte{}},
				{Key: nil, Value: nil},
			}
			for i := range sent {
				sent[i].Topic = topic
			}
			require.NoError(t, p.ProduceSync(patient(t), sent...))

			f := reader(t, client, bus.FetcherConfig{}, topic, 1)
			var got []bus.Record
			for len(got) < len(sent) {
				batch, err := f.Poll(patient(t))
				require.NoError(t, err)
				got = append(got, batch.Records...)
			}
			for i := range sent {
				require.Equal(t, sent[i].Key, got[i].Key)
				require.Equal(t, sent[i].Value, got[i].Value)
				require.Equal(t, sent[i].Headers, got[i].Headers)
				require.Equal(t, hook.Coordinates{Topic: topic, Offset: int64(i)}, got[i].At())
			}
			last, ok := got[0].Header("a")
			require.True(t, ok)
			require.Empty(t, last, "of two headers the last one counts")
		}
	})
}

func TestTheBrokersClockCountsNotTheProducers(t *testing.T) {
	onEach(t, func(t *testing.T, b broker) {
		client := dial(t, b)
		topic := topic(t, client, 1)
		p := producer(t, client, bus.ProducerConfig{})
		before := time.Now().Add(-time.Second)
		require.NoError(t, p.ProduceSync(patient(t), bus.Record{Topic: topic, Time: time.Unix(1, 0), Value: []byte("from the past")}))
		record, err := client.ReadAt(patient(t), hook.Coordinates{Topic: topic})
		require.NoError(t, err)
		require.WithinRange(t, record.Time, before, time.Now().Add(time.Second))
	})
}

func TestAKeyGoesWhereJavaClientsPutIt(t *testing.T) {
	t.Parallel()
	// From org.apache.kafka.common.utils.UtilsTest, testMurmur2, as
	// (hash & 0x7fffffff) % 1000.
	for key, hash := range map[string]int32{
		"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536,
		"a-little-bit-longer-string": -1486304829, "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971, "abc": 479470107,
	} {
		require.Equal(t, int(hash&0x7fffffff)%1000, bus.PartitionOf([]byte(key), 1000), key)
	}
}

func TestWithoutAPartitionTheKeyDecidesElseInTurn(t *testing.T) {
	onEach(t, func(t *testing.T, b broker) {
		client := dial(t, b)
		topic := topic(t, client, 4)
		p := producer(t, client, bus.ProducerConfig{})
		ctx := patient(t)
		var keyed, keyless []bus.Record
		for i := range 8 {
			keyed = append(keyed, bus.Record{Topic: topic, Partition: bus.AnyPartition, Key: []byte("acme/Contact"), Value: fmt.Append(nil, i)})
			keyless = append(keyless, bus.Record{Topic: topic, Partition: bus.AnyPartition, Value: fmt.Append(nil, i)})
		}
		require.NoError(t, p.ProduceSync(ctx, keyed...))
		ends, err := client.EndOffsets(ctx, topic)
		require.NoError(t, err)
		require.Equal(t, int64(8), ends[bus.PartitionOf([]byte("acme/Contact"), 4)])

		require.NoError(t, p.ProduceSync(ctx, keyless...))
		after, err := client.EndOffsets(ctx, topic)
		require.NoError(t, err)
		for n := range 4 {
			require.Equal(t, ends[n]+2, after[n], "two of eight")
		}
	})
}

func TestATooLargeRecordFailsAlone(t *testing.T) {
	onEach(t, func(t *testing.T, b broker) {
		client := dial(t, b)
		topic := topicOf(t, client, 1, 100_000)
		p := producer(t, client, bus.ProducerConfig{})
		ctx := patient(t)

		var order []int
		fates := make(map[int]error)
		for i := range 20 {
			r := bus.Record{Topic: topic, Value: []byte("small")}
			if i == 7 {
				r.Value = make([]byte, 120_000)
			}
			require.NoError(t, p.Produce(ctx, r, func(_ hook.Coordinates, err error) {
				order = append(order, i)
				fates[i] = err
			}))
		}
		require.NoError(t, p.Close(ctx))
		require.IsIncreasing(t, order)
		for i := range 20 {
			if i == 7 {
				require.ErrorIs(t, fates[i], bus.ErrTooLarge)
			} else {
				require.NoError(t, fates[i])
			}
		}
		ends, err := client.EndOffsets(ctx, topic)
		require.NoError(t, err)
		require.Equal(t, int64(19), ends[0])
	})
}

func TestBatchesAreMadeSmallerForATopicThatTakesLess(t *testing.T) {
	onEach(t, func(t *testing.T, b broker) {
		client := dial(t, b)
		topic := topicOf(t, client, 1, 10_000)
		p := producer(t, client, bus.ProducerConfig{})
		all := make([]bus.Record, 1000)
		for i, v := range values("v", len(all)) {
			all[i] = bus.Record{Topic: topic, Value: []byte(v), Headers: []bus.Header{{Key: "filler", Value: make([]byte, 300)}}}
		}
		require.NoError(t, p.ProduceSync(patient(t), all...))
		require.Equal(t, values("v", len(all)), read(t, reader(t, client, bus.FetcherConfig{}, topic, 1), len(all))[0])
	})
}

func TestABrokerThatRestartsInTheMiddleLosesNothing(t *testing.T) {
	onEach(t, func(t *testing.T, b broker) {
		if b.restart == nil {
			t.Skip("not ours to restart")
		}
		client := dial(t, b)
		const partitions, each = 4, 2000
		topic := topic(t, client, partitions)
		p := producer(t, client, bus.ProducerConfig{MaxBatchBytes: 4 << 10})
		f := reader(t, client, bus.FetcherConfig{}, topic, partitions)
		ctx := patient(t)

		var acked atomic.Int32
		for i := range each {
			if i > 0 && i%(each/10) == 0 {
				// While requests are under way again, and the reader goes on.
				before := acked.Load()
				require.Eventually(t, func() bool { n := acked.Load(); return n > before || n == int32(i*partitions) }, patience, time.Millisecond/10)
				require.NoError(t, b.restart())
			}
			for n := range partitions {
				r := bus.Record{Topic: topic, Partition: n, Value: fmt.Append(nil, i)}
				require.NoError(t, p.Produce(ctx, r, func(_ hook.Coordinates, err error) {
					if err == nil {
						acked.Add(1)
					}
				}))
			}
		}
		require.NoError(t, p.Close(ctx))
		require.EqualValues(t, partitions*each, acked.Load())

		// A write may be doubled, but nothing is missing, and what comes for
		// the first time comes in order.
		next := make(map[int]int)
		for missing := partitions * each; missing > 0; {
			batch, err := f.Poll(ctx)
			require.NoError(t, err)
			for i := range batch.Records {
				var v int
				_, err := fmt.Sscan(string(batch.Records[i].Value), &v)
				require.NoError(t, err)
				require.LessOrEqual(t, v, next[batch.Partition], "none was left out")
				if v == next[batch.Partition] {
					next[batch.Partition]++
					missing--
				}
			}
		}
	})
}

func TestProduceWaitsForRoomInTheBuffer(t *testing.T) {
	t.Parallel()
	kafka := embeddedKafka(t)
	client := dial(t, broker{addr: kafka.Addr()})
	topic := topic(t, client, 1)
	p := producer(t, client, bus.ProducerConfig{MaxBufferedBytes: 1000})
	require.NoError(t, p.ProduceSync(patient(t), bus.Record{Topic: topic}))
	kafka.Close()

	done := make(chan error, 1)
	first := bus.Record{Topic: topic, Value: make([]byte, 900)}
	require.NoError(t, p.Produce(patient(t), first, func(_ hook.Coordinates, err error) { done <- err }))
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, p.Produce(ctx, first, nil), context.DeadlineExceeded)

	require.NoError(t, kafka.Restart())
	require.NoError(t, p.ProduceSync(patient(t), first), "there is room again")
	require.NoError(t, <-done)
}

func TestAClosedProducerAnswersForEverything(t *testing.T) {
	t.Parallel()
	kafka := embeddedKafka(t)
	client := dial(t, broker{addr: kafka.Addr()})
	topic := topic(t, client, 1)
	p := producer(t, client, bus.ProducerConfig{})
	require.NoError(t, p.ProduceSync(patient(t), bus.Record{Topic: topic}))
	kafka.Close()

	var fates []error
	for range 10 {
		require.NoError(t, p.Produce(patient(t), bus.Record{Topic: topic}, func(_ hook.Coordinates, err error) { fates = append(fates, err) }))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, p.Close(ctx), context.DeadlineExceeded)
	require.Len(t, fates, 10)
	for _, err := range fates {
		require.ErrorIs(t, err, bus.ErrClosed)
	}
	require.ErrorIs(t, p.Produce(patient(t), bus.Record{Topic: topic}, nil), bus.ErrClosed)
}

func TestATopicThatIsNotThereIsAnErrorAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, b broker) {
		client := dial(t, b)
		ctx := patient(t)
		p := producer(t, client, bus.ProducerConfig{})
		require.ErrorIs(t, p.Produce(ctx, bus.Record{Topic: name("nowhere")}, nil), bus.ErrNoTopic)
		_, err := client.Partitions(ctx, name("nowhere"))
		require.ErrorIs(t, err, bus.ErrNoTopic)
		_, err = client.EndOffsets(ctx, name("nowhere"))
		require.ErrorIs(t, err, bus.ErrNoTopic)

		topic := topic(t, client, 2)
		require.ErrorIs(t, p.Produce(ctx, bus.Record{Topic: topic, Partition: 2}, nil), bus.ErrNoTopic)
	})
}

func TestDialNamesEveryFault(t *testing.T) {
	t.Parallel()
	_, err := bus.Dial(bus.Config{Brokers: []string{"kafka:9092", "kafka", ":9092"}})
	var invalid hook.Invalid
	require.True(t, errors.As(err, &invalid))
	require.Len(t, invalid, 2)
	_, err = bus.Dial(bus.Config{})
	require.ErrorAs(t, err, &invalid)
}

func TestPingTellsWhetherABrokerAnswers(t *testing.T) {
	t.Parallel()
	kafka := embeddedKafka(t)
	client := dial(t, broker{addr: kafka.Addr()})
	require.NoError(t, client.Ping(patient(t)))
	kafka.Close()
	require.Error(t, client.Ping(patient(t)))
	require.NoError(t, kafka.Restart())
	// A connection from before may be tried once more.
	require.Eventually(t, func() bool { return client.Ping(patient(t)) == nil }, patience, time.Millisecond)
}
