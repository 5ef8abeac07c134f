// Package receiver is the other end of a benchmark: a process of its own that
// takes deliveries and counts. What it does with them the path of the URL says
// (see Behaviour); its query names the group that they are counted in. It does
// as little as it can, since it shares the processors with what it measures.
package receiver

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/staffetta/staffetta/pkg/signature"
)

// The paths at which a receiver answers for itself; deliveries go to those of
// behaviours.
const (
	pathProgress = "/progress"
	pathStats    = "/stats"
	pathReset    = "/reset"
	pathBecome   = "/become"
)

// maxBody is more than any delivery of ours has.
const maxBody = 2 << 20

// Receiver counts requests. Its zero value is ready.
type Receiver struct {
	buffers sync.Pool // of *bytes.Buffer

	mu     sync.RWMutex
	since  int64
	routes map[string]*route // by path and query
	groups map[string]*group
	clocks map[string]*clock
}

// route is where a URL leads.
type route struct {
	group  *group
	behave behaviour
}

// ServeHTTP takes a delivery, or answers for what was counted.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	switch req.URL.Path {
	case pathProgress:
		answer(w, r.progress(req.URL.Query()))
	case pathStats:
		r.answerStats(w, req.URL.Query())
	case pathReset:
		since, err := strconv.ParseInt(req.URL.Query().Get("since"), 10, 64)
		if err != nil {
			http.Error(w, "since must be Unix nanoseconds", http.StatusBadRequest)
			return
		}
		r.reset(since)
		w.WriteHeader(http.StatusNoContent)
	case pathBecome:
		if err := r.become(req.URL.Query()); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	default:
		to, err := r.find(req)
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		r.take(w, req, to)
	}
}

func answer(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	// Who asked is gone if it fails.
	_ = json.NewEncoder(w).Encode(value)
}

// take reads a delivery, behaves, and counts what became of it.
func (r *Receiver) take(w http.ResponseWriter, req *http.Request, to *route) {
	id, published, ok := r.read(w, req)
	if !ok {
		return
	}
	now := time.Now().UnixNano()
	behave, changed := to.group.behaviour(to.behave)
	if behave == nil {
		to.group.take(id, published, now)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	// What is held open counts from its arrival, so that progress shows it.
	to.group.refuse(published)
	status := behave(req.Context(), changed)
	if status/100 == 2 {
		to.group.accept(id, published, now)
	}
	w.WriteHeader(status)
}

// read finds out which delivery it is and when its event was published.
func (r *Receiver) read(w http.ResponseWriter, req *http.Request) (id string, published int64, ok bool) {
	buffer, ok := r.buffers.Get().(*bytes.Buffer)
	if !ok {
		buffer = new(bytes.Buffer)
	}
	defer r.buffers.Put(buffer)
	buffer.Reset()
	if _, err := buffer.ReadFrom(io.LimitReader(req.Body, maxBody)); err != nil {
		// Half a request is none: the sender tries again.
		http.Error(w, "the body did not arrive", http.StatusBadRequest)
		return "", 0, false
	}
	published, ok = stampOf(buffer.Bytes())
	if !ok {
		http.Error(w, "the body has no ref of a benchmark", http.StatusBadRequest)
	}
	return req.Header.Get(signature.HeaderID), published, ok
}

// find is where a request leads. The plain path costs no more than a look.
func (r *Receiver) find(req *http.Request) (*route, error) {
	r.mu.RLock()
	found := r.routes[req.RequestURI]
	r.mu.RUnlock()
	if found != nil {
		return found, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	behave, err := r.parse(req.URL)
	if err != nil {
		return nil, err
	}
	found = &route{group: r.group(req.URL.Query().Get("group")), behave: behave}
	if r.routes == nil {
		r.routes = map[string]*route{}
	}
	r.routes[req.RequestURI] = found
	return found, nil
}

// group finds a group or makes it. The lock is held.
func (r *Receiver) group(name string) *group {
	g, ok := r.groups[name]
	if !ok {
		g = &group{since: r.since, seen: map[string]struct{}{}, changed: make(chan struct{})}
		if r.groups == nil {
			r.groups = map[string]*group{}
		}
		r.groups[name] = g
	}
	return g
}

// become gives a group another behaviour than the paths of its URLs say.
func (r *Receiver) become(query url.Values) error {
	as, err := url.Parse(query.Get("as"))
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	behave, err := r.parse(as)
	if err != nil {
		return err
	}
	r.group(query.Get("group")).become(behave)
	return nil
}

// reset forgets everything, and from now on does not count what was published
// before since: it belongs to what was measured earlier.
func (r *Receiver) reset(since int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.since = since
	for _, g := range r.groups {
		g.reset(since)
	}
}

// asked are the groups that a query is about: one, or all.
func (r *Receiver) asked(query url.Values) []*group {
	r.mu.RLock()
	defer r.mu.RUnlock()
	asked := make([]*group, 0, len(r.groups))
	for name, g := range r.groups {
		if !query.Has("group") || query.Get("group") == name {
			asked = append(asked, g)
		}
	}
	return slices.Clip(asked)
}
