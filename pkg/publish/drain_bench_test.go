package publish

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/database"
)

var (
	drainRows    = flag.Int("drain.rows", 100_000, "rows of the backlog that BenchmarkDrain drains")
	drainWriters = flag.Int("drain.writers", 4, "writers beside the drain")
	drainRate    = flag.Int("drain.rate", 25, "transactions a second of each writer")
	drainAlone   = flag.Duration("drain.alone", 5*time.Second, "how long the writers write without a drain, before and after it")
	drainPinned  = flag.Bool("drain.pinned", false, "hold a snapshot open meanwhile, so that no dead row can be vacuumed")
)

// BenchmarkDrain drains a backlog from PostgreSQL to Kafka, with writers beside
// whose transactions each change a row and write an event. In one run it tells
// rows/s, and the latency of the writers' transactions before, during and after
// the drain. It needs STAFFETTA_TEST_DATABASE and STAFFETTA_TEST_KAFKA.
func BenchmarkDrain(b *testing.B) {
	url, brokers := os.Getenv("STAFFETTA_TEST_DATABASE"), os.Getenv("STAFFETTA_TEST_KAFKA")
	if url == "" || brokers == "" {
		b.Skip("STAFFETTA_TEST_DATABASE or STAFFETTA_TEST_KAFKA is not set")
	}
	for b.Loop() {
		d := newDrain(b, url, strings.Split(brokers, ","))
		d.fill(*drainRows)
		if *drainPinned {
			pinned, err := d.db.BeginTx(b.Context(), &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
			require.NoError(b, err)
			defer func() { _ = pinned.Rollback() }()
			_, err = pinned.ExecContext(b.Context(), `SELECT count(*) FROM `+d.outbox.table()+` WHERE id < 0`)
			require.NoError(b, err)
		}
		before := d.alone()
		stop := d.writers()
		began := time.Now()
		relayed := d.relay()
		took := time.Since(began)
		during := stop()
		after := d.alone()
		b.ReportMetric(float64(relayed)/took.Seconds(), "rows/s")
		for phase, latencies := range map[string][]time.Duration{"before": before, "during": during, "after": after} {
			b.ReportMetric(at(latencies, 50), phase+"-p50-ms")
			b.ReportMetric(at(latencies, 99), phase+"-p99-ms")
			b.ReportMetric(at(latencies, 100), phase+"-max-ms")
		}
		b.ReportMetric(0, "ns/op")
	}
}

// drain is an outbox with a backlog, on real servers.
type drain struct {
	*testing.B
	db     *database.DB
	outbox *Outbox
	kafka  *Publisher
	topic  string
}

func newDrain(b *testing.B, url string, brokers []string) *drain {
	b.Helper()
	db, err := database.Open(b.Context(), url)
	require.NoError(b, err)
	b.Cleanup(func() { _ = db.Close() })
	outbox, err := NewOutbox("b" + strings.ReplaceAll(uuid.NewString(), "-", "")[:20])
	require.NoError(b, err)
	require.NoError(b, outbox.Migrate(b.Context(), db))
	_, err = db.ExecContext(b.Context(), `CREATE TABLE `+outbox.prefix+`_items (id BIGINT PRIMARY KEY, version BIGINT NOT NULL)`)
	require.NoError(b, err)
	b.Cleanup(func() {
		for _, table := range []string{"_items", "_outbox", "_relay", "_outbox_versions"} {
			_, _ = db.ExecContext(context.Background(), `DROP TABLE `+outbox.prefix+table+` CASCADE`)
		}
	})
	client, err := bus.Dial(bus.Config{Brokers: brokers})
	require.NoError(b, err)
	b.Cleanup(client.Close)
	topic := "events." + outbox.prefix
	require.NoError(b, client.EnsureTopics(b.Context(), []bus.TopicSpec{
		{Name: topic, Partitions: 16, Retention: time.Hour, MaxMessageBytes: 8 << 20},
	}, 1))
	return &drain{b, db, outbox, NewPublisher(client, bus.ProducerConfig{}), topic}
}

// fill writes a backlog of events of 100 accounts, of 400 bytes each.
func (d *drain) fill(rows int) {
	d.Helper()
	const chunk = 10_000
	for done := 0; done < rows; done += chunk {
		var values [][]any
		for n := done; n < min(done+chunk, rows); n++ {
			e := event(fmt.Sprint("e", n))
			e.Account = fmt.Sprint("account-", n%100)
			e.Items[0].Data = []byte(`{"name":"` + strings.Repeat("x", 220) + `"}`)
			m, err := prepare(d.Context(), d.topic, &e, time.Now())
			require.NoError(d, err)
			values = append(values, []any{m.Topic, m.Key, m.Value, "", "", time.Now().UnixMicro()})
		}
		require.NoError(d, d.db.Write(d.Context(), func(w *database.Writer) error {
			return w.Insert(d.Context(), d.outbox.table(), []string{"topic", "key", "value", "traceparent", "tracestate", "written_at"}, values)
		}))
	}
}

// relay runs a relay until the backlog is gone and returns how many it relayed.
func (d *drain) relay() int64 {
	d.Helper()
	counted := &counter{Producer: d.kafka, goal: int64(*drainRows), reached: make(chan struct{})}
	relay, err := NewRelay(RelayConfig{DB: d.db, Outbox: d.outbox, Producer: counted})
	require.NoError(d, err)
	ctx, cancel := context.WithCancel(d.Context())
	ended := make(chan error, 1)
	go func() { ended <- relay.Run(ctx) }()
	<-counted.reached
	cancel()
	require.NoError(d, <-ended)
	return counted.n.Load()
}

// counter counts what was acknowledged.
type counter struct {
	Producer
	goal    int64
	n       atomic.Int64
	reached chan struct{}
}

func (c *counter) Produce(ctx context.Context, m Message, done func(error)) error {
	return c.Producer.Produce(ctx, m, func(err error) {
		done(err)
		if err == nil && c.n.Add(1) == c.goal {
			close(c.reached)
		}
	})
}

func (d *drain) alone() []time.Duration {
	stop := d.writers()
	<-time.After(*drainAlone)
	return stop()
}

// writers write at their rate until stop, which returns how long each
// transaction took.
func (d *drain) writers() (stop func() []time.Duration) {
	ctx, cancel := context.WithCancel(d.Context())
	var mu sync.Mutex
	var all []time.Duration
	var running sync.WaitGroup
	for w := range *drainWriters {
		running.Go(func() {
			tick := time.NewTicker(time.Second / time.Duration(*drainRate))
			defer tick.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
				}
				began := time.Now()
				err := d.db.Tx(d.Context(), func(tx *sql.Tx) error {
					_, err := tx.ExecContext(d.Context(), `INSERT INTO `+d.outbox.prefix+`_items (id, version) VALUES ($1, 1)
						ON CONFLICT (id) DO UPDATE SET version = `+d.outbox.prefix+`_items.version + 1`, w)
					if err != nil {
						return err
					}
					return d.outbox.Write(d.Context(), tx, d.topic, event(""))
				})
				took := time.Since(began)
				if err != nil {
					d.Error(err)
					return
				}
				mu.Lock()
				all = append(all, took)
				mu.Unlock()
			}
		})
	}
	return func() []time.Duration {
		cancel()
		running.Wait()
		return all
	}
}

// at is a percentile in milliseconds.
func at(latencies []time.Duration, percent int) float64 {
	if len(latencies) == 0 {
		return 0
	}
	slices.Sort(latencies)
	return float64(latencies[(len(latencies)-1)*percent/100].Microseconds()) / 1000
}
