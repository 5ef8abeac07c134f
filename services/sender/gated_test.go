package sender_test

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
	deliveryv1 "github.com/staffetta/staffetta/proto/staffetta/delivery/v1"
	"github.com/staffetta/staffetta/services/sender"
)

// change is the n-th of the source: its version is n.
type change struct {
	n     int
	kind  hook.EventType
	items []string
}

// told is what a receiver was told of an item.
type told struct {
	version int
	kind    string
	status  int
}

// reader is a receiver that reads what it gets.
type reader struct {
	server *httptest.Server
	// answer is the status for a request; it may wait.
	answer func(item string, version int) int

	mu    sync.Mutex
	items map[string][]told
	more  chan struct{}
}

func newReader(t *testing.T, answer func(item string, version int) int) *reader {
	t.Helper()
	r := &reader{answer: answer, items: map[string][]told{}, more: make(chan struct{})}
	r.server = httptest.NewServer(r)
	t.Cleanup(r.server.Close)
	return r
}

func (r *reader) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	var body struct {
		Type string
		Data struct {
			Items []struct {
				ID      json.Number
				Version int
			}
		}
	}
	text, err := io.ReadAll(request.Body)
	if err == nil {
		err = json.Unmarshal(text, &body)
	}
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	status := r.answer(body.Data.Items[0].ID.String(), body.Data.Items[0].Version)
	r.mu.Lock()
	for _, item := range body.Data.Items {
		r.items[item.ID.String()] = append(r.items[item.ID.String()], told{item.Version, body.Type, status})
	}
	close(r.more)
	r.more = make(chan struct{})
	r.mu.Unlock()
	w.WriteHeader(status)
}

// told is what it was told of an item so far.
func (r *reader) told(item string) []told {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.items[item])
}

// requests is how many it had.
func (r *reader) requests() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, all := range r.items {
		n += len(all)
	}
	return n
}

// await waits until it was told as wished.
func (r *reader) await(t *testing.T, item string, wish func() bool) {
	t.Helper()
	deadline := time.After(time.Duration(soak(2, 20)) * within)
	for {
		r.mu.Lock()
		more := r.more
		r.mu.Unlock()
		if wish() {
			return
		}
		select {
		case <-more:
		case <-deadline:
			require.FailNow(t, "the receiver was never told so", "item %s: %v", item, r.told(item))
		}
	}
}

// accepted reports whether an item's version was accepted.
func (r *reader) accepted(item string, version int) bool {
	return slices.ContainsFunc(r.told(item), func(t told) bool { return t.version == version && t.status == http.StatusOK })
}

// requireOrder asks for every version of an item, and none after a newer one.
func (r *reader) requireOrder(t *testing.T, item string, versions []int) {
	t.Helper()
	var seen, accepted []int
	for _, m := range r.told(item) {
		seen = append(seen, m.version)
		if m.status == http.StatusOK {
			accepted = append(accepted, m.version)
		}
	}
	require.True(t, slices.IsSorted(seen), "item %s: %v", item, seen)
	require.Equal(t, versions, slices.Compact(accepted), "item %s", item)
}

// few are the first n on a real Kafka, where one test runs after the other.
func few[E any](all []E, n int) []E {
	if os.Getenv("STAFFETTA_TEST_KAFKA") != "" {
		return all[:n]
	}
	return all
}

// gatedHook is a webhook that asks for the gate.
func (w *world) gatedHook(r *reader, change func(*hook.Webhook)) hook.Webhook {
	return w.webhook("", func(h *hook.Webhook) {
		h.URL = r.server.URL
		h.Ordering = hook.OrderedByItem
		h.RetrySchedule = slices.Repeat([]time.Duration{time.Second}, hook.MaxRetries)
		if change != nil {
			change(h)
		}
	})
}

// changes writes bundles, and returns the deliveries.
func (w *world) changes(h hook.Webhook, run int64, all ...change) (deliveries []string) {
	w.t.Helper()
	records := make([]bus.Record, len(all))
	for i, c := range all {
		e := w.event("evt_" + w.account + strconv.Itoa(c.n))
		e.Type, e.Items = c.kind, nil
		if e.Type == "" {
			e.Type = hook.Update
		}
		e.Source = hook.Coordinates{Topic: "events.contacts", Offset: int64(c.n)}
		version := int64(c.n)
		for _, id := range c.items {
			e.Items = append(e.Items, hook.Item{ID: id, Ref: "/contacts/" + id, Version: &version})
		}
		value, err := proto.Marshal(&deliveryv1.Bundle{Change: codec.ToChange(e), Webhooks: []string{h.ID}, Run: run})
		require.NoError(w.t, err)
		records[i] = bus.Record{Topic: bus.Deliveries, Partition: w.partition(h.ID), Key: []byte(w.account), Value: value}
		deliveries = append(deliveries, hook.DeliveryID(e.ID, h.ID, -1))
	}
	w.produce(records...)
	return deliveries
}

