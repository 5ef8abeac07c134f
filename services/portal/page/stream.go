package page

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/hook"
)

const (
	// sessionStreams is how many streams one session may have open at once: windows that
	// are in sight, since hidden ones close theirs. Over HTTP/1.1 a browser has six
	// connections to a host, and the rest of the portal needs some.
	sessionStreams = 4
	// accountStreams is how many the sessions of one account may have: anybody can open any
	// number of sessions with a key or a link, and the others' streams are to go on.
	accountStreams = 40
	// allStreams is how many there may be in all: each asks the database once a second.
	allStreams = 200
	// streamWrite bounds how long an event may take to be written; who is slower is away.
	streamWrite = 10 * time.Second
)

// streams counts those that are open.
type streams struct {
	mu                   sync.Mutex
	all                  int
	ofSession, ofAccount map[string]int
}

// enter counts one more of a visitor, until leave is called; nil: there are enough.
func (s *streams) enter(v *Visitor) (leave func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all >= allStreams || s.ofSession[v.Secret] >= sessionStreams || s.ofAccount[v.Account] >= accountStreams {
		return nil
	}
	if s.ofSession == nil {
		s.ofSession, s.ofAccount = map[string]int{}, map[string]int{}
	}
	s.all++
	s.ofSession[v.Secret]++
	s.ofAccount[v.Account]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.all--
		less(s.ofSession, v.Secret)
		less(s.ofAccount, v.Account)
	}
}

// less counts one less, and forgets what there is none of.
func less(of map[string]int, name string) {
	if of[name]--; of[name] == 0 {
		delete(of, name)
	}
}

// Stream is an answer that goes on, as server-sent events, for as long as somebody reads
// it. One goroutine uses it.
type Stream struct {
	kit   *Kit
	w     http.ResponseWriter
	scope hook.Scope
	// Request is what asked for it.
	Request *http.Request
	// Visitor is who reads it.
	Visitor *Visitor
	// Seen is the id of the event that the reader has seen last; empty: of none, or of one
	// that had no id.
	Seen string
	// next is when it has to show that it is alive.
	next time.Time
}

// Stream is an answer to visitors with a scope that goes on until h returns. The error of
// h is for the log: the reader connects again. 429 if too many are open.
func (k *Kit) Stream(scope hook.Scope, h func(*Stream) error) http.HandlerFunc {
	return k.Read(scope, func(w http.ResponseWriter, r *http.Request, v *Visitor) error {
		leave := k.streams.enter(v)
		if leave == nil {
			w.Header().Set("Retry-After", "10")
			http.Error(w, "too many streams are open", http.StatusTooManyRequests)
			return nil
		}
		defer leave()
		header := w.Header()
		header.Set("Content-Type", "text/event-stream")
		header.Set("X-Accel-Buffering", "no") // which nginx would, and so keep events back
		s := &Stream{kit: k, w: w, scope: scope, Request: r, Visitor: v, Seen: r.Header.Get("Last-Event-ID")}
		// The server bounds requests, by which it would end the stream.
		if err := http.NewResponseController(w).SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
		if r.Method == http.MethodHead || s.write("retry: 2000\n\n") != nil {
			return nil
		}
		if err := h(s); err != nil && r.Context().Err() == nil {
			k.cfg.Log.Warn("a stream of the portal broke off", zap.String("path", r.URL.Path), zap.Error(err))
		}
		return nil
	})
}

// Send writes an event. The error says that nobody reads any more.
func (s *Stream) Send(event, id, data string) error {
	var text strings.Builder
	text.WriteString("event: " + event + "\n")
	if id != "" {
		text.WriteString("id: " + id + "\n")
	}
	for line := range strings.Lines(strings.ReplaceAll(data, "\r", "\n")) {
		text.WriteString("data: " + strings.TrimSuffix(line, "\n") + "\n")
	}
	if data == "" {
		text.WriteString("data:\n") // else it would be no event
	}
	text.WriteString("\n")
	return s.write(text.String())
}

func (s *Stream) write(text string) error {
	control := http.NewResponseController(s.w)
	if err := control.SetWriteDeadline(time.Now().Add(streamWrite)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	s.next = time.Now().Add(s.kit.cfg.Beat)
	return control.Flush()
}

// Wait waits, and shows meanwhile that the stream is alive. It tells whether to go on: not
// if nobody reads any more, if the process ends, or if the visitor may no longer read
// it; then it has told them.
func (s *Stream) Wait(d time.Duration) bool {
	ctx := s.Request.Context()
	until := time.Now().Add(d)
	for {
		at := until
		if s.next.Before(at) {
			at = s.next
		}
		timer := time.NewTimer(time.Until(at))
		select {
		case <-ctx.Done():
			timer.Stop()
			return false
		case <-s.kit.cfg.Ending:
			timer.Stop()
			return false
		case <-timer.C:
		}
		if !time.Now().Before(s.next) && s.write(": alive\n\n") != nil {
			return false
		}
		if !time.Now().Before(until) {
			return s.still(ctx)
		}
	}
}

// still tells whether the visitor may still read it. When the store does not answer,
// nothing is known; then they connect again.
func (s *Stream) still(ctx context.Context) bool {
	v, err := s.kit.cfg.Visitor(s.Request)
	switch {
	case errors.Is(err, apiauth.ErrUnauthorized), err == nil && (v.Account != s.Visitor.Account || s.scope != "" && !v.May(s.scope)):
		_ = s.Send("over", "", "") // a reader that is gone needs not know
		return false
	case err != nil:
		if ctx.Err() == nil {
			s.kit.cfg.Log.Warn("a stream ends, since it is not known who reads it", zap.Error(err))
		}
		return false
	}
	return true
}
