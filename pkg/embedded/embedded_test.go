package embedded_test

import (
	"context"
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/staffetta/staffetta/pkg/embedded"
	"github.com/staffetta/staffetta/pkg/hook"
)

// patience bounds every wait of these tests; they end as soon as they can.
const patience = 30 * time.Second

func patient(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func client(t *testing.T, kafka *embedded.Kafka, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append(opts, kgo.SeedBrokers(kafka.Addr()), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func create(t *testing.T, c *kgo.Client, topic string, settings map[string]string) {
	t.Helper()
	req := kmsg.NewPtrCreateTopicsRequest()
	rt := kmsg.NewCreateTopicsRequestTopic()
	rt.Topic, rt.NumPartitions, rt.ReplicationFactor = topic, 1, 1
	for k, v := range settings {
		rt.Configs = append(rt.Configs, kmsg.CreateTopicsRequestTopicConfig{Name: k, Value: &v})
	}
	req.Topics = append(req.Topics, rt)
	resp, err := req.RequestWith(patient(t), c)
	require.NoError(t, err)
	require.NoError(t, kerr.ErrorForCode(resp.Topics[0].ErrorCode))
}

// fetched reads n records of partition 0 from the start.
func fetched(t *testing.T, kafka *embedded.Kafka, topic string, n int, opts ...kgo.Opt) []*kgo.Record {
	t.Helper()
	c := client(t, kafka, append(opts, kgo.ConsumeTopics(topic))...)
	var records []*kgo.Record
	for len(records) < n {
		fetches := c.PollFetches(patient(t))
		require.NoError(t, fetches.Err())
		records = append(records, fetches.Records()...)
	}
	return records
}

func TestKafkaKeepsItsLogAndAddressOverARestart(t *testing.T) {
	t.Parallel()
	kafka, err := embedded.StartKafka(embedded.KafkaConfig{DataDir: t.TempDir()})
	require.NoError(t, err)
	defer kafka.Close()
	addr := kafka.Addr()
	c := client(t, kafka)
	create(t, c, "t", nil)
	require.NoError(t, c.ProduceSync(patient(t), &kgo.Record{Topic: "t", Value: []byte("kept")}).FirstErr())
	require.NoError(t, kafka.Restart())
	require.Equal(t, addr, kafka.Addr())
	require.Equal(t, "kept", string(fetched(t, kafka, "t", 1)[0].Value))
}

func TestKafkaKeepsWhatItAcknowledgedOverAKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	kafka, err := embedded.StartKafka(embedded.KafkaConfig{DataDir: dir})
	require.NoError(t, err)
	defer kafka.Close()
	c := client(t, kafka)
	create(t, c, "t", nil)
	for range 100 {
		require.NoError(t, c.ProduceSync(patient(t), &kgo.Record{Topic: "t"}).FirstErr())
	}
	// What a kill leaves behind: the files as they are, without the shutdown.
	killed := t.TempDir()
	require.NoError(t, os.CopyFS(killed, os.DirFS(dir)))
	after, err := embedded.StartKafka(embedded.KafkaConfig{DataDir: killed})
	require.NoError(t, err)
	defer after.Close()
	require.Len(t, fetched(t, after, "t", 100), 100)
}

func TestKafkaListensWhereItIsToldOnly(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"19092", "0.0.0.0:0", ":19092", "[::]:19092", "127.0.0.1:x", "127.0.0.1:70000"} {
		_, err := embedded.StartKafka(embedded.KafkaConfig{Listen: bad})
		var invalid hook.Invalid
		require.ErrorAs(t, err, &invalid, bad)
	}
	kafka, err := embedded.StartKafka(embedded.KafkaConfig{})
	require.NoError(t, err)
	defer kafka.Close()
	host, _, err := net.SplitHostPort(kafka.Addr())
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1", host)
	_, err = embedded.StartKafka(embedded.KafkaConfig{Listen: kafka.Addr()})
	require.Error(t, err, "taken")
}

func TestKafkaStampsRecordsWithItsOwnClock(t *testing.T) {
	t.Parallel()
	kafka, err := embedded.StartKafka(embedded.KafkaConfig{DataDir: t.TempDir()})
	require.NoError(t, err)
	defer kafka.Close()
	for name, opt := range map[string]kgo.Opt{"plain": kgo.ProducerBatchCompression(kgo.NoCompression()), "packed": kgo.ProducerBatchCompression(kgo.ZstdCompression())} {
		c := client(t, kafka, opt)
		create(t, c, name, map[string]string{"message.timestamp.type": "LogAppendTime", "retention.ms": "3600000"})
		before := time.Now().Add(-time.Second)
		require.NoError(t, c.ProduceSync(patient(t), &kgo.Record{Topic: name, Timestamp: time.Unix(1, 0), Value: []byte("old")}).FirstErr())
		// A restart checks the log's checksums and drops what has expired.
		require.NoError(t, kafka.Restart())
		record := fetched(t, kafka, name, 1)[0]
		require.Equal(t, "old", string(record.Value))
		require.WithinRange(t, record.Timestamp, before, time.Now().Add(time.Second))
	}
}

func TestKafkaDropsWhatIsBeyondItsRetention(t *testing.T) {
	t.Parallel()
	kafka, err := embedded.StartKafka(embedded.KafkaConfig{DataDir: t.TempDir()})
	require.NoError(t, err)
	defer kafka.Close()
	c := client(t, kafka)
	create(t, c, "t", map[string]string{"retention.ms": "1"})
	require.NoError(t, c.ProduceSync(patient(t), &kgo.Record{Topic: "t"}).FirstErr())
	require.NoError(t, kafka.Restart()) // looks at once, then every few minutes
	require.Eventually(t, func() bool {
		req := kmsg.NewPtrListOffsetsRequest()
		rt := kmsg.NewListOffsetsRequestTopic()
		rt.Topic = "t"
		rp := kmsg.NewListOffsetsRequestTopicPartition()
		rp.Timestamp = -2 // the first offset
		rt.Partitions = append(rt.Partitions, rp)
		req.Topics = append(req.Topics, rt)
		resp, err := req.RequestWith(patient(t), c)
		return err == nil && resp.Topics[0].Partitions[0].Offset == 1
	}, patience, 10*time.Millisecond)
}

func TestKafkaTellsOfAbortedTransactionsHoweverSmallTheAnswer(t *testing.T) {
	t.Parallel()
	kafka, err := embedded.StartKafka(embedded.KafkaConfig{})
	require.NoError(t, err)
	defer kafka.Close()
	create(t, client(t, kafka), "t", nil)
	tx := client(t, kafka, kgo.TransactionalID("tx"))
	for value, end := range map[string]kgo.TransactionEndTry{"aborted": kgo.TryAbort, "committed": kgo.TryCommit} {
		require.NoError(t, tx.BeginTransaction())
		for range 3 {
			require.NoError(t, tx.ProduceSync(patient(t), &kgo.Record{Topic: "t", Value: []byte(value)}).FirstErr())
		}
		require.NoError(t, tx.EndTransaction(patient(t), end))
	}
	for _, r := range fetched(t, kafka, "t", 3, kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxBytes(1)) {
		require.Equal(t, "committed", string(r.Value))
	}
}

func TestRedisIsEmptyAfterARestartAndWhereItWas(t *testing.T) {
	t.Parallel()
	server, err := embedded.StartRedis("")
	require.NoError(t, err)
	defer server.Close()
	url := server.URL()
	opts, err := redis.ParseURL(url)
	require.NoError(t, err)
	c := redis.NewClient(opts)
	defer func() { _ = c.Close() }()
	require.NoError(t, c.Set(patient(t), "k", "v", 0).Err())
	require.NoError(t, server.Restart())
	require.Equal(t, url, server.URL())
	require.ErrorIs(t, c.Get(patient(t), "k").Err(), redis.Nil)
	server.Close()
	require.Error(t, c.Ping(patient(t)).Err())
}

func TestRedisExpiresKeys(t *testing.T) {
	t.Parallel()
	server, err := embedded.StartRedis("")
	require.NoError(t, err)
	defer server.Close()
	opts, err := redis.ParseURL(server.URL())
	require.NoError(t, err)
	c := redis.NewClient(opts)
	defer func() { _ = c.Close() }()
	require.NoError(t, c.Set(patient(t), "k", "v", 50*time.Millisecond).Err())
	require.Eventually(t, func() bool { return errors.Is(c.Get(patient(t), "k").Err(), redis.Nil) }, patience, 5*time.Millisecond)
}
