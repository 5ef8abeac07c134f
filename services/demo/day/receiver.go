package day

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/signature"
)

// maxBody bounds a delivery: an event has at most 900,000 bytes.
const maxBody = 2 << 20

// inbox is what arrived of one webhook.
type inbox struct {
	subscription
	webhook string // its id

	mu sync.Mutex
	// events in the order in which they came first.
	events []event
	// seen is how often each delivery came, by its id; where the format has none, by
	// what it says, which no two deliveries do.
	seen map[string]int
	// identified: the format has ids.
	identified bool
	// repeated is how many came again; refused are those that were not understood.
	repeated int
	refused  []string
	// rows of the log, as of the last look; of one goroutine alone.
	rows []row
}

// receiver receives for all webhooks: each has its path.
type receiver struct {
	url     string
	inboxes []*inbox
	server  *http.Server
	served  chan struct{}
	// arrived has a token when something has.
	arrived chan struct{}
}

func receive(ctx context.Context, cfg Config) (*receiver, error) {
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", cfg.Receiver)
	if err != nil {
		return nil, fmt.Errorf("receiver: %w", err)
	}
	r := &receiver{
		url: "http://" + listener.Addr().String() + "/", served: make(chan struct{}), arrived: make(chan struct{}, 1),
	}
	for _, s := range subscriptions() {
		r.inboxes = append(r.inboxes, &inbox{subscription: s, seen: make(map[string]int)})
	}
	r.server = &http.Server{Handler: r, ReadHeaderTimeout: 10 * time.Second, ErrorLog: zap.NewStdLog(cfg.Log)}
	go func() {
		defer close(r.served)
		_ = r.server.Serve(listener) // it says that it was closed
	}()
	return r, nil
}

func (r *receiver) close() {
	_ = r.server.Close() // nothing is under way any more, or nobody waits for it
	<-r.served
}

// ServeHTTP takes what verifies and is understood; the rest is refused, and told of.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	n, err := strconv.Atoi(req.URL.Path[1:])
	if err != nil || n < 0 || n >= len(r.inboxes) {
		http.NotFound(w, req)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBody))
	if err != nil {
		http.Error(w, "the body did not arrive", http.StatusBadRequest)
		return
	}
	if err := r.inboxes[n].take(req.Header, body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusNoContent)
	select {
	case r.arrived <- struct{}{}:
	default:
	}
}

func (b *inbox) take(h http.Header, body []byte) error {
	err := b.verify(h, body, b.secret)
	var e event
	if err == nil {
		e, err = b.parse(h, body)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil {
		b.refused = append(b.refused, err.Error())
		return err
	}
	id := h.Get(signature.HeaderID)
	if id == "" {
		id = e.kind + " " + string(body)
	}
	if b.seen[id]++; b.seen[id] > 1 {
		b.repeated++
		return nil
	}
	b.identified = b.identified || h.Get(signature.HeaderID) != ""
	b.events = append(b.events, e)
	return nil
}

// all are the events that came, oldest first.
func (b *inbox) all() []event {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.events[:len(b.events):len(b.events)]
}
