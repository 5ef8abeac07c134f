package sender_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/egress"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/quarantine"
	"github.com/staffetta/staffetta/pkg/rerun"
	deliveryv1 "github.com/staffetta/staffetta/proto/staffetta/delivery/v1"
	"github.com/staffetta/staffetta/services/sender"
)

// trap does something before requests to one path.
type trap struct {
	sender.Client
	path string
	do   func()
}

func (c trap) Post(r egress.Request) (egress.Answer, error) {
	if strings.HasSuffix(r.To.Shown, c.path) {
		c.do()
	}
	return c.Client.Post(r)
}

// mine is a snapshot that fails at one account.
type mine struct {
	*snapshot
	account string
}

func (m mine) Account(id string) (*sender.Account, bool) {
	if id == m.account {
		panic("stepped on " + id)
	}
	return m.snapshot.Account(id)
}

// headers of a quarantined record by name.
func headers(r bus.Record) map[string]string {
	found := map[string]string{}
	for _, h := range r.Headers {
		found[h.Key] = string(h.Value)
	}
	return found
}

// requireDefect says that a task ended as one at which the sender failed.
func requireDefect(t *testing.T, got []hook.Attempt, detail string) {
	t.Helper()
	last := got[len(got)-1]
	require.Equal(t, hook.FateExhausted, last.Fate)
	require.Equal(t, hook.ReasonDefect, last.Reason)
	require.Contains(t, last.Detail, detail)
}

// requireQuarantined returns the one record of a webhook in quarantine.
func requireQuarantined(t *testing.T, from *tail, webhook, delivery string) map[string]string {
	t.Helper()
	var found []map[string]string
	for _, r := range from.records() {
		var b deliveryv1.Bundle
		if proto.Unmarshal(r.Value, &b) != nil || !slices.Contains(b.GetWebhooks(), webhook) {
			continue
		}
		require.Equal(t, []string{webhook}, b.GetWebhooks(), "that task alone, so that it can be sent again")
		require.Equal(t, delivery, hook.DeliveryID(b.GetChange().GetEvent().GetId(), webhook, -1))
		found = append(found, headers(r))
	}
	require.Len(t, found, 1)
	require.Equal(t, "defect", found[0][quarantine.HeaderReason])
	require.Equal(t, bus.Deliveries, found[0][quarantine.HeaderTopic])
	return found[0]
}

// redrive sends the tasks of the world's account in quarantine again.
func (w *world) redrive(from *tail) {
	w.t.Helper()
	for _, r := range from.records() {
		entry, err := quarantine.Read(&r)
		require.NoError(w.t, err)
		if entry.Reason != quarantine.ReasonDefect || entry.Indexed(&r).Account != w.account {
			continue
		}
		value, err := rerun.Defect(w.t.Context(), w.bus, entry.Came.Value, entry.Came.At(), time.Now())
		require.NoError(w.t, err)
		w.produce(bus.Record{Topic: entry.Came.Topic, Partition: entry.Came.Partition, Key: entry.Came.Key, Value: value})
	}
}

