package bus_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/staffetta/staffetta/pkg/bus"
)

// refuseOnce answers the next request to write as a broker does that no longer
// leads the partition, so that the layout is read again.
func refuseOnce(c *kfake.Cluster, topic string) {
	once, _ := times(1)
	answerWith(c, func(_ *kmsg.ProduceRequest, answer *kmsg.ProduceResponse) bool {
		t := kmsg.NewProduceResponseTopic()
		t.Topic = topic
		p := kmsg.NewProduceResponseTopicPartition()
		p.ErrorCode = 6 // NOT_LEADER_OR_FOLLOWER
		t.Partitions = append(t.Partitions, p)
		answer.Topics = append(answer.Topics, t)
		return once()
	})
}

func TestOneBrokersIgnoranceOfATopicIsNotBelieved(t *testing.T) {
	t.Parallel()
	c, client := cluster(t, 1)
	topic := topic(t, client, 3)
	denied := denyTopic(c, topic, 1)
	require.NoError(t, client.CheckTopics(patient(t), []bus.TopicSpec{{Name: topic, Upstream: true}}))
	require.Equal(t, int32(1), denied.Load())
	n, err := client.Partitions(patient(t), topic)
	require.NoError(t, err)
	require.Equal(t, 3, n)
}

func TestARecordWaitsForATopicThatWasThereBefore(t *testing.T) {
	t.Parallel()
	c, client := cluster(t, 1)
	topic := topic(t, client, 3)
	p := producer(t, client, bus.ProducerConfig{})
	require.NoError(t, p.ProduceSync(patient(t), bus.Record{Topic: topic}))
	denied := denyTopic(c, topic, 5)
	refuseOnce(c, topic)
	written := make(chan error, 1)
	go func() { written <- p.ProduceSync(patient(t), bus.Record{Topic: topic}) }()
	require.Eventually(t, func() bool { return denied.Load() >= 2 }, patience, time.Millisecond)
	require.NoError(t, p.ProduceSync(patient(t), bus.Record{Topic: topic}), "while it is not known")
	require.NoError(t, <-written)
	require.Equal(t, int32(5), denied.Load())
}

func TestATopicThatStaysAwayIsRefusedInTheEnd(t *testing.T) {
	t.Parallel()
	c, client := cluster(t, 1)
	topic := topic(t, client, 3)
	denyTopic(c, topic, -1)
	require.Error(t, client.CheckTopics(patient(t), []bus.TopicSpec{{Name: topic, Upstream: true}}))
	p := producer(t, client, bus.ProducerConfig{})
	require.ErrorIs(t, p.Produce(patient(t), bus.Record{Topic: topic}, nil), bus.ErrNoTopic)
}
