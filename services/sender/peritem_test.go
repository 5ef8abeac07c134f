package sender_test

import (
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/signature"
)

// shop is a receiver of the cassa-in-cloud format: item 1 fails once, and item 2
// hangs from when it is closed until it is let.
type shop struct {
	server *httptest.Server
	closed atomic.Bool
	hangs  chan struct{} // one for each request of item 2 that hangs
	let    chan struct{}

	mu    sync.Mutex
	posts map[string]int // by operation and body
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{hangs: make(chan struct{}, 100), let: make(chan struct{}), posts: map[string]int{}}
	s.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		assert.NoError(t, signature.VerifySHA1(r.Header, body, "some_secret_key"))
		post := r.Header.Get("x-cn-operation") + " " + string(body)
		s.mu.Lock()
		s.posts[post]++
		n := s.posts[post]
		s.mu.Unlock()
		switch string(body) {
		case `{"item": 1}`:
			if n == 1 {
				w.WriteHeader(http.StatusInternalServerError)
			}
		case `{"item": 2}`:
			if !s.closed.Load() {
				return
			}
			s.hangs <- struct{}{}
			select {
			case <-s.let:
			case <-r.Context().Done():
			}
		}
	}))
	t.Cleanup(s.server.Close)
	return s
}

// receipts returns a webhook of the shop, and publishes an event of so many items
// to it.
func (s *shop) receipts(w *world, items int) (hook.Webhook, hook.Event) {
	w.t.Helper()
	h := w.webhook("", func(h *hook.Webhook) {
		h.URL, h.Format, h.Secrets = s.server.URL, hook.FormatCassaInCloud, [][]byte{[]byte("some_secret_key")}
		h.Timeout = hook.MaxTimeout
	})
	return h, w.receipts(h, items)
}

// receipts publishes an event of so many items to a webhook.
func (w *world) receipts(h hook.Webhook, items int) hook.Event {
	w.t.Helper()
	e := w.event("evt_" + rand.Text())
	e.ItemType, e.Items = "Receipt", nil
	for n := range items {
		e.Items = append(e.Items, hook.Item{ID: fmt.Sprint(n), Data: fmt.Appendf(nil, `{"item": %d}`, n)})
	}
	w.deliver(e, h, 0, codec.EachItem)
	return e
}

// deliver writes a bundle.
func (w *world) deliver(e hook.Event, h hook.Webhook, run int64, item int) {
	w.t.Helper()
	value, err := codec.AppendBundle(nil, codec.AppendChange(nil, &e), []string{h.ID}, run, item)
	require.NoError(w.t, err)
	w.produce(bus.Record{Topic: bus.Deliveries, Partition: w.partition(h.ID), Key: []byte(w.account), Value: value})
}

// A webhook with a delivery for each item: one that fails is tried again alone, and
// of an event of which one item hangs a killed sender's successor posts that alone.
func TestEachItemIsADeliveryOfItsOwn(t *testing.T) {
	w := newWorld(t)
	s := newShop(t)
	h, e := s.receipts(w, 5)
	first := launch(t, w.orders())
	for n := range e.Items {
		got := w.await(hook.DeliveryID(e.ID, h.ID, n), ended)
		require.Equal(t, []string{fmt.Sprint(n)}, got[0].Items, "the log knows its item")
		if n == 1 {
			require.Equal(t, "retrying#1 delivered#2", fates(got))
		}
	}

	// By now the lane is wide enough for others to pass the one that hangs.
	s.closed.Store(true)
	e = w.receipts(h, 5)
	for n := range e.Items {
		if n != 2 {
			w.await(hook.DeliveryID(e.ID, h.ID, n), ended)
		}
	}
	<-s.hangs
	first.end(syscall.SIGKILL)
	launch(t, w.orders())
	<-s.hangs
	close(s.let)
	w.await(hook.DeliveryID(e.ID, h.ID, 2), ended)

	// The same again, as a retry of one of them asks for it.
	one := e
	one.Items = e.Items[3:4]
	run := time.Now().UnixMicro()
	w.deliver(one, h, run, 4)
	got := w.await(hook.DeliveryID(e.ID, h.ID, 3), func(got []hook.Attempt) bool { return len(got) == 2 })
	require.Equal(t, run, got[1].Run)

	s.mu.Lock()
	defer s.mu.Unlock()
	require.Equal(t, map[string]int{
		`RECEIPT/EDIT {"item": 0}`: 2, `RECEIPT/EDIT {"item": 1}`: 3, `RECEIPT/EDIT {"item": 2}`: 3,
		`RECEIPT/EDIT {"item": 3}`: 3, `RECEIPT/EDIT {"item": 4}`: 2,
	}, s.posts)
}

// What a killed router wrote twice is posted once, item by item.
func TestATwinOfEachItemIsPostedOnce(t *testing.T) {
	w := newWorld(t)
	s := newShop(t)
	close(s.let)
	h, e := s.receipts(w, 3)
	first := launch(t, w.orders())
	w.deliver(e, h, 0, codec.EachItem)
	for n := range e.Items {
		w.await(hook.DeliveryID(e.ID, h.ID, n), ended)
	}
	first.end(syscall.SIGTERM) // the offset is committed beyond it
	launch(t, w.orders())
	w.deliver(e, h, 0, codec.EachItem)
	last := w.event("evt_last_" + rand.Text())
	last.ItemType, last.Items = "Receipt", []hook.Item{{ID: "last"}}
	w.deliver(last, h, 0, codec.EachItem)
	w.await(hook.DeliveryID(last.ID, h.ID, 0), ended)

	s.mu.Lock()
	defer s.mu.Unlock()
	require.Equal(t, map[string]int{
		`RECEIPT/EDIT {"item": 0}`: 1, `RECEIPT/EDIT {"item": 1}`: 2, `RECEIPT/EDIT {"item": 2}`: 1, `RECEIPT/EDIT {"id":"last"}`: 1,
	}, s.posts)
}
