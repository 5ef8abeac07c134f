package chaos

import (
	"math/rand/v2"
	"slices"
	"time"
)

// How something happens to a part.
type how string

const (
	killed    how = "kill"    // SIGKILL, then a start
	restarted how = "restart" // an orderly stop, then a start
	flushed   how = "flush"   // the server stays, what it held is gone
)

// stroke is one of the things that may happen.
type stroke struct {
	part string // a service, or kafka, redis or postgres
	how  how
}

func (s stroke) String() string { return s.part + " " + string(s.how) }

// strokes are those that may happen to an installation; only those that are
// named, if some are.
func strokes(base servers, only []string) []stroke {
	var all []stroke
	for _, s := range fleet {
		all = append(all, stroke{s.service, killed}, stroke{s.service, restarted})
	}
	all = append(all, base.strokes()...)
	if len(only) == 0 {
		return all
	}
	return slices.DeleteFunc(all, func(s stroke) bool { return !slices.Contains(only, s.String()) })
}

// blow is a stroke that fell.
type blow struct {
	stroke
	name string // of the process: sender-1
	// from and to bound the moment of the kill or of the stop's signal.
	from, to time.Time
	// back is when the part was started again; a server answers by then.
	back time.Time
	// healthy is when all services were ready again and everything flowed, or the
	// wait for that was given up.
	healthy time.Time
}

// deck deals strokes in random order, each once before one comes again, so that
// as many rounds as there are strokes have met them all.
type deck struct {
	random *rand.Rand
	all    []stroke
	left   []stroke
}

func newDeck(random *rand.Rand, all []stroke) *deck { return &deck{random: random, all: all} }

func (d *deck) deal() stroke {
	if len(d.left) == 0 {
		d.left = append(d.left, d.all...)
		d.random.Shuffle(len(d.left), func(i, j int) { d.left[i], d.left[j] = d.left[j], d.left[i] })
	}
	next := d.left[0]
	d.left = d.left[1:]
	return next
}
