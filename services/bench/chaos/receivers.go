package chaos

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/staffetta/staffetta/pkg/signature"
)

// kind is how a receiver behaves; the first segment of its path.
type kind string

const (
	quick   kind = "quick"   // answers at once
	slow    kind = "slow"    // answers after slowness
	flaky   kind = "flaky"   // answers 500 to a tenth of the requests
	hanging kind = "hanging" // never answers a request in hangShare
)

// kinds lists every kind.
var kinds = []kind{quick, slow, flaky, hanging}

const (
	slowness  = 50 * time.Millisecond
	failShare = 10
	hangShare = 200
	// maxFailures of one delivery, so that none uses its attempts up.
	maxFailures = 2
	// hangTimeout is how long a sender waits for a hanging receiver.
	// It is far above what a busy machine takes to answer: an answer that came
	// just when the sender gave up would look like a repetition without a cause.
	hangTimeout = 5 * time.Second
	// maxHang bounds a request whose sender does not give up.
	maxHang = time.Minute

	headerTimeout = 10 * time.Second
	// maxBody is more than any delivery of ours has.
	maxBody = 1 << 20
)

// receivers take the deliveries of all webhooks.
type receivers struct {
	ledger *ledger
	url    string
	server *http.Server
	failed chan error
}

func receive(ctx context.Context, l *ledger) (*receivers, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("receivers: %w", err)
	}
	r := &receivers{ledger: l, url: "http://" + listener.Addr().String(), failed: make(chan error, 1)}
	r.server = &http.Server{Handler: r, ReadHeaderTimeout: headerTimeout}
	go func() { r.failed <- r.server.Serve(listener) }()
	return r, nil
}

func (r *receivers) close() error {
	err := r.server.Close()
	if failed := <-r.failed; !errors.Is(failed, http.ErrServerClosed) {
		err = errors.Join(err, fmt.Errorf("receivers: %w", failed))
	}
	return err
}

// ServeHTTP takes one delivery.
func (r *receivers) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if _, err := io.Copy(io.Discard, io.LimitReader(req.Body, maxBody)); err != nil {
		return // half a request is none
	}
	id := req.Header.Get(signature.HeaderID)
	name, _, _ := strings.Cut(strings.TrimPrefix(req.URL.Path, "/"), "/")
	n := r.ledger.begin(id, time.Now())
	status := kind(name).answer(req.Context(), id, n)
	if status == 0 || req.Context().Err() != nil {
		r.ledger.end(id, n, 0, time.Now())
		panic(http.ErrAbortHandler) // which closes the connection without an answer
	}
	w.WriteHeader(status)
	if err := http.NewResponseController(w).Flush(); err != nil {
		r.ledger.end(id, n, 0, time.Now())
		return
	}
	r.ledger.end(id, n, status, time.Now())
}

// answer is the status with which a receiver answers the n-th request of a
// delivery, from 0; 0: it does not answer, or the sender did not wait.
func (k kind) answer(ctx context.Context, id string, n int) int {
	switch {
	case k == slow:
		if !pause(ctx, slowness) {
			return 0
		}
	case k == flaky && n < maxFailures && lot(id, n)%failShare == 0:
		return http.StatusInternalServerError
	case k == hanging && n < maxFailures && lot(id, n)%hangShare == 0:
		pause(ctx, maxHang)
		return 0
	}
	return http.StatusNoContent
}

// lot is drawn for each request, the same whenever it comes.
func lot(id string, n int) uint32 {
	h := fnv.New32a()
	_, _ = io.WriteString(h, id+strconv.Itoa(n)) // a hash takes everything
	return h.Sum32()
}

// pause tells whether ctx let it wait so long.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
