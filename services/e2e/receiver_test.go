package e2e_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// receiver is what a tenant's customers run: it keeps every request.
type receiver struct {
	*httptest.Server
	mu       sync.Mutex
	requests []received
	answer   func(n int, r *http.Request) int
}

type received struct {
	path   string
	header http.Header
	body   []byte
	at     time.Time
}

func (r received) json(t *testing.T) object {
	t.Helper()
	var body object
	require.NoError(t, json.Unmarshal(r.body, &body), "%s", r.body)
	return body
}

// newReceiver answers 204, or what answer says to the n-th request, from 0.
func newReceiver(t *testing.T, answer func(n int, r *http.Request) int) *receiver {
	t.Helper()
	r := &receiver{answer: answer}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

// newSlowReceiver keeps its first request waiting until it is released, by the
// test or at its end. So something is under way.
func newSlowReceiver(t *testing.T) (r *receiver, release func()) {
	t.Helper()
	released := make(chan struct{})
	r = newReceiver(t, func(n int, _ *http.Request) int {
		if n == 0 {
			<-released
		}
		return http.StatusNoContent
	})
	release = sync.OnceFunc(func() { close(released) })
	t.Cleanup(release) // before the receiver is closed, which waits for it
	return r, release
}

// events are the ids of those that arrived, each once.
func (r *receiver) events(t *testing.T) map[string]bool {
	t.Helper()
	ids := map[string]bool{}
	for _, request := range r.all() {
		ids[request.json(t)["data"].(object)["id"].(string)] = true
	}
	return ids
}

// awaitEvents waits until all of these have arrived.
func (r *receiver) awaitEvents(t *testing.T, want ...string) {
	t.Helper()
	eventually(t, func() error {
		got := r.events(t)
		missing := slices.DeleteFunc(slices.Clone(want), func(id string) bool { return got[id] })
		if len(missing) > 0 {
			return fmt.Errorf("%d of %d events have not arrived, such as %s", len(missing), len(want), missing[0])
		}
		return nil
	})
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	r.mu.Lock()
	n := len(r.requests)
	r.requests = append(r.requests, received{path: req.URL.Path, header: req.Header.Clone(), body: body, at: time.Now()})
	r.mu.Unlock()
	status := http.StatusNoContent
	if r.answer != nil {
		status = r.answer(n, req)
	}
	w.WriteHeader(status)
}

func (r *receiver) all() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]received(nil), r.requests...)
}

// await waits for that many requests and returns them.
func (r *receiver) await(t *testing.T, count int) []received {
	t.Helper()
	var all []received
	eventually(t, func() error {
		if all = r.all(); len(all) < count {
			return fmt.Errorf("%d requests, want %d", len(all), count)
		}
		return nil
	})
	return all
}