// soak is the size of a test: the by STAFFETTA_TEST_SOAK, else a small one.
func soak(small, large int) int {
	if os.Getenv("STAFFETTA_TEST_SOAK") != "" {
		return large
	}
	return small
}

// "per item the receiver sees every version, and never an older one after a newer
// one": the gate lets a change go once the fate of the one before is durable, so a
// kill repeats the last one alone.
func TestChangesOfAnItemArriveInOrderFromAReceiverThatFailsAtRandomWithTwoKills(t *testing.T) {
	w := newWorld(t)
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(1, 2))
	r := newReader(t, func(string, int) int {
		mu.Lock()
		defer mu.Unlock()
		if random.IntN(5) == 0 {
			return http.StatusInternalServerError
		}
		return http.StatusOK
	})
	h := w.gatedHook(r, nil)
	changes, items := soak(1000, 20_000), soak(50, 500)
	versions := map[string][]int{}
	var all []change
	for n := 1; n <= changes; n++ {
		c := change{n: n, items: []string{strconv.Itoa(1 + rand.IntN(items))}}
		if other := strconv.Itoa(1 + rand.IntN(items)); n%10 == 0 && other != c.items[0] { // an event of two items
			c.items = append(c.items, other)
		}
		for _, item := range c.items {
			versions[item] = append(versions[item], n)
		}
		all = append(all, c)
	}
	for i := range 2 {
		told := w.orders()
		told.Stop, told.Nth = []sender.Moment{sender.Answered, sender.Parked}[i], changes/4
		child := launch(t, told)
		w.changes(h, 0, all[i*changes/2:(i+1)*changes/2]...)
		child.died(t)
	}
	launch(t, w.orders())
	for item, want := range versions {
		r.await(t, item, func() bool { return r.accepted(item, want[len(want)-1]) })
	}
	for item, want := range versions {
		r.requireOrder(t, item, want)
	}
}

// Rule 8: the gate "must survive a takeover even if the head waits in retry.10h".
func TestFollowersOfAHeadInTheLongestTierWaitAlsoAfterAKill(t *testing.T) {
	w := newWorld(t)
	var failed sync.Map
	r := newReader(t, func(item string, version int) int {
		if _, before := failed.LoadOrStore(item, true); item < "4" && !before {
			return http.StatusInternalServerError
		}
		return http.StatusOK
	})
	h := w.gatedHook(r, func(h *hook.Webhook) { h.RetrySchedule = []time.Duration{10 * time.Hour} })
	tiers := w.tiers()
	first := launch(t, w.orders())
	heads := []change{{n: 1, items: []string{"1"}}, {n: 2, items: []string{"2"}}, {n: 3, items: []string{"3"}}}
	for _, d := range w.changes(h, 0, heads...) {
		w.await(d, waits)
	}
	// These two are there before the checkpoint, and the third comes after it.
	followers := w.changes(h, 0, change{n: 4, items: []string{"1"}}, change{n: 5, items: []string{"2"}})
	parked := func(d string, turns int) func() bool { return func() bool { return len(tiers.tasks(d)) >= turns } }
	for _, d := range followers {
		require.Eventually(t, parked(d, 1), within, pollEvery)
	}
	longest := bus.Topics(w.partitions, nil)[len(bus.EventTopics)+10].Name
	ends, err := w.bus.EndOffsets(t.Context(), longest)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		at := w.committed(w.partition(h.ID))
		n, err := sender.ReadNote(at.Metadata, at.Offset)
		return err == nil && n.Saved() && n.Since(longest) >= ends[w.partition(h.ID)]
	}, within, pollEvery, "the heads lie before what a takeover reads")
	followers = append(followers, w.changes(h, 0, change{n: 6, items: []string{"3", "4"}})...)
	require.Eventually(t, parked(followers[2], 1), within, pollEvery)
	w.await(w.changes(h, 0, change{n: 7, items: []string{"5"}})[0], ended)
	first.end(syscall.SIGKILL)

	launch(t, w.orders())
	for i, d := range followers {
		require.Eventually(t, parked(d, len(tiers.tasks(d))+2), within, pollEvery, "follower %d has its turns", i)
	}
	w.await(w.changes(h, 0, change{n: 8, items: []string{"5"}})[0], ended)
	require.Equal(t, 3+2, r.requests(), "the heads once, and the other item")
	// POST /v1/deliveries/{id}/retry writes a newer run.
	for _, d := range w.changes(h, time.Now().UnixMicro(), heads...) {
		w.await(d, ended)
	}
	for _, d := range followers {
		w.await(d, ended)
	}
	w.await(w.changes(h, 0, change{n: 9, items: []string{"1"}})[0], ended)
	for item, want := range map[string][]int{"1": {1, 4, 9}, "2": {2, 5}, "3": {3, 6}, "4": {6}, "5": {7, 8}} {
		r.requireOrder(t, item, want)
	}
}

