package publish

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"

	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

// wait bounds everything that must happen; nothing here waits for it to pass.
const wait = 20 * time.Second

// topic is Kafka as a relay sees it: it keeps what it acknowledged.
type topic struct {
	mu       sync.Mutex
	messages []Message
	changed  chan struct{}
	// answer decides about a message; nil acknowledges all.
	answer func(Message) error
	// hold keeps the answers back until it is closed; nil: none.
	hold chan struct{}
}

func newTopic() *topic { return &topic{changed: make(chan struct{}, 1)} }

func (k *topic) Produce(_ context.Context, m Message, done func(error)) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	var err error
	if k.answer != nil {
		err = k.answer(m)
	}
	if err == nil {
		k.messages = append(k.messages, m)
	}
	select {
	case k.changed <- struct{}{}:
	default:
	}
	if k.hold == nil {
		done(err)
		return nil
	}
	go func() {
		<-k.hold
		done(err)
	}()
	return nil
}

// ids are those of the events that are in the topic, in order.
func (k *topic) ids(t *testing.T) []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var ids []string
	for _, m := range k.messages {
		e, err := codec.Decode(codec.Input{Value: m.Value})
		require.NoError(t, err)
		ids = append(ids, e.ID)
	}
	return ids
}

// has waits until the topic has n messages.
func (k *topic) has(t *testing.T, n int) {
	t.Helper()
	timeout := time.After(wait)
	for {
		k.mu.Lock()
		now := len(k.messages)
		k.mu.Unlock()
		if now >= n {
			return
		}
		select {
		case <-k.changed:
		case <-timeout:
			t.Fatalf("%d messages of %d", now, n)
		}
	}
}

// id is that of a message's event; empty if it cannot be read.
func (k *topic) id(m Message) string {
	e, err := codec.Decode(codec.Input{Value: m.Value})
	if err != nil {
		return ""
	}
	return e.ID
}

// rig is an outbox on a database of its own.
type rig struct {
	*testing.T
	db      *database.DB
	outbox  *Outbox
	metrics *prometheus.Registry
}

// backends runs a test on the database that there is: PostgreSQL if
// STAFFETTA_TEST_DATABASE names one, else SQLite. CI runs all on both.
func backends(t *testing.T, test func(r *rig)) {
	t.Helper()
	t.Parallel()
	url, prefix := os.Getenv("STAFFETTA_TEST_DATABASE"), "p"+strings.ReplaceAll(uuid.NewString(), "-", "")[:20]
	if url == "" {
		url = "sqlite:" + filepath.Join(t.TempDir(), "test.db")
	}
	test(newRig(t, url, prefix))
}