// Row 1: "a panic in one task quarantines that task with its stack and nothing
// else".
func TestAPanicEndsItsTaskAlone(t *testing.T) {
	parallel(t)
	t.Run("in a request", func(t *testing.T) {
		w := newWorld(t)
		const partition = 1
		bad, good := w.webhook("/mine", w.on(partition)), w.webhook("/ok", w.on(partition))
		from := w.tail(bus.Quarantine)
		var cleared atomic.Bool
		in := w.run(func(c *sender.Config) {
			c.Client = trap{c.Client, "/mine", func() {
				if !cleared.Load() {
					panic("stepped on it")
				}
			}}
		})
		event := "evt_" + w.account
		both := w.publishEvent(event, 0, bad, good) // in one bundle
		requireDefect(t, w.await(both[0], ended), "stepped on it")
		require.Equal(t, "delivered#1", fates(w.await(both[1], ended)))
		w.await(w.publish(0, good)[0], ended)
		found := requireQuarantined(t, from, bad.ID, both[0])
		require.Contains(t, found[quarantine.HeaderDetail], "panic: stepped on it")
		require.Contains(t, found[quarantine.HeaderDetail], "defect_test.go", "the stack says where")
		require.InDelta(t, 1, in.metric(t, "staffetta_sender_defects_total"), 0)
		requireIdle(t, in)

		cleared.Store(true)
		w.redrive(from)
		again := w.await(both[0], func(got []hook.Attempt) bool { return ended(got) && got[len(got)-1].Run > 0 })
		require.Equal(t, hook.FateDelivered, again[len(again)-1].Fate, "sent again it has another run")
	})
	t.Run("before it", func(t *testing.T) {
		w := newWorld(t)
		good := w.webhook("/ok", nil)
		other := "acct-mine-" + w.account
		bad := w.webhook("/ok", func(h *hook.Webhook) {
			w.on(w.partition(good.ID))(h)
			h.Account = other
		})
		from := w.tail(bus.Quarantine)
		in := w.run(func(c *sender.Config) { c.Snapshot = mine{newSnapshot(w.webhooks), other} })
		own := w.account
		w.account = other
		d := w.publish(0, bad)[0]
		w.account = own
		w.await(w.publish(0, good)[0], ended)
		require.Eventually(t, func() bool { return len(from.records()) > 0 }, within, pollEvery)
		found := requireQuarantined(t, from, bad.ID, d)
		require.Contains(t, found[quarantine.HeaderDetail], "panic: stepped on "+other)
		require.Zero(t, w.receiver.posted(d))
		requireIdle(t, in)
	})
}

// requireIdle says that nothing is held on to.
func requireIdle(t *testing.T, in *inside) {
	t.Helper()
	require.Eventually(t, func() bool { return in.metric(t, "staffetta_sender_in_flight") == 0 }, within, 10*time.Millisecond)
}

// Row 1: a watchdog for a hung partition.
func TestAPartitionThatHangsBeginsAnewAndItsTaskIsPutAwayInTheEnd(t *testing.T) {
	w := newWorld(t)
	const partition = 1
	bad, good := w.webhook("/stuck", w.on(partition)), w.webhook("/ok", w.on(partition))
	other := w.webhook("/ok", w.on(partition+1))
	from := w.tail(bus.Quarantine)
	var stuck atomic.Int32
	free := make(chan struct{})
	in := w.run(func(c *sender.Config) {
		c.HungAfter = 2 * time.Second
		c.Client = trap{c.Client, "/stuck", func() { stuck.Add(1); <-free }}
	})
	t.Cleanup(func() { close(free) })
	d := w.publish(0, bad)[0]
	beside := w.burst(20, good)
	for n := range 3 {
		require.Eventually(t, func() bool { return stuck.Load() == int32(n+1) }, within, 10*time.Millisecond)
		for _, d := range append(w.publish(0, good), w.publish(0, other)...) {
			require.Equal(t, "delivered#1", fates(w.await(d, ended)), "the others go on")
		}
	}
	requireDefect(t, w.await(d, ended), "hung")
	require.Contains(t, requireQuarantined(t, from, bad.ID, d)[quarantine.HeaderDetail], "hung")
	for _, d := range beside {
		w.await(d, ended)
		require.Equal(t, 1, w.receiver.posted(d))
	}
	w.await(w.publish(0, good)[0], ended)
	require.Equal(t, int32(3), stuck.Load())
	require.InDelta(t, 3, in.metric(t, "staffetta_sender_hung_partitions_total"), 0)
	hangs := in.logs.FilterMessage("partition hangs; it begins anew").All()
	require.Len(t, hangs, 3)
	require.Contains(t, hangs[0].ContextMap()["stacks"], "defect_test.go", "the log says where")
	requireIdle(t, in)
}

