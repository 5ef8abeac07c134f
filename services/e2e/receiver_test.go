package e2e_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
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
