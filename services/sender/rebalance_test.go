package sender_test

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

// Rule 7: "what stays goes on, only what moved is dropped; late answers still go
// to attempts".
func TestARebalanceRepeatsOnlyWhatWasHeldOpenOnAPartitionThatMoved(t *testing.T) {
	w := newWorld(t)
	var slow, quick []hook.Webhook
	for p := range w.partitions {
		slow = append(slow, w.webhook("/hang", w.on(p)))
		quick = append(quick, w.webhook("/ok", w.on(p)))
	}
	launch(t, w.orders())
	answered := w.publish(0, quick...)
	for _, d := range answered {
		w.await(d, ended)
	}
	held := w.publish(0, slow...)
	for range held {
		<-w.receiver.arrived
	}
	second := launch(t, w.orders())
	moved := map[string]bool{}
	for range w.partitions / 2 {
		moved[<-w.receiver.arrived] = true
	}
	w.receiver.release()
	for _, d := range held {
		if moved[d] {
			// Both had an answer, and both wrote it down.
			w.await(d, func(got []hook.Attempt) bool { return fates(got) == "delivered#1 delivered#1" })
			continue
		}
		require.Equal(t, "delivered#1", fates(w.await(d, ended)))
	}
	for _, d := range w.publish(0, append(slow, quick...)...) {
		w.await(d, ended)
	}
	for _, d := range held {
		posts := 1
		if moved[d] {
			posts = 2
		}
		require.Equal(t, posts, w.receiver.posted(d), "moved: %v", moved[d])
	}
	// Nothing that was answered is repeated when the partitions come back either.
	second.end(syscall.SIGTERM)
	for _, d := range w.publish(0, append(slow, quick...)...) {
		w.await(d, ended)
		require.Equal(t, 1, w.receiver.posted(d))
	}
	for _, d := range answered {
		require.Equal(t, 1, w.receiver.posted(d))
	}
}

// gate is a receiver that takes two seconds for the first request of a webhook, so
// that a long one surprises nobody and a queue behind it is kept, and then as
// long as the test wants.
type gate struct {
	server *httptest.Server
	free   chan struct{}
	open   func()

	mu    sync.Mutex
	posts map[string]int // by delivery
	known map[string]bool
	swift bool
}

func newGate(t *testing.T) *gate {
	t.Helper()
	g := &gate{free: make(chan struct{}), posts: map[string]int{}, known: map[string]bool{}}
	g.open = sync.OnceFunc(func() { close(g.free) })
	g.server = httptest.NewServer(g)
	t.Cleanup(g.server.Close)
	t.Cleanup(g.open)
	return g
}

func (g *gate) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	g.posts[r.Header.Get("webhook-id")]++
	first := !g.known[r.URL.Path]
	g.known[r.URL.Path] = true
	swift := g.swift
	g.mu.Unlock()
	if swift {
		return
	}
	if first {
		<-time.After(2 * time.Second)
		return
	}
	<-g.free
}

// answer lets requests that come from now on be answered at once.
func (g *gate) answer() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.swift = true
}

func (g *gate) posted(delivery string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.posts[delivery]
}

func (g *gate) total() (n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, count := range g.posts {
		n += count
	}
	return n
}

// fill lets a sender have requests under way for a webhook on each partition, and
// some behind them in its memory, which it returns.
func (g *gate) fill(w *world, start func()) (hooks []hook.Webhook, underWay int, queued []string) {
	w.t.Helper()
	const atOnce, behind = 8, 2
	for p := range w.partitions {
		hooks = append(hooks, w.webhook("", func(h *hook.Webhook) {
			w.on(p)(h)
			h.Concurrency, h.URL, h.Timeout = atOnce, g.server.URL+"/"+h.ID, 30*time.Second
		}))
	}
	start()
	for _, d := range w.publish(0, hooks...) {
		w.await(d, ended)
	}
	var deliveries []string
	for _, h := range hooks {
		deliveries = append(deliveries, w.burst(atOnce+behind, h)...)
	}
	underWay = len(hooks) * (1 + atOnce)
	require.Eventually(w.t, func() bool { return g.total() == underWay }, within, pollEvery)
	// They have been taken in by now, since so are those on each partition that
	// were written at once with them.
	for _, d := range deliveries {
		if g.posted(d) == 0 {
			queued = append(queued, d)
		}
	}
	require.Len(w.t, queued, len(hooks)*behind)
	return hooks, underWay, queued
}

// Rule 7: what is queued goes with its partition, and is posted by the next owner
// alone.
func TestWhatIsQueuedMovesWithItsPartition(t *testing.T) {
	w := newWorld(t)
	g := newGate(t)
	hooks, underWay, queued := g.fill(w, func() { launch(t, w.orders()) })
	launch(t, w.orders())
	// A lane that its new owner does not know begins with one request.
	require.Eventually(t, func() bool { return g.total() == underWay+w.partitions/2 }, within, pollEvery)
	g.open()
	for _, d := range append(queued, w.publish(0, hooks...)...) {
		w.await(d, ended)
		require.Equal(t, 1, g.posted(d))
	}
}

// Rule 7: "without one that succeeded within half a session no new request starts,
// so a stalled old owner cannot go on posting", nor can it leave tasks in tiers
// that were seen to meanwhile.
func TestWhatWasQueuedInASenderThatStalledIsNotPostedByIt(t *testing.T) {
	parallel(t)
	for _, answered := range []bool{true, false} {
		name := "its requests hang on"
		if answered {
			name = "its requests are answered meanwhile"
		}
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			g := newGate(t)
			var first *process
			hooks, _, queued := g.fill(w, func() { first = launch(t, w.orders()) })
			since := time.Now()
			tiers := w.tiers()
			first.stall(t)
			g.answer()
			if answered {
				g.open()
			}
			launch(t, w.orders())
			for _, d := range queued {
				w.await(d, ended)
			}
			// Its requests are so old by now that it takes the receiver to hang.
			require.Eventually(t, func() bool { return time.Since(since) > 9*time.Second }, within, pollEvery)
			written := len(tiers.records())
			first.resume(t)
			// It is a member again, and has done what it does with what it held.
			for range 3 {
				for p := range w.partitions {
					w.commits(1, p)
				}
				for _, d := range w.publish(0, hooks...) {
					w.await(d, ended)
				}
			}
			g.open()
			for _, d := range w.publish(0, hooks...) {
				w.await(d, ended)
			}
			for _, d := range queued {
				require.Equal(t, 1, g.posted(d))
			}
			require.Len(t, tiers.records(), written, "and it parks nothing either")
		})
	}
}
