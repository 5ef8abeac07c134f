package receiver

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Behaviour is what a receiver does with deliveries: the path of their URL, and
// what it needs of a query.
type Behaviour string

// The behaviours without settings.
const (
	// OK answers 204 at once.
	OK Behaviour = "/ok"
	// Hang accepts the request and does not answer it, until the receiver ends,
	// the sender gives up, or the group becomes something else.
	Hang Behaviour = "/hang"
)

// pathHook is the plain path; it behaves as OK.
const pathHook = "/hook"

// Status answers with a status code, from 200 to 599.
func Status(code int) Behaviour { return Behaviour("/status/" + strconv.Itoa(code)) }

// Slow answers 204 after some time, in whole milliseconds.
func Slow(after time.Duration) Behaviour {
	return Behaviour("/slow?ms=" + strconv.FormatInt(after.Milliseconds(), 10))
}

// Rate answers 204 to so many requests a second, at least 1, one after the
// other; what is more waits. URLs with the same key share the rate.
func Rate(key string, perSecond int) Behaviour {
	return Behaviour("/rate?key=" + url.QueryEscape(key) + "&per_s=" + strconv.Itoa(perSecond))
}

// in adds the group to the path and query.
func (b Behaviour) in(group string) string {
	joint := "?"
	if strings.Contains(string(b), "?") {
		joint = "&"
	}
	return string(b) + joint + "group=" + url.QueryEscape(group)
}

// behaviour returns the status to answer with, when it is time. changed is
// closed when the group's behaviour is another one. nil is OK.
type behaviour func(ctx context.Context, changed <-chan struct{}) (status int)

// parse finds the behaviour that a URL asks for. The lock is held.
func (r *Receiver) parse(u *url.URL) (behaviour, error) {
	query := u.Query()
	if code, ok := strings.CutPrefix(u.Path, "/status/"); ok {
		status, err := number(code, "the status", http.StatusOK, 599)
		return func(context.Context, <-chan struct{}) int { return status }, err
	}
	switch u.Path {
	case pathHook, string(OK):
		return nil, nil //nolint:nilnil // nil is the plain behaviour
	case string(Hang):
		return hang, nil
	case "/slow":
		ms, err := number(query.Get("ms"), "ms", 1, int(time.Hour.Milliseconds()))
		return slow(time.Duration(ms) * time.Millisecond), err
	case "/rate":
		perSecond, err := number(query.Get("per_s"), "per_s", 1, 1_000_000)
		return r.clock(query.Get("key")).rate(perSecond), err
	default:
		return nil, fmt.Errorf("nothing behaves as %s", u.Path)
	}
}

func number(text, name string, least, most int) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return least, fmt.Errorf("%s must be a whole number from %d to %d, not %q", name, least, most, text)
	}
	return n, nil
}

func hang(ctx context.Context, changed <-chan struct{}) int {
	select {
	case <-changed:
	case <-ctx.Done():
	}
	return http.StatusServiceUnavailable
}

func slow(after time.Duration) behaviour {
	return func(ctx context.Context, _ <-chan struct{}) int { return wait(ctx, after) }
}

// wait is how a delivery is taken after some time; not if the sender has given
// up by then.
func wait(ctx context.Context, span time.Duration) int {
	timer := time.NewTimer(span)
	defer timer.Stop()
	select {
	case <-timer.C:
		return http.StatusNoContent
	case <-ctx.Done():
		return http.StatusServiceUnavailable
	}
}

// clock gives out places, evenly spaced, to what takes one thing at a time.
type clock struct {
	mu   sync.Mutex
	next time.Time
}

// clock finds the clock of a key or makes it. The lock is held.
func (r *Receiver) clock(key string) *clock {
	c, ok := r.clocks[key]
	if !ok {
		c = &clock{}
		if r.clocks == nil {
			r.clocks = map[string]*clock{}
		}
		r.clocks[key] = c
	}
	return c
}

// place is the first that is free.
func (c *clock) place(now time.Time, every time.Duration) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := c.next
	if at.Before(now) {
		at = now
	}
	c.next = at.Add(every)
	return at
}

func (c *clock) rate(perSecond int) behaviour {
	every := time.Second / time.Duration(perSecond)
	return func(ctx context.Context, _ <-chan struct{}) int {
		now := time.Now()
		return wait(ctx, c.place(now, every).Sub(now))
	}
}
