package deliveries

import (
	"net/http"
	"time"

	"github.com/staffetta/staffetta/services/portal/names"
	"github.com/staffetta/staffetta/services/portal/page"
)

// States of what shows the log live.
const (
	liveOn     = "on"
	livePaused = "paused"
	liveAway   = "away" // the window is not in sight: nobody looks
)

// live is what shows the log live.
type live struct {
	State string
	// Stream is where events come from; On, Paused and Away are where it is had in that
	// state.
	Stream, On, Paused, Away string
}

func (s *service) live(q query, state, seen string) *live {
	at := func(state string) string { return s.kit.Path("log/live" + q.with("state", state)) }
	return &live{State: state, Stream: s.kit.Path("log/stream" + q.with("seen", seen)), On: at(liveOn), Paused: at(livePaused), Away: at(liveAway)}
}

// showLive turns the stream on and off.
func (s *service) showLive(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	q := readQuery(r)
	state := r.URL.Query().Get("state")
	if state != livePaused && state != liveAway {
		state = liveOn
	}
	if r.Header.Get("HX-Request") == "" { // somebody opened it by itself
		s.kit.Redirect(w, r, "log"+q.with("", ""))
		return nil
	}
	return s.kit.Fragment(w, r, v, s.list, "live", s.live(q, state, ""))
}

// changed is what an event shows.
type changed struct{ Changes []change }

// stream sends what is new or changed in the newest page of the log, so that the page
// shows what it would show anew. Events have as their id what the page shows then: a
// browser that connects again gets all of it if something is another one meanwhile.
func (s *service) stream(live *page.Stream) error {
	ctx, v := live.Request.Context(), live.Visitor
	q := readQuery(live.Request)
	q.Cursor = ""
	lang := s.kit.Language(live.Request, v)
	n, err := names.Of(ctx, v.API)
	if err != nil {
		return err
	}
	seen := live.Seen
	if seen == "" {
		seen = live.Request.URL.Query().Get("seen")
	}
	var before []row
	known := false
	var pace pace
	for {
		began := time.Now()
		rows, _, err := look(ctx, v.API, q, n, lang)
		if _, refused := page.Refused(err); refused { // as it would be the next time
			_ = live.Send("over", "", "")
			return nil
		}
		if err != nil {
			return err
		}
		took := time.Since(began)
		now := digest(rows)
		fresh := now != seen
		if fresh {
			changes := whole(rows)
			if known {
				changes = diff(before, rows)
			}
			html, err := s.kit.Render(live.Request, v, s.list, "changes", changed{changes})
			if err != nil {
				return err
			}
			if live.Send("rows", now, html) != nil {
				return nil // nobody reads any more
			}
		}
		before, seen, known = rows, now, true
		if !live.Wait(pace.next(took, fresh)) {
			return nil
		}
	}
}

const (
	// quickest is how often a stream asks at most.
	quickest = time.Second
	// quiet is how often it asks of a log in which nothing happens.
	quiet = 3 * time.Second
	// slowest is how often it asks if the answer takes long.
	slowest = 30 * time.Second
	// share of its time that a stream may make the database work.
	share = 20
)

// pace says when a stream asks again.
type pace struct {
	// idle is how often there was nothing.
	idle int
}

// next is how long to wait after an answer.
func (p *pace) next(took time.Duration, fresh bool) time.Duration {
	p.idle++
	if fresh {
		p.idle = 0
	}
	wait := quickest
	if p.idle > 30 {
		wait = quiet
	}
	return min(max(wait, share*took), slowest)
}
