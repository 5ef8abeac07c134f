package recorder_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/embedded"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/journal"
	"github.com/staffetta/staffetta/pkg/sqlstore"
	"github.com/staffetta/staffetta/pkg/sqlstore/sqlstoretest"
	deliveryv1 "github.com/staffetta/staffetta/proto/staffetta/delivery/v1"
	eventv1 "github.com/staffetta/staffetta/proto/staffetta/event/v1"
	"github.com/staffetta/staffetta/services/recorder"
)

const (
	partitions = 4
	patience   = 60 * time.Second
	tick       = 10 * time.Millisecond
)

// start is the store's time; the recorders live ten seconds later.
var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

var errAway = errors.New("the database is away")

// flaky is a store that fails so many times.
type flaky struct {
	*sqlstore.Store
	records, released, advanced, registers, noted atomic.Int64
	// most is the largest number of rows of one transaction.
	most atomic.Int64
	// rounds is how often the replays that run were asked for, and begun has the
	// accounts whose replays have begun.
	rounds atomic.Int64
	begun  sync.Map
	// notes is how many notes of redrives come through until the recorder is killed, and
	// killed hears when the next one does not; negative: all do.
	notes  atomic.Int64
	killed chan struct{}
}

// killAfter lets so many notes of redrives come through; negative: all.
func (f *flaky) killAfter(notes int) {
	f.notes.Store(int64(notes))
	select {
	case <-f.killed:
	default:
	}
}

func (f *flaky) AdvanceRedrive(ctx context.Context, r hook.Redrive, sent []string) (hook.Redrive, error) {
	switch left := f.notes.Load(); {
	case left == 0:
		select {
		case f.killed <- struct{}{}:
		default:
		}
		return hook.Redrive{}, errAway
	case left > 0:
		f.notes.Store(left - 1)
	}
	return f.Store.AdvanceRedrive(ctx, r, sent)
}

func fails(left *atomic.Int64) bool { return left.Add(-1) >= 0 }

func (f *flaky) Record(ctx context.Context, ranges []hook.Range) error {
	if fails(&f.records) {
		return errAway
	}
	rows := 0
	for _, some := range ranges {
		for _, r := range some.Records {
			rows += 1 + len(r.Attempt.Items)
		}
	}
	for old := f.most.Load(); int64(rows) > old && !f.most.CompareAndSwap(old, int64(rows)); {
		old = f.most.Load()
	}
	return f.Store.Record(ctx, ranges)
}

func (f *flaky) Register(ctx context.Context, r hook.Registration) (map[string]int, error) {
	if fails(&f.registers) {
		return nil, errAway
	}
	return f.Store.Register(ctx, r)
}

func (f *flaky) NoteNoticesSent(ctx context.Context, number int64) error {
	if fails(&f.noted) {
		return errAway
	}
	return f.Store.NoteNoticesSent(ctx, number)
}

func (f *flaky) Released(ctx context.Context, deliveries []hook.Delivery, run int64) error {
	if len(deliveries) > 0 && fails(&f.released) {
		return errAway
	}
	return f.Store.Released(ctx, deliveries, run)
}

func (f *flaky) RunningReplays(ctx context.Context) ([]hook.Replay, error) {
	f.rounds.Add(1)
	return f.Store.RunningReplays(ctx)
}

func (f *flaky) AccountPublished(ctx context.Context, id string) (bool, error) {
	f.begun.Store(id, true)
	return f.Store.AccountPublished(ctx, id)
}

func (f *flaky) AdvanceReplay(ctx context.Context, r hook.Replay) (hook.Replay, error) {
	if r.Progress.Replayed > 0 && fails(&f.advanced) {
		return hook.Replay{}, errAway
	}
	return f.Store.AdvanceReplay(ctx, r)
}

// fixture is a Kafka and a log, without a recorder yet.
type fixture struct {
	*testing.T
	store    *flaky
	client   *bus.Client
	producer *bus.Producer
	brokers  []string
	// ahead is how much later store and recorders live; set it while none runs.
	ahead   time.Duration
	written [partitions]int64 // records of attempts
	bundles [partitions]int   // records of deliveries
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f, _ := newFixtureOn(t, embedded.KafkaConfig{})
	return f
}

