package portal

import (
	"net/netip"
	"sync"
	"time"
)

const (
	// guessesAllowed is how many texts that are no key an address may try in guessWindow.
	// Keys have 256 random bits: this is not what protects them, but it keeps the database
	// and the log quiet, and a person who mistypes never meets it.
	guessesAllowed = 20
	guessWindow    = time.Minute
	// guessersKept bounds the addresses that are remembered; at about 100 bytes each this
	// is 1 MB. Beyond it all of them begin anew.
	guessersKept = 10_000
)

// guesses counts who tries keys that are none. It is safe for concurrent use; each
// process counts for itself.
type guesses struct {
	now func() time.Time

	mu    sync.Mutex
	tried map[string]tries
}

// tries are those of an address in a window.
type tries struct {
	n     int
	until time.Time
}

func newGuesses(now func() time.Time) *guesses {
	return &guesses{now: now, tried: map[string]tries{}}
}

// try takes in that an address tries a text, or is how long it has to wait before it may.
// It counts before the text is looked up: those that are tried at once count too.
func (g *guesses) try(address string) (wait time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now, who := g.now(), guesser(address)
	t, known := g.tried[who]
	if !now.Before(t.until) {
		t = tries{until: now.Add(guessWindow)}
	}
	if t.n >= guessesAllowed {
		return t.until.Sub(now)
	}
	if !known && len(g.tried) >= guessersKept {
		clear(g.tried)
	}
	t.n++
	g.tried[who] = t
	return 0
}

// right takes back that an address tried a text: it was no wrong one.
func (g *guesses) right(address string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	who := guesser(address)
	if t := g.tried[who]; t.n > 0 {
		t.n--
		g.tried[who] = t
	}
}

// guesser is the address, or the network that one customer has of IPv6.
func guesser(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil || ip.Is4() {
		return address
	}
	const bits = 64
	network, err := ip.Prefix(bits)
	if err != nil {
		return address
	}
	return network.String()
}