// Rule 8: "any parking closes it": also a full lane and a rate that is used up.
func TestAFullLaneKeepsTheOrderOfAnItem(t *testing.T) {
	parallel(t)
	for name, limit := range map[string]func(*hook.Webhook){
		"one at a time":   func(h *hook.Webhook) { h.Concurrency = 1 },
		"by a rate limit": func(h *hook.Webhook) { h.RateLimit = 60 },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			r := newReader(t, func(string, int) int { return http.StatusOK })
			h := w.gatedHook(r, limit)
			launch(t, w.orders())
			versions := map[string][]int{}
			var all []change
			for n := 1; n <= 300; n++ {
				item := strconv.Itoa(n % 7)
				all = append(all, change{n: n, items: []string{item}})
				versions[item] = append(versions[item], n)
			}
			w.changes(h, 0, all...)
			for item, want := range versions {
				r.await(t, item, func() bool { return r.accepted(item, want[len(want)-1]) })
				r.requireOrder(t, item, want)
			}
		})
	}
}

// A pause: what is held goes first, whatever comes when; also what was held after
// the webhook was resumed, and at a sender that is no more.
func TestWhatComesAfterSomethingHeldIsHeldUntilThatIsReleased(t *testing.T) {
	w := newWorld(t)
	r := newReader(t, func(string, int) int { return http.StatusOK })
	h := w.gatedHook(r, nil)
	active := w.orders()
	w.webhooks[0].Status = hook.Paused
	paused := w.orders()
	paused.Webhooks = slices.Clone(paused.Webhooks)
	active.Webhooks = slices.Clone(paused.Webhooks)
	active.Webhooks[0].Status = hook.Active
	held := func(got []hook.Attempt) bool { return len(got) > 0 && got[len(got)-1].Fate == hook.FateHeld }

	first := launch(t, paused)
	early := []change{{n: 1, items: []string{"7"}}, {n: 2, items: []string{"7"}}}
	for _, d := range w.changes(h, 0, early...) {
		w.await(d, held)
	}
	first.end(syscall.SIGKILL)
	launch(t, active)
	late := []change{{n: 3, items: []string{"7"}}}
	got := w.await(w.changes(h, 0, late...)[0], held)
	require.Equal(t, hook.ReasonResuming, got[0].Reason)
	for _, d := range w.changes(h, 5, append(early, late...)...) {
		w.await(d, ended)
	}
	w.await(w.changes(h, 0, change{n: 4, items: []string{"7"}})[0], ended)
	r.requireOrder(t, "7", []int{1, 2, 3, 4})
}

// The order holds wherever a sender dies between two things that last; what the
// kill repeats is the change that was under way.
func TestASenderThatDiesAnywhereKeepsTheOrderOfAnItem(t *testing.T) {
	parallel(t)
	for _, at := range few([]sender.Moment{
		sender.Parked, sender.Saved,
		sender.HandedOut, sender.Posting, sender.Answered, sender.Written, sender.Finished, sender.Committed,
	}, 2) {
		t.Run(string(at), func(t *testing.T) {
			w := newWorld(t)
			var failed sync.Map
			r := newReader(t, func(item string, version int) int {
				if _, before := failed.LoadOrStore(fmt.Sprint(item, version), true); !before && version%2 == 1 {
					return http.StatusInternalServerError
				}
				return http.StatusOK
			})
			h := w.gatedHook(r, nil)
			var all []change
			versions := map[string][]int{}
			for n := 1; n <= 24; n++ {
				c := change{n: n, items: []string{strconv.Itoa(n % 4)}}
				if n%6 == 0 {
					c.items = append(c.items, strconv.Itoa((n+1)%4))
				}
				all = append(all, c)
				for _, item := range c.items {
					versions[item] = append(versions[item], n)
				}
			}
			w.changes(h, 0, all...)
			for nth := range 2 {
				told := w.orders()
				told.Stop, told.Nth = at, 3+4*nth
				if at == sender.Saved {
					told.Nth = 1
				}
				launch(t, told).died(t)
			}
			launch(t, w.orders())
			for item, want := range versions {
				r.await(t, item, func() bool { return r.accepted(item, want[len(want)-1]) })
				r.requireOrder(t, item, want)
			}
		})
	}
}