// newFixtureOn is for tests that end the Kafka themselves.
func newFixtureOn(t *testing.T, cfg embedded.KafkaConfig) (*fixture, *embedded.Kafka) {
	t.Helper()
	t.Parallel()
	kafka, err := embedded.StartKafka(cfg)
	require.NoError(t, err)
	t.Cleanup(kafka.Close)
	f := &fixture{T: t, brokers: []string{kafka.Addr()}}
	f.client = f.dial()
	require.NoError(t, f.client.EnsureTopics(t.Context(), bus.Topics(partitions, nil), 1))
	f.producer = f.client.NewProducer(bus.ProducerConfig{})
	db := sqlstoretest.SQLite(t)
	f.store = &flaky{Store: sqlstore.New(db, func() time.Time { return start.Add(f.ahead) }), killed: make(chan struct{}, 1)}
	f.store.notes.Store(-1)
	return f, kafka
}

func (f *fixture) dial() *bus.Client {
	f.Helper()
	client, err := bus.Dial(bus.Config{Brokers: f.brokers})
	require.NoError(f, err)
	f.Cleanup(client.Close)
	return client
}

// run starts a recorder; stop ends it and waits.
func (f *fixture) run() (service *recorder.Service, stop func()) {
	f.Helper()
	begun := time.Now()
	service, err := recorder.New(recorder.Config{
		Bus: f.dial(), Store: f.store, EventTopics: bus.EventTopics, Partitions: partitions, Log: zap.NewNop(), Metrics: prometheus.NewRegistry(),
		Now: func() time.Time { return start.Add(10*time.Second + f.ahead + time.Since(begun)) },
	})
	require.NoError(f, err)
	ctx, cancel := context.WithCancel(f.Context())
	ended := make(chan error, 1)
	go func() { ended <- service.Run(ctx) }()
	var stopped atomic.Bool
	stop = func() {
		if stopped.CompareAndSwap(false, true) {
			cancel()
			require.NoError(f, <-ended)
		}
	}
	f.Cleanup(stop)
	return service, stop
}

func (f *fixture) eventually(condition func() bool, what string) {
	f.Helper()
	require.Eventually(f, condition, patience, tick, what)
}

// webhook makes one of account acme and gives its id.
func (f *fixture) webhook(id string, status hook.Status) {
	f.Helper()
	f.subscribed(id, hook.Webhook{Status: status})
}

// subscribed makes a webhook of account acme as given, active by default.
func (f *fixture) subscribed(id string, w hook.Webhook) {
	f.Helper()
	_, err := f.store.CreateAccount(f.Context(), hook.Account{ID: "acme", Name: "Acme"})
	if !errors.Is(err, hook.ErrConflict) {
		require.NoError(f, err)
	}
	w.ID, w.Account, w.Status = id, "acme", cmp.Or(w.Status, hook.Active)
	_, err = f.store.CreateWebhook(f.Context(), w)
	require.NoError(f, err)
}

func (f *fixture) setStatus(id string, status hook.Status) {
	f.Helper()
	_, err := f.store.UpdateWebhook(f.Context(), "acme", id, 0, func(w *hook.Webhook) error { w.Status = status; return nil })
	require.NoError(f, err)
}

// mark writes that the webhook's sender has seen it as it is.
func (f *fixture) mark(webhook string) {
	f.Helper()
	a, err := f.store.Account(f.Context(), "acme")
	require.NoError(f, err)
	p := bus.PartitionOf([]byte(webhook), partitions)
	require.NoError(f, f.producer.ProduceSync(f.Context(), bus.Record{
		Topic: bus.Attempts, Partition: p, Key: []byte(webhook),
		Value: journal.EncodeMarker(hook.Marker{Account: "acme", Webhook: webhook, Version: a.Version}),
	}))
	f.written[p]++
}

func (f *fixture) statusOf(webhook string) hook.Status {
	f.Helper()
	w, err := f.store.Webhook(f.Context(), "acme", webhook)
	require.NoError(f, err)
	return w.Status
}

