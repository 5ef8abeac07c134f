package sender

import (
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"
)

// The breaker's rule (CONTRACT.md, "Behaviour that people can feel").
const (
	// tripRow failures in a row open it.
	tripRow = 5
	// tripOf requests in tripWindow open it if at least half of them failed.
	tripOf     = 20
	tripWindow = 10 * time.Second
	// firstOpen is how long it stays open the first time; doubling from then.
	firstOpen = time.Second
	// openJitter lengthens each opening by up to a tenth, so that receivers
	// behind one load balancer are not probed in step.
	openJitter = 0.1
)

// DefaultMaxOpen is the longest time that a breaker stays open.
const DefaultMaxOpen = 2 * time.Minute

// What gobreaker is told of requests that do not count as a success.
var (
	errAway    = errors.New("the receiver is away or overloaded")
	errUntried = errors.New("there was no request")
)

// breaker keeps requests from a receiver that is away or overloaded. gobreaker
// decides; this adds openings that double: each opening is a gobreaker of its
// own, with its own timeout. It is safe for concurrent use.
type breaker struct {
	longest time.Duration
	// changed is told of each new state and how long it lasts; it must not wait.
	changed func(state circuit, lasts time.Duration)

	mu      sync.Mutex
	current *gobreaker.TwoStepCircuitBreaker[struct{}]
	// opened is how often it opened since it was closed last; until is the end
	// of the opening. openings are all since the breaker was made.
	opened   int
	until    time.Time
	openings int
}

func newBreaker(longest time.Duration, changed func(circuit, time.Duration)) *breaker {
	b := &breaker{longest: longest, changed: changed}
	b.current = b.build(firstOpen, tripped)
	return b
}

// tripped is the rule for a closed breaker.
func tripped(c gobreaker.Counts) bool {
	return c.ConsecutiveFailures >= tripRow || c.Requests >= tripOf && 2*c.TotalFailures >= c.Requests
}

func (b *breaker) build(open time.Duration, trip func(gobreaker.Counts) bool) *gobreaker.TwoStepCircuitBreaker[struct{}] {
	open = min(open, b.longest)
	open += time.Duration(openJitter * rand.Float64() * float64(open))
	return gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		MaxRequests:  1,
		Interval:     tripWindow,
		BucketPeriod: time.Second,
		Timeout:      open,
		ReadyToTrip:  trip,
		IsExcluded:   func(err error) bool { return errors.Is(err, errUntried) },
		OnStateChange: func(_ string, _, to gobreaker.State) {
			// Called under gobreaker's lock, which is always taken under ours.
			switch to {
			case gobreaker.StateOpen:
				b.opened++
				b.openings++
				b.until = time.Now().Add(open)
				b.changed(circuitOpen, open)
			case gobreaker.StateHalfOpen:
				b.changed(circuitHalfOpen, 0)
			case gobreaker.StateClosed:
				b.opened = 0
				b.changed(circuitClosed, 0)
			}
		},
	})
}

// allow asks for one request: not while it is open, and one at a time while it
// is half open. If it is granted, tell is to be called with how it went; it returns
// how often the breaker has opened by then.
func (b *breaker) allow() (tell func(verdict) int, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	asked := b.current
	done, err := asked.Allow()
	if err != nil {
		return nil, false
	}
	return func(went verdict) int { return b.tell(asked, done, went) }, true
}

func (b *breaker) tell(asked *gobreaker.TwoStepCircuitBreaker[struct{}], done func(error), went verdict) (openings int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if asked != b.current {
		return b.openings // an answer from before the last opening says nothing new
	}
	before := b.opened
	switch went {
	case untried:
		done(errUntried)
	case away:
		done(errAway)
		if b.opened > before && before > 0 {
			// A probe failed: this opening is twice as long as the one before.
			b.reopen(firstOpen << min(before, 30))
		}
	default:
		done(nil)
		if before > 0 && b.opened == 0 {
			// A probe closed it: the next opening is short again.
			b.current = b.build(firstOpen, tripped)
		}
	}
	return b.openings
}

// reopen replaces the breaker by one that is open for longer.
func (b *breaker) reopen(open time.Duration) {
	opened, openings := b.opened, b.openings
	always := true
	b.current = b.build(open, func(c gobreaker.Counts) bool {
		if always {
			always = false
			return true
		}
		return tripped(c)
	})
	if done, err := b.current.Allow(); err == nil {
		done(errAway)
	}
	b.opened, b.openings = opened, openings // it is the same opening
}

// state is "closed", "open" or "half_open", and until when it is open.
func (b *breaker) state() (circuit, time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch b.current.State() {
	case gobreaker.StateOpen:
		return circuitOpen, b.until
	case gobreaker.StateHalfOpen:
		return circuitHalfOpen, time.Time{}
	default:
		return circuitClosed, time.Time{}
	}
}

// shown is state for who only looks: it lets nothing happen.
func (b *breaker) shown(now time.Time) circuit {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.opened == 0:
		return circuitClosed
	case now.Before(b.until):
		return circuitOpen
	default:
		return circuitHalfOpen
	}
}

// circuit is a breaker's state in the words of CONTRACT.md.
type circuit string

const (
	circuitClosed   circuit = "closed"
	circuitOpen     circuit = "open"
	circuitHalfOpen circuit = "half_open"
)
