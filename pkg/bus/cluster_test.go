package bus_test

import (
	"slices"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/staffetta/staffetta/pkg/bus"
)

// cluster is a Kafka of several brokers that the test can make misbehave.
func cluster(t *testing.T, brokers int) (*kfake.Cluster, *bus.Client) {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(brokers), kfake.BrokerConfigs(map[string]string{
		"group.min.session.timeout.ms": "100",
	}))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	client, err := bus.Dial(bus.Config{Brokers: c.ListenAddrs()})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return c, client
}

// answerWith lets a function answer requests of one kind, as long as it lives;
// those for which it returns false are answered by the cluster.
func answerWith[Q kmsg.Request, A kmsg.Response](c *kfake.Cluster, with func(asked Q, answer A) bool) {
	var kind Q
	c.ControlKey(kind.Key(), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		asked, isAsked := req.(Q)
		answer, isAnswer := req.ResponseKind().(A)
		if !isAsked || !isAnswer || !with(asked, answer) {
			return nil, nil, false
		}
		return answer, nil, true
	})
}

// times returns a function that is true for so many calls, for ever if that is
// negative, and counts them.
func times(n int) (next func() bool, count *atomic.Int32) {
	count = new(atomic.Int32)
	return func() bool {
		if n >= 0 && int(count.Load()) >= n {
			return false
		}
		count.Add(1)
		return true
	}, count
}

// denyTopic makes the brokers not know a topic for so many of the questions
// that name it, for ever if that is negative, and counts them.
func denyTopic(c *kfake.Cluster, topic string, n int) *atomic.Int32 {
	next, denied := times(n)
	answerWith(c, func(asked *kmsg.MetadataRequest, answer *kmsg.MetadataResponse) bool {
		names := func(t kmsg.MetadataRequestTopic) bool { return t.Topic != nil && *t.Topic == topic }
		if !slices.ContainsFunc(asked.Topics, names) || !next() {
			return false
		}
		t := kmsg.NewMetadataResponseTopic()
		t.Topic, t.ErrorCode = &topic, 3 // UNKNOWN_TOPIC_OR_PARTITION
		answer.Topics = append(answer.Topics, t)
		return true
	})
	return denied
}