// attempt gives what the sender would record of event n for a webhook.
func attempt(n int, webhook string, fate hook.Fate) hook.Attempt {
	event := fmt.Sprintf("evt_%05d", n)
	a := hook.Attempt{
		Delivery: hook.DeliveryID(event, webhook, -1), Fate: fate, Account: "acme", Webhook: webhook,
		Event: event, EventType: hook.Create, ItemType: "Contact", Items: []string{fmt.Sprint(n)},
		Bundle:    hook.Coordinates{Topic: bus.Deliveries, Partition: bus.PartitionOf([]byte(webhook), partitions)},
		Source:    hook.Coordinates{Topic: "events.contacts", Offset: int64(n)},
		Published: start.Add(time.Duration(n) * time.Second), At: start,
	}
	if fate == hook.FateDelivered {
		a.Number, a.StatusCode = 1, 200
	}
	return a
}

// record writes to attempts.
func (f *fixture) record(attempts ...hook.Attempt) {
	f.Helper()
	records := make([]bus.Record, len(attempts))
	for i, a := range attempts {
		records[i] = bus.Record{Topic: bus.Attempts, Partition: a.Bundle.Partition, Key: []byte(a.Webhook), Value: journal.Encode(a)}
		f.written[a.Bundle.Partition]++
	}
	require.NoError(f, f.producer.ProduceSync(f.Context(), records...))
}

// bundled writes event n's bundle to deliveries, and gives an attempt that names it.
func (f *fixture) bundled(n int, webhook string) hook.Attempt {
	f.Helper()
	a := attempt(n, webhook, hook.FateHeld)
	value, err := proto.Marshal(&deliveryv1.Bundle{
		Change:   &deliveryv1.Change{Event: &eventv1.EntityChange{Id: a.Event, Account: "acme", Items: []*eventv1.Item{{Id: "1"}, {Id: "2"}}}, Traceparent: "00-trace"},
		Webhooks: []string{"wh_other", webhook},
		// Each gets one item of its own.
		Selections: []*deliveryv1.Selection{{Items: []byte{2}, Webhooks: []uint32{0}}, {Items: []byte{1}, Webhooks: []uint32{1}}},
	})
	require.NoError(f, err)
	a.Bundle = f.deliver(a.Bundle.Partition, value)
	return a
}

// hold writes event n's bundle to deliveries, and that it is held for webhook.
func (f *fixture) hold(n int, webhook string) hook.Attempt {
	f.Helper()
	a := f.bundled(n, webhook)
	a.Reason = hook.ReasonPaused
	f.record(a)
	return a
}

// deliver writes a bundle and returns where.
func (f *fixture) deliver(partition int, value []byte) hook.Coordinates {
	f.Helper()
	f.bundles[partition]++
	written := make(chan hook.Coordinates, 1)
	require.NoError(f, f.producer.Produce(f.Context(), bus.Record{Topic: bus.Deliveries, Partition: partition, Value: value},
		func(at hook.Coordinates, err error) { written <- at }))
	return <-written
}

// recorded reports whether the log has all that was written to attempts.
func (f *fixture) recorded() bool {
	for p, end := range f.written {
		if next, err := f.store.NextOffset(f.Context(), p); err != nil || next < end {
			return false
		}
	}
	return true
}

func (f *fixture) delivery(a hook.Attempt) hook.Delivery {
	f.Helper()
	d, err := f.store.Delivery(f.Context(), "acme", a.Delivery)
	require.NoError(f, err)
	return d
}

// released reads n bundles that a recorder wrote for a webhook.
func (f *fixture) released(webhook string, n int) []*deliveryv1.Bundle {
	f.Helper()
	fetcher := f.client.NewFetcher(bus.FetcherConfig{})
	defer fetcher.Close()
	fetcher.Add(bus.Deliveries, bus.PartitionOf([]byte(webhook), partitions), bus.FirstOffset)
	ctx, cancel := context.WithTimeout(f.Context(), patience)
	defer cancel()
	var bundles []*deliveryv1.Bundle
	for len(bundles) < n {
		batch, err := fetcher.Poll(ctx)
		require.NoError(f, err, "%d of %d were released", len(bundles), n)
		for _, r := range batch.Records {
			b := &deliveryv1.Bundle{}
			require.NoError(f, proto.Unmarshal(r.Value, b))
			if b.Run > 0 && b.Webhooks[0] == webhook {
				bundles = append(bundles, b)
			}
		}
	}
	return bundles
}