// A task that lies on another partition than its webhook's is forwarded.
func TestATaskOnAWrongPartitionIsDeliveredByItsOwner(t *testing.T) {
	w := newWorld(t)
	h := w.webhook("/ok", nil)
	wrong := (w.partition(h.ID) + 1) % w.partitions
	in := w.run(nil)
	fresh := w.bundle("evt_fresh_"+w.account, h.ID)
	fresh.Partition = wrong
	w.produce(fresh, w.waiting("evt_due_"+w.account, h, wrong, time.Second), w.waiting("evt_walking_"+w.account, h, wrong, 4*time.Second))
	for _, c := range []struct{ event, want string }{{"evt_fresh_", "delivered#1"}, {"evt_due_", "delivered#2"}, {"evt_walking_", "delivered#2"}} {
		d := hook.DeliveryID(c.event+w.account, h.ID, -1)
		require.Equal(t, c.want, fates(w.await(d, ended)))
		require.Equal(t, 1, w.receiver.posted(d))
		if c.event == "evt_due_" {
			require.InDelta(t, 3, in.metric(t, "staffetta_sender_forwarded_total"), 0, "what has further to walk goes to its owner too")
		}
	}
	requireIdle(t, in)
}

// What is no task goes to quarantine, and the next goes on.
func TestARecordThatIsNoTaskHoldsNothingUp(t *testing.T) {
	w := newWorld(t)
	h := w.webhook("/ok", nil)
	p := w.partition(h.ID)
	from := w.tail(bus.Quarantine)
	w.run(nil)
	key := []byte(w.account)
	hollow, err := proto.Marshal(&deliveryv1.Task{
		Delivery: "dlv_" + w.account, Webhook: h.ID, Account: w.account,
		Bundle: &deliveryv1.Coordinates{Topic: bus.Deliveries}, Step: 1, Change: []byte("no change"), ChangeBytes: 9,
	})
	require.NoError(t, err)
	w.produce(
		bus.Record{Topic: bus.Deliveries, Partition: p, Key: key, Value: []byte("no bundle")},
		bus.Record{Topic: "retry.1s", Partition: p, Key: key, Value: []byte("no task")},
		bus.Record{Topic: "retry.3s", Partition: p, Key: key, Value: hollow},
	)
	behind := w.waiting("evt_"+w.account, h, p, time.Second)
	w.produce(behind)
	w.await(w.publish(0, h)[0], ended)
	w.await(hook.DeliveryID("evt_"+w.account, h.ID, -1), ended)
	// The last of them is due after three seconds.
	require.Eventually(t, func() bool {
		topics := map[string]string{}
		for _, r := range from.records() {
			if string(r.Key) == w.account {
				topics[headers(r)[quarantine.HeaderTopic]] = headers(r)[quarantine.HeaderReason]
			}
		}
		return maps.Equal(topics, map[string]string{
			bus.Deliveries: "undecodable", "retry.1s": "undecodable", "retry.3s": "undecodable",
		})
	}, time.Minute, 10*time.Millisecond)
}

// Being short of descriptors must not open every breaker.
func TestAShortageOfOurOwnIsNoAttempt(t *testing.T) {
	w := newWorld(t)
	h := w.webhook("/ok", nil)
	var posts atomic.Int32
	w.run(func(c *sender.Config) { c.Client = short{c.Client, &posts} })
	got := w.await(w.publish(0, h)[0], ended)
	require.Equal(t, "delivered#1", fates(got), "the first was none")
	require.Equal(t, int32(2), posts.Load())
}

// short is a client that lacks a descriptor the first time.
type short struct {
	sender.Client
	posts *atomic.Int32
}

func (c short) Post(r egress.Request) (egress.Answer, error) {
	if c.posts.Add(1) == 1 {
		return egress.Answer{}, &egress.Error{Stage: egress.StageConnect, Err: fmt.Errorf("%w: %w", egress.ErrLocal, syscall.EMFILE)}
	}
	return c.Client.Post(r)
}
