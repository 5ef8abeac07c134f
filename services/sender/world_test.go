package sender_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/egress"
	"github.com/staffetta/staffetta/pkg/embedded"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/journal"
	deliveryv1 "github.com/staffetta/staffetta/proto/staffetta/delivery/v1"
	"github.com/staffetta/staffetta/services/sender"
)

// within is how long anything may take, a session included.
const within = 180 * time.Second

var loopback = egress.Policy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}

// world is what surrounds senders: Kafka, one account and its receivers.
type world struct {
	t          *testing.T
	brokers    string
	bus        *bus.Client
	producer   *bus.Producer
	session    time.Duration
	partitions int
	account    string
	receiver   *receiver

	mu       sync.Mutex
	webhooks []hook.Webhook
	attempts map[string][]hook.Attempt // by delivery
	moved    chan struct{}             // closed when there are more
}

// newWorld is on a Kafka of its own, or on the real one that the environment
// names, where one test runs after the other.
func newWorld(t *testing.T) *world {
	t.Helper()
	brokers := os.Getenv("STAFFETTA_TEST_KAFKA")
	if brokers == "" {
		parallel(t)
		kafka, err := embedded.StartKafka(embedded.KafkaConfig{})
		require.NoError(t, err)
		t.Cleanup(kafka.Close)
		brokers = kafka.Addr()
	}
	return newWorldOn(t, brokers)
}

// parallel lets tests run beside each other that have a Kafka each.
func parallel(t *testing.T) {
	t.Helper()
	if os.Getenv("STAFFETTA_TEST_KAFKA") == "" {
		t.Parallel()
	}
}

// newWorldOn is on the Kafka that is there.
func newWorldOn(t *testing.T, brokers string) *world {
	t.Helper()
	w := &world{
		t: t, brokers: brokers, session: 4 * time.Second,
		account: "acct-" + strings.ToLower(rand.Text()[:10]), attempts: map[string][]hook.Attempt{}, moved: make(chan struct{}),
	}
	var err error
	w.bus, err = bus.Dial(bus.Config{Brokers: []string{w.brokers}})
	require.NoError(t, err)
	t.Cleanup(w.bus.Close)
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	w.partitions, err = w.bus.Partitions(ctx, bus.Deliveries)
	if err != nil {
		w.partitions = 4
		require.NoError(t, w.bus.EnsureTopics(ctx, bus.Topics(w.partitions, nil), 1))
	}
	w.producer = w.bus.NewProducer(bus.ProducerConfig{})
	t.Cleanup(func() { _ = w.producer.Close(context.Background()) })
	w.receiver = newReceiver(t)
	w.follow(ctx)
	return w
}

// webhook adds one before senders start. path chooses what the receiver does.
func (w *world) webhook(path string, change func(*hook.Webhook)) hook.Webhook {
	h := hook.Webhook{
		ID: "wh_" + rand.Text(), Account: w.account, Status: hook.Active, ItemTypes: []string{hook.AnyItemType},
		EventTypes: hook.EventTypes, URL: w.receiver.server.URL + path, Format: hook.FormatStandard, Payload: hook.Thin,
		Secrets: [][]byte{[]byte("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")}, RetrySchedule: []time.Duration{time.Second, time.Second, time.Second},
		Timeout: 10 * time.Second, OnPause: hook.Hold, OnQuota: hook.Defer,
	}
	if change != nil {
		change(&h)
	}
	w.webhooks = append(w.webhooks, h)
	return h
}

// orders for a child that does nothing unusual.
func (w *world) orders() orders {
	return orders{Brokers: w.brokers, Session: w.session, Partitions: w.partitions, Webhooks: w.webhooks}
}

func (w *world) partition(webhook string) int { return bus.PartitionOf([]byte(webhook), w.partitions) }

// publish writes one event for webhooks, a bundle for each of their partitions,
// and returns the delivery of each.
func (w *world) publish(run int64, webhooks ...hook.Webhook) (deliveries []string) {
	w.t.Helper()
	return w.publishEvent("evt_"+rand.Text(), run, webhooks...)
}

func (w *world) publishEvent(event string, run int64, webhooks ...hook.Webhook) (deliveries []string) {
	w.t.Helper()
	bundles := map[int]*deliveryv1.Bundle{}
	for _, h := range webhooks {
		p := w.partition(h.ID)
		if bundles[p] == nil {
			bundles[p] = &deliveryv1.Bundle{Change: codec.ToChange(w.event(event)), Run: run}
		}
		bundles[p].Webhooks = append(bundles[p].Webhooks, h.ID)
		deliveries = append(deliveries, hook.DeliveryID(event, h.ID, -1))
	}
	for p, b := range bundles {
		value, err := proto.Marshal(b)
		require.NoError(w.t, err)
		w.produce(bus.Record{Topic: bus.Deliveries, Partition: p, Key: []byte(w.account), Value: value})
	}
	return deliveries
}

func (w *world) event(id string) hook.Event {
	return hook.Event{
		ID: id, Account: w.account, Type: hook.Update, ItemType: "Contact", Date: "2026-11-23T10:00:00Z",
		Items: []hook.Item{{ID: "7", Ref: "/contacts/7"}}, Published: time.Now(),
	}
}

