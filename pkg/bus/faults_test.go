package bus_test

import (
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
)

// countFetches counts how often brokers are asked for records, and answers the
// first ones without any, as a broker does that throttles its clients or has
// just been elected.
func countFetches(c *kfake.Cluster, empty int32) (count *atomic.Int32) {
	count = new(atomic.Int32)
	answerWith(c, func(asked *kmsg.FetchRequest, answer *kmsg.FetchResponse) bool {
		topic := kmsg.NewFetchResponseTopic()
		topic.Topic = asked.Topics[0].Topic
		partition := kmsg.NewFetchResponseTopicPartition()
		partition.HighWatermark, partition.LastStableOffset = 1, 1
		partition.RecordBatches = []byte{}
		topic.Partitions = append(topic.Partitions, partition)
		answer.Topics = append(answer.Topics, topic)
		return count.Add(1) <= empty
	})
	return count
}

func TestAnEmptyAnswerIsNotTakenForARecordThatIsGone(t *testing.T) {
	t.Parallel()
	c, client := cluster(t, 1)
	topic := topic(t, client, 1)
	require.NoError(t, producer(t, client, bus.ProducerConfig{}).ProduceSync(patient(t), bus.Record{Topic: topic, Value: []byte("v")}))
	count := countFetches(c, 2)
	record, err := client.ReadAt(patient(t), hook.Coordinates{Topic: topic})
	require.NoError(t, err)
	require.Equal(t, "v", string(record.Value))
	require.Equal(t, int32(3), count.Load())
}

func TestARecordThatIsGoneIsAskedForOnce(t *testing.T) {
	t.Parallel()
	c, client := cluster(t, 1)
	topic := topic(t, client, 1)
	require.NoError(t, producer(t, client, bus.ProducerConfig{}).ProduceSync(patient(t), bus.Record{Topic: topic}, bus.Record{Topic: topic}))
	deleteBefore(t, broker{addr: c.ListenAddrs()[0]}, topic, 1)
	count := countFetches(c, 0)
	_, err := client.ReadAt(patient(t), hook.Coordinates{Topic: topic})
	require.ErrorIs(t, err, bus.ErrGone)
	require.Equal(t, int32(1), count.Load())
}

func TestARecordThatWasNeverWrittenIsGone(t *testing.T) {
	onEach(t, func(t *testing.T, b broker) {
		client := dial(t, b)
		topic := topic(t, client, 1)
		_, err := client.ReadAt(patient(t), hook.Coordinates{Topic: topic})
		require.ErrorIs(t, err, bus.ErrGone, "the next one that will be written")
	})
}
