package bus_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/staffetta/staffetta/pkg/bus"
)

func TestTopicsAreAsTheContractSays(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	byName := make(map[string]bus.TopicSpec)
	for _, s := range bus.Topics(32, []string{"orders", "events.contacts"}) {
		require.NotContains(t, byName, s.Name)
		require.Equal(t, 32, s.Partitions)
		byName[s.Name] = s
	}
	require.Len(t, byName, 5+1+10+1+1+1+1+1+1)
	require.Equal(t, bus.TopicSpec{Name: "events.contacts", Partitions: 32, Retention: 14 * day, MaxMessageBytes: 8 << 20}, byName["events.contacts"])
	require.Equal(t, bus.TopicSpec{Name: "deliveries", Partitions: 32, Retention: 14 * day, MaxMessageBytes: 2 << 20}, byName["deliveries"])
	require.Equal(t, bus.TopicSpec{Name: "attempts", Partitions: 32, Retention: 14 * day, MaxMessageBytes: 2 << 20}, byName["attempts"])
	require.Equal(t, bus.TopicSpec{Name: "retry.3h", Partitions: 32, Retention: 7*day + 3*time.Hour, MaxMessageBytes: 2 << 20}, byName["retry.3h"])
	require.Equal(t, bus.TopicSpec{Name: "gates", Partitions: 32, Retention: 7 * day, MaxMessageBytes: 2 << 20}, byName["gates"])
	require.Equal(t, 16<<20, byName["quarantine"].MaxMessageBytes)
	require.True(t, byName["orders"].Upstream)
}

func TestAnInstallationChoosesHowLongPayloadsAndBadInputAreKept(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	kept := map[time.Duration][]string{}
	for _, s := range (bus.Retention{Payloads: 30 * day, Quarantine: 60 * day}).Topics(8, []string{"orders"}) {
		kept[s.Retention] = append(kept[s.Retention], s.Name)
	}
	require.Equal(t, append(slices.Clone(bus.EventTopics), "deliveries", "attempts", "orders"), kept[30*day])
	require.Equal(t, []string{"quarantine"}, kept[60*day])
	require.Equal(t, []string{"gates", "stores"}, kept[7*day], "these, and the tiers, are as long as senders may be away")
}

// Services would else start, and lose what they rely on.
func TestATopicThatForgetsTooSoonIsAFault(t *testing.T) {
	onEach(t, func(t *testing.T, b broker) {
		client := dial(t, b)
		ctx := patient(t)
		specs := specs()
		require.NoError(t, client.EnsureTopics(ctx, specs, 1))
		setTo(t, b, specs[0].Name, "retention.ms", "3600000")
		setTo(t, b, specs[1].Name, "retention.bytes", "1048576")
		setTo(t, b, specs[2].Name, "retention.ms", "-1")
		err := client.CheckTopics(ctx, specs)
		require.ErrorContains(t, err, `"`+specs[0].Name+`" has retention.ms 3600000, not 1209600000 or more`)
		require.ErrorContains(t, err, `"`+specs[1].Name+`" has retention.bytes 1048576, not -1`)
		require.Equal(t, 2, strings.Count(err.Error(), `topic "`), "one that keeps more is none")
	})
}

// specs of a test's own, so that tests share a broker.
func specs(upstream ...string) []bus.TopicSpec {
	prefix := name("test") + "."
	all := bus.Topics(2, upstream)
	for i := range all {
		all[i].Name = prefix + all[i].Name
	}
	return all
}

func TestTopicsAreMadeOnceAndSetUpAgain(t *testing.T) {
	onEach(t, func(t *testing.T, b broker) {
		client := dial(t, b)
		ctx := patient(t)
		specs := specs("orders")
		require.NoError(t, client.EnsureTopics(ctx, specs, 1))
		require.NoError(t, client.CheckTopics(ctx, specs))
		require.NoError(t, client.EnsureTopics(ctx, specs, 1), "again")

		specs[0].Retention = 3 * time.Hour
		specs[len(specs)-1].Retention = 3 * time.Hour // upstream's: stays
		require.NoError(t, client.EnsureTopics(ctx, specs, 1))
		waitForSetting(t, b, specs[0].Name, "retention.ms", "10800000")
		waitForSetting(t, b, specs[0].Name, "max.message.bytes", "8388608")
		waitForSetting(t, b, specs[0].Name, "message.timestamp.type", "LogAppendTime")
		require.NotEqual(t, "10800000", setting(t, b, specs[len(specs)-1].Name, "retention.ms"))
	})
}

func TestEveryFaultOfTheTopicsIsListed(t *testing.T) {
	onEach(t, func(t *testing.T, b broker) {
		client := dial(t, b)
		ctx := patient(t)
		specs := specs("orders")
		missing, clock, count, upstream := specs[0], specs[1], specs[2], specs[len(specs)-1]
		require.NoError(t, client.EnsureTopics(ctx, specs[1:], 1))
		setTo(t, b, clock.Name, "message.timestamp.type", "CreateTime")
		specs[2].Partitions = 3
		specs[len(specs)-1].Partitions = 3 // upstream's: any will do

		err := client.CheckTopics(ctx, specs)
		require.ErrorContains(t, err, "staffetta topics")
		require.ErrorContains(t, err, `"`+missing.Name+`" does not exist`)
		require.ErrorContains(t, err, `"`+clock.Name+`" has message.timestamp.type CreateTime`)
		require.ErrorContains(t, err, `"`+count.Name+`" has 2 partitions, not 3`)
		require.Equal(t, 3, strings.Count(err.Error(), `topic "`))
		require.NotContains(t, err.Error(), upstream.Name)

		err = client.EnsureTopics(ctx, specs, 1)
		require.ErrorContains(t, err, `"`+count.Name+`" has 2 partitions, not 3`)
		specs[2].Partitions = 2
		waitForSetting(t, b, clock.Name, "message.timestamp.type", "LogAppendTime")
		require.NoError(t, client.CheckTopics(ctx, specs), "the others are mended")
	})
}

// waitForSetting waits until a change has got round: on Apache Kafka it takes
// some milliseconds.
func waitForSetting(t *testing.T, b broker, topic, key, value string) {
	t.Helper()
	require.Eventually(t, func() bool { return setting(t, b, topic, key) == value }, patience, 10*time.Millisecond)
}

// setting reads a topic's setting through another client than ours.
func setting(t *testing.T, b broker, topic, key string) string {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.addr))
	require.NoError(t, err)
	defer client.Close()
	req := kmsg.NewPtrDescribeConfigsRequest()
	r := kmsg.NewDescribeConfigsRequestResource()
	r.ResourceType, r.ResourceName, r.ConfigNames = kmsg.ConfigResourceTypeTopic, topic, []string{key}
	req.Resources = append(req.Resources, r)
	resp, err := req.RequestWith(patient(t), client)
	require.NoError(t, err)
	require.Len(t, resp.Resources[0].Configs, 1)
	return *resp.Resources[0].Configs[0].Value
}

func setTo(t *testing.T, b broker, topic, key, value string) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.addr))
	require.NoError(t, err)
	defer client.Close()
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	r := kmsg.NewIncrementalAlterConfigsRequestResource()
	r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeTopic, topic
	c := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	c.Name, c.Value = key, &value
	r.Configs = append(r.Configs, c)
	req.Resources = append(req.Resources, r)
	resp, err := req.RequestWith(patient(t), client)
	require.NoError(t, err)
	require.Zero(t, resp.Resources[0].ErrorCode)
	waitForSetting(t, b, topic, key, value)
}
