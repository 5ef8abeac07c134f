// Package receiver is the other end of a benchmark: a process of its own that
// takes deliveries, answers 204, and counts. It does as little as it can, since
// it shares the processors with what it measures.
package receiver

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/staffetta/staffetta/pkg/signature"
)

// The paths that a receiver answers; deliveries may go to any other.
const (
	pathHook     = "/hook"
	pathProgress = "/progress"
	pathStats    = "/stats"
	pathReset    = "/reset"
)

// maxBody is more than any delivery of ours has.
const maxBody = 2 << 20

// Progress is how much has arrived.
type Progress struct {
	// Requests that arrived.
	Requests int `json:"requests"`
	// Deliveries is the number of distinct ids among them.
	Deliveries int `json:"deliveries"`
}

// Stats is what arrived since the last reset.
type Stats struct {
	Progress
	// Duplicated is the number of requests whose id had arrived before.
	Duplicated int `json:"duplicated"`
	// LastNS is when the last new delivery arrived, in Unix nanoseconds; 0: none.
	LastNS int64 `json:"last_ns"`
	// P50 and P99 are milliseconds from publish to the first arrival.
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
}

// Receiver counts requests. Its zero value is ready.
type Receiver struct {
	buffers sync.Pool // of *bytes.Buffer

	mu       sync.Mutex
	requests int
	seen     map[string]struct{}
	took     []time.Duration
	last     int64
	since    int64
}

// ServeHTTP takes a delivery, or answers for what was counted.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	switch req.URL.Path {
	case pathProgress:
		answer(w, r.progress())
	case pathStats:
		answer(w, r.stats())
	case pathReset:
		since, err := strconv.ParseInt(req.URL.Query().Get("since"), 10, 64)
		if err != nil {
			http.Error(w, "since must be Unix nanoseconds", http.StatusBadRequest)
			return
		}
		r.reset(since)
		w.WriteHeader(http.StatusNoContent)
	default:
		r.take(w, req)
	}
}

func answer(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	// Who asked is gone if it fails.
	_ = json.NewEncoder(w).Encode(value)
}

func (r *Receiver) take(w http.ResponseWriter, req *http.Request) {
	buffer, ok := r.buffers.Get().(*bytes.Buffer)
	if !ok {
		buffer = new(bytes.Buffer)
	}
	defer r.buffers.Put(buffer)
	buffer.Reset()
	if _, err := buffer.ReadFrom(io.LimitReader(req.Body, maxBody)); err != nil {
		// Half a request is none: the sender tries again.
		http.Error(w, "the body did not arrive", http.StatusBadRequest)
		return
	}
	published, ok := stampOf(buffer.Bytes())
	if !ok {
		http.Error(w, "the body has no ref of a benchmark", http.StatusBadRequest)
		return
	}
	r.count(req.Header.Get(signature.HeaderID), published, time.Now().UnixNano())
	w.WriteHeader(http.StatusNoContent)
}

func (r *Receiver) count(id string, published, now int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if published < r.since {
		return
	}
	r.requests++
	if _, ok := r.seen[id]; ok {
		return
	}
	if r.seen == nil {
		r.seen = map[string]struct{}{}
	}
	r.seen[id] = struct{}{}
	r.took = append(r.took, time.Duration(now-published))
	r.last = now
}

// reset forgets everything, and from now on does not count what was published
// before since: it belongs to what was measured earlier.
func (r *Receiver) reset(since int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests, r.last, r.since = 0, 0, since
	r.took = r.took[:0]
	clear(r.seen)
}

func (r *Receiver) progress() Progress {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Progress{Requests: r.requests, Deliveries: len(r.seen)}
}

func (r *Receiver) stats() Stats {
	r.mu.Lock()
	took := slices.Clone(r.took)
	s := Stats{
		Progress:   Progress{Requests: r.requests, Deliveries: len(r.seen)},
		Duplicated: r.requests - len(r.seen),
		LastNS:     r.last,
	}
	r.mu.Unlock()
	slices.Sort(took)
	s.P50, s.P99 = milliseconds(percentile(took, 50)), milliseconds(percentile(took, 99))
	return s
}

// percentile is by nearest rank: the smallest value that p per cent of all are
// not above; 0 of nothing.
func percentile(sorted []time.Duration, p float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[max(rank, 1)-1]
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
