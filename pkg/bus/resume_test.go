package bus_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/staffetta/staffetta/pkg/bus"
)

// onClocks is onEach with a broker that keeps the times that producers give,
// where a topic says so; the embedded one does not.
func onClocks(t *testing.T, test func(t *testing.T, b broker)) {
	t.Helper()
	t.Parallel()
	t.Run("cluster", func(t *testing.T) {
		t.Parallel()
		c, _ := cluster(t, 1)
		test(t, broker{addr: c.ListenAddrs()[0]})
	})
	t.Run("real", func(t *testing.T) {
		t.Parallel()
		test(t, realKafka(t))
	})
}

// writeAged writes records that are so old to partition 0 of a topic, oldest
// first, as if that much time had passed since.
func writeAged(t *testing.T, b broker, topic string, ages ...time.Duration) {
	t.Helper()
	setTo(t, b, topic, "message.timestamp.type", "CreateTime")
	client, err := kgo.NewClient(kgo.SeedBrokers(b.addr), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	require.NoError(t, err)
	defer client.Close()
	for _, age := range ages {
		r := &kgo.Record{Topic: topic, Value: []byte(age.String()), Timestamp: time.Now().Add(-age)}
		require.NoError(t, client.ProduceSync(patient(t), r).FirstErr())
	}
}

func TestAPositionBeyondTheEndGoesOnWithWhatMayBeUnread(t *testing.T) {
	onClocks(t, func(t *testing.T, b broker) {
		client := dial(t, b)
		for name, c := range map[string]struct {
			since time.Time
			next  int64
		}{
			"all of a topic that was made anew":               {time.Now().Add(-20 * time.Hour), 0},
			"all if it is not known when the position was so": {time.Time{}, 0},
			"the last minutes of a log that lost its end":     {time.Now(), 2},
		} {
			t.Run(name, func(t *testing.T) {
				topic := topic(t, client, 1)
				writeAged(t, b, topic, 10*time.Hour, time.Hour, 2*time.Minute, time.Minute)
				f := client.NewFetcher(bus.FetcherConfig{})
				defer f.Close()
				f.AddSince(topic, 0, 100, c.since)
				batch, err := f.Poll(patient(t))
				require.NoError(t, err)
				require.True(t, batch.Reset)
				require.Equal(t, c.next, batch.Start())
			})
		}
	})
}

func TestAPositionBeyondTheEndGoesOnWithWhatComesIfNothingIsSoLate(t *testing.T) {
	onClocks(t, func(t *testing.T, b broker) {
		client := dial(t, b)
		topic := topic(t, client, 1)
		writeAged(t, b, topic, 10*time.Hour, time.Hour)
		f := client.NewFetcher(bus.FetcherConfig{})
		defer f.Close()
		f.AddSince(topic, 0, 100, time.Now())
		var batch bus.Batch
		require.Eventually(t, func() bool {
			writeAged(t, b, topic, time.Hour) // as if the writer's clock were slow
			ctx, cancel := context.WithTimeout(patient(t), 100*time.Millisecond)
			defer cancel()
			var err error
			batch, err = f.Poll(ctx)
			return err == nil
		}, patience, time.Millisecond)
		require.True(t, batch.Reset)
		require.GreaterOrEqual(t, batch.Start(), int64(2))
	})
}

func TestRecordsThatExpiredArePassedOverAndNoMore(t *testing.T) {
	onClocks(t, func(t *testing.T, b broker) {
		client := dial(t, b)
		topic := topic(t, client, 1)
		writeAged(t, b, topic, 10*time.Hour, 9*time.Hour, 8*time.Hour, time.Minute)
		deleteBefore(t, b, topic, 2)
		f := client.NewFetcher(bus.FetcherConfig{})
		defer f.Close()
		f.AddSince(topic, 0, 1, time.Now())
		batch, err := f.Poll(patient(t))
		require.NoError(t, err)
		require.True(t, batch.Reset)
		require.Equal(t, int64(2), batch.Start(), "of 8 hours ago, but never read")
	})
}

func TestEveryFetchThatWorksRenewsWhenThePositionWasRight(t *testing.T) {
	t.Parallel()
	c, client := cluster(t, 1)
	topic := topic(t, client, 1)
	writeAged(t, broker{addr: c.ListenAddrs()[0]}, topic, 10*time.Hour, time.Hour, 2*time.Minute, time.Minute)
	f := client.NewFetcher(bus.FetcherConfig{})
	defer f.Close()
	f.Add(topic, 0, 0)
	for next := int64(0); next < 4; {
		batch, err := f.Poll(patient(t))
		require.NoError(t, err)
		next = batch.Next
	}
	outOfRange(c, 4)
	batch, err := f.Poll(patient(t))
	require.NoError(t, err)
	require.True(t, batch.Reset)
	require.Equal(t, int64(2), batch.Start())
}

// outOfRange answers as a broker does whose log ends before an offset. Every
// fetch from there on, not the next one only: an answer that comes when the
// client has just asked anew is not looked at.
func outOfRange(c *kfake.Cluster, end int64) {
	answerWith(c, func(asked *kmsg.FetchRequest, answer *kmsg.FetchResponse) bool {
		refused := false
		for _, t := range asked.Topics {
			topic := kmsg.NewFetchResponseTopic()
			topic.Topic = t.Topic
			for _, p := range t.Partitions {
				partition := kmsg.NewFetchResponseTopicPartition()
				partition.Partition, partition.ErrorCode = p.Partition, 1 // OFFSET_OUT_OF_RANGE
				topic.Partitions = append(topic.Partitions, partition)
				refused = refused || p.FetchOffset >= end
			}
			answer.Topics = append(answer.Topics, topic)
		}
		return refused
	})
}

func TestOffsetsAreFoundByTime(t *testing.T) {
	onClocks(t, func(t *testing.T, b broker) {
		client := dial(t, b)
		topic := topic(t, client, 2)
		writeAged(t, b, topic, 3*time.Hour, 2*time.Hour, time.Hour)
		for ago, want := range map[time.Duration]int64{
			4 * time.Hour: 0, 150 * time.Minute: 1, 90 * time.Minute: 2, time.Minute: 3, -time.Hour: 3,
		} {
			offsets, err := client.OffsetsAt(patient(t), topic, time.Now().Add(-ago))
			require.NoError(t, err)
			require.Equal(t, map[int]int64{0: want, 1: 0}, offsets, "%s ago", ago)
		}
		_, err := client.OffsetsAt(patient(t), "none", time.Now())
		require.ErrorIs(t, err, bus.ErrNoTopic)
	})
}