func newRig(t *testing.T, url, prefix string) *rig {
	t.Helper()
	db, err := database.Open(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	outbox, err := NewOutbox(prefix)
	require.NoError(t, err)
	require.NoError(t, outbox.Migrate(t.Context(), db))
	pending, err := outbox.Pending(t.Context(), db)
	require.NoError(t, err)
	require.False(t, pending)
	return &rig{t, db, outbox, prometheus.NewRegistry()}
}

func event(id string) hook.Event {
	return hook.Event{
		ID: id, Account: "acme", Type: hook.Update, ItemType: "Contact",
		Items: []hook.Item{{ID: "7", Ref: "/contacts/7"}},
	}
}

// write commits one event.
func (r *rig) write(id string) {
	r.Helper()
	require.NoError(r, r.db.Tx(r.Context(), func(tx *sql.Tx) error {
		return r.outbox.Write(r.Context(), tx, "events.contacts", event(id))
	}))
	r.outbox.Committed()
}

func (r *rig) writeMany(n int) (ids []string) {
	r.Helper()
	require.NoError(r, r.db.Tx(r.Context(), func(tx *sql.Tx) error {
		ids = nil
		for i := range n {
			ids = append(ids, "e"+strconv.Itoa(i))
			if err := r.outbox.Write(r.Context(), tx, "events.contacts", event(ids[i])); err != nil {
				return err
			}
		}
		return nil
	}))
	return ids
}

func (r *rig) waiting() (n int) {
	r.Helper()
	require.NoError(r, r.db.QueryRowContext(r.Context(), fmt.Sprintf(`SELECT count(*) FROM %s_outbox`, r.outbox.prefix)).Scan(&n))
	return n
}

func (r *rig) empties() {
	r.Helper()
	require.Eventually(r, func() bool { return r.waiting() == 0 }, wait, time.Millisecond)
}

func (r *rig) relay(p Producer) *Relay {
	r.Helper()
	relay, err := NewRelay(RelayConfig{DB: r.db, Outbox: r.outbox, Producer: p, Poll: 5 * time.Millisecond})
	require.NoError(r, err)
	return relay
}

// metered is a relay whose metrics metric reads.
func (r *rig) metered(p Producer) *Relay {
	r.Helper()
	relay, err := NewRelay(RelayConfig{DB: r.db, Outbox: r.outbox, Producer: p, Poll: 5 * time.Millisecond, Metrics: r.metrics})
	require.NoError(r, err)
	return relay
}

// metric is the value of a metric of this outbox, 0 if it is not there.
func (r *rig) metric(name string) float64 {
	r.Helper()
	families, err := r.metrics.Gather()
	require.NoError(r, err)
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if family.GetName() == name {
				require.Equal(r, r.outbox.prefix, m.GetLabel()[0].GetValue())
				return m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
	}
	return 0
}

// run starts a relay; stop ends it and waits for its end.
func (r *rig) run(relay *Relay) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- relay.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(r, <-ended)
	})
	r.Cleanup(stop)
	return stop
}

func TestCommittedEventsArePublishedInOrderAndDeleted(t *testing.T) {
	backends(t, func(r *rig) {
		want := r.writeMany(120)
		k := newTopic()
		relay := r.relay(k)
		relay.batch = 50
		r.run(relay)
		k.has(r.T, len(want))
		require.Equal(r, want, k.ids(r.T))
		r.empties()
		require.Equal(r, "events.contacts", k.messages[0].Topic)
		require.Equal(r, "acme/Contact", k.messages[0].Key)
	})
}

func TestARolledBackEventIsNeverPublished(t *testing.T) {
	backends(t, func(r *rig) {
		undo := errors.New("the change failed")
		require.ErrorIs(r, r.db.Tx(r.Context(), func(tx *sql.Tx) error {
			if err := r.outbox.Write(r.Context(), tx, "events.contacts", event("undone")); err != nil {
				return err
			}
			return undo
		}), undo)
		k := newTopic()
		r.run(r.relay(k))
		r.write("done")
		k.has(r.T, 1)
		r.empties()
		require.Equal(r, []string{"done"}, k.ids(r.T))
	})
}

func TestAnEventThatBreaksTheContractIsRefusedAtOnce(t *testing.T) {
	backends(t, func(r *rig) {
		err := r.db.Tx(r.Context(), func(tx *sql.Tx) error {
			return r.outbox.Write(r.Context(), tx, "events.contacts", hook.Event{Account: "a b", Type: "created"})
		})
		var reject *codec.Reject
		require.ErrorAs(r, err, &reject)
		require.Equal(r, codec.InvalidField, reject.Reason)
	})
}

func TestAnEventGetsAnIDADateAndTheTraceOfItsContext(t *testing.T) {
	backends(t, func(r *rig) {
		span := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: 1})
		ctx := trace.ContextWithRemoteSpanContext(r.Context(), span)
		require.NoError(r, r.db.Tx(ctx, func(tx *sql.Tx) error {
			return r.outbox.Write(ctx, tx, "events.contacts", event(""))
		}))
		k := newTopic()
		r.run(r.relay(k))
		k.has(r.T, 1)
		e, err := codec.Decode(codec.Input{Value: k.messages[0].Value})
		require.NoError(r, err)
		id, err := uuid.Parse(e.ID)
		require.NoError(r, err)
		require.Equal(r, uuid.Version(7), id.Version())
		date, err := time.Parse(time.RFC3339, e.Date)
		require.NoError(r, err)
		require.WithinDuration(r, time.Now(), date, time.Minute)
		require.Equal(r, "00-01000000000000000000000000000000-0200000000000000-01", k.messages[0].Trace.Parent)
	})
}