func (w *world) produce(records ...bus.Record) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), within)
	defer cancel()
	require.NoError(w.t, w.producer.ProduceSync(ctx, records...))
}

// follow reads attempts from now on.
func (w *world) follow(ctx context.Context) {
	var ends map[int]int64
	require.Eventually(w.t, func() (ok bool) {
		var err error
		ends, err = w.bus.EndOffsets(ctx, bus.Attempts)
		return err == nil
	}, within, pollEvery, "a real Kafka that a test before this one has restarted may lead no partition yet")
	fetcher := w.bus.NewFetcher(bus.FetcherConfig{MaxWait: 20 * time.Millisecond})
	for p, end := range ends {
		fetcher.Add(bus.Attempts, p, end)
	}
	w.t.Cleanup(fetcher.Close)
	go func() {
		for {
			batch, err := fetcher.Poll(context.Background())
			if err != nil {
				return
			}
			w.mu.Lock()
			for _, r := range batch.Records {
				if a, err := journal.Decode(r.Value); err == nil && a.Account == w.account {
					w.attempts[a.Delivery] = append(w.attempts[a.Delivery], a)
				}
			}
			close(w.moved)
			w.moved = make(chan struct{})
			w.mu.Unlock()
		}
	}()
}

// await waits until what attempts say about a delivery is as wished.
func (w *world) await(delivery string, wish func([]hook.Attempt) bool) []hook.Attempt {
	w.t.Helper()
	deadline := time.After(within)
	for {
		w.mu.Lock()
		got, moved := w.attempts[delivery], w.moved
		w.mu.Unlock()
		if wish(got) {
			return got
		}
		select {
		case <-moved:
		case <-deadline:
			require.FailNow(w.t, "attempts never said so", "delivery %s: %s", delivery, fates(got))
		}
	}
}

// ended is a wish: the last record is final.
func ended(got []hook.Attempt) bool { return len(got) > 0 && got[len(got)-1].Fate.Final() }

// fates are records in one line, such as "retrying#1 delivered#2".
func fates(got []hook.Attempt) string {
	var words []string
	for _, a := range got {
		words = append(words, fmt.Sprintf("%s#%d", a.Fate, a.Number))
	}
	return strings.Join(words, " ")
}

// receiver is all receivers of a world; the path says how one behaves.
type receiver struct {
	server *httptest.Server

	mu       sync.Mutex
	requests map[string]int // by delivery
	answered map[string]int
	// first is what the first request of a delivery gets, by path; then 200.
	first   map[string]int
	arrived chan string // deliveries, as they come to /hang
	let     chan struct{}
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{
		requests: map[string]int{}, answered: map[string]int{}, first: map[string]int{"/500": 500, "/503": 503},
		arrived: make(chan string, 100_000), let: make(chan struct{}),
	}
	r.server = httptest.NewServer(r)
	t.Cleanup(func() { r.release(); r.server.Close() })
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	delivery := request.Header.Get("webhook-id")
	r.mu.Lock()
	r.requests[delivery]++
	n := r.requests[delivery]
	status := http.StatusOK
	if s, ok := r.first[request.URL.Path]; ok && n == 1 {
		status = s
	}
	r.mu.Unlock()
	if request.URL.Path == "/hang" {
		r.arrived <- delivery
		select {
		case <-r.let:
		case <-request.Context().Done():
			return
		}
	}
	w.WriteHeader(status)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answered[delivery]++
}

// release lets those that hang go on, from now on too.
func (r *receiver) release() {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.let:
	default:
		close(r.let)
	}
}

// posted is how often a delivery was posted.
func (r *receiver) posted(delivery string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.requests[delivery]
}

// snapshot is fixed. Accounts that are not there are deleted ones, so that what
// other tests left on a real Kafka comes to its end.
type snapshot struct {
	accounts map[string]*sender.Account
	ready    chan struct{}
}

func newSnapshot(webhooks []hook.Webhook) *snapshot {
	s := &snapshot{accounts: map[string]*sender.Account{}, ready: make(chan struct{})}
	close(s.ready)
	states := map[string]*hook.AccountState{}
	for _, h := range webhooks {
		if states[h.Account] == nil {
			states[h.Account] = &hook.AccountState{Account: hook.Account{ID: h.Account, Name: h.Account}}
		}
		states[h.Account].Webhooks = append(states[h.Account].Webhooks, h)
	}
	for id, state := range states {
		s.accounts[id] = sender.NewAccount(*state, plain{})
	}
	return s
}

func (s *snapshot) Account(id string) (*sender.Account, bool) {
	if a, ok := s.accounts[id]; ok {
		return a, true
	}
	return sender.NewAccount(hook.AccountState{Account: hook.Account{ID: id, Deleted: true}}, plain{}), true
}
func (s *snapshot) Sync(context.Context) error { return nil }
func (s *snapshot) Ready() <-chan struct{}     { return s.ready }
func (s *snapshot) Versions() int64            { return 1 }

// plain opens secrets that are not sealed.
type plain struct{}

func (plain) Open(sealed, _ []byte) ([]byte, error) { return sealed, nil }

// nobody looks at circuits.
type nobody struct{}

func (nobody) Report(context.Context, []sender.Circuit) error { return nil }