func TestACrashBetweenAcknowledgementAndDeletionPublishesTheSameEventsAgain(t *testing.T) {
	backends(t, func(r *rig) {
		want := r.writeMany(3)
		k := newTopic()
		ctx, kill := context.WithCancel(r.Context())
		killed := r.relay(k)
		killed.acknowledged = func() error {
			kill()
			return errors.New("killed")
		}
		require.NoError(r, killed.Run(ctx))
		require.Equal(r, want, k.ids(r.T))
		require.Equal(r, 3, r.waiting())

		r.run(r.relay(k))
		r.empties()
		require.Equal(r, append(want, want...), k.ids(r.T))
	})
}

func TestOneRelayAtATimeWorksAndAnotherTakesOver(t *testing.T) {
	backends(t, func(r *rig) {
		first, second := newTopic(), newTopic()
		stopFirst := r.run(r.relay(first))
		r.write("a")
		r.empties() // so the first leads
		r.run(r.relay(second))
		for i := range 20 {
			r.write("b" + strconv.Itoa(i))
		}
		first.has(r.T, 21)
		r.empties()
		require.Empty(r, second.ids(r.T))

		stopFirst()
		r.write("c")
		second.has(r.T, 1)
		require.Equal(r, []string{"c"}, second.ids(r.T))
		require.Len(r, first.ids(r.T), 21)
	})
}

func TestARefusedMessageIsSetAsideAndTheOthersGoOn(t *testing.T) {
	backends(t, func(r *rig) {
		r.writeMany(3)
		k := newTopic()
		k.answer = func(m Message) error {
			if strings.Contains(string(m.Value), `"e1"`) {
				return fmt.Errorf("%w: too large for the topic", ErrRefused)
			}
			return nil
		}
		r.run(r.relay(k))
		r.write("last")
		k.has(r.T, 3)
		require.Equal(r, []string{"e0", "e2", "last"}, k.ids(r.T))
		require.Eventually(r, func() bool {
			var reason sql.NullString
			require.NoError(r, r.db.QueryRowContext(r.Context(),
				fmt.Sprintf(`SELECT min(refused) FROM %s_outbox`, r.outbox.prefix)).Scan(&reason))
			return reason.String == "message refused: too large for the topic" && r.waiting() == 1
		}, wait, time.Millisecond)
	})
}

func TestWhatTheProducerGaveUpIsTriedAgain(t *testing.T) {
	backends(t, func(r *rig) {
		r.writeMany(2)
		k := newTopic()
		failures := 2
		k.answer = func(Message) error {
			if failures--; failures >= 0 {
				return errors.New("away")
			}
			return nil
		}
		r.run(r.relay(k))
		k.has(r.T, 2)
		require.Equal(r, []string{"e0", "e1"}, k.ids(r.T))
		r.empties()
	})
}

func TestACommitWakesTheRelay(t *testing.T) {
	backends(t, func(r *rig) {
		k := newTopic()
		relay := r.relay(k)
		relay.cfg.Poll = time.Hour
		r.run(relay)
		for i := range 3 {
			r.write("e" + strconv.Itoa(i))
			k.has(r.T, i+1)
		}
	})
}

func TestAPlannedStopWaitsForWhatIsOnItsWay(t *testing.T) {
	backends(t, func(r *rig) {
		want := r.writeMany(2)
		k := newTopic()
		k.hold = make(chan struct{})
		ctx, cancel := context.WithCancel(r.Context())
		ended := make(chan error, 1)
		go func() { ended <- r.relay(k).Run(ctx) }()
		k.has(r.T, 2)
		cancel()
		close(k.hold)
		require.NoError(r, <-ended)
		require.Zero(r, r.waiting(), "acknowledged, so deleted")
		require.Equal(r, want, k.ids(r.T))
	})
}
