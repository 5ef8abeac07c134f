package sqlstore

import (
	"slices"
	"time"

	"github.com/staffetta/staffetta/pkg/hook"
)

// history is what the log has of one delivery, and what is added to it.
type history struct {
	// key is database.Key of the delivery's id.
	key int64
	// published is by what the log has the delivery in order; 0: not known. stray: it
	// is not what its records say, see timely.
	published int64
	stray     bool
	row       delivery
	// shown is the index in attempts of the record that the row shows; -1 if it
	// is none of them.
	shown int
	// attempts in the order in which they came.
	attempts []entry
	// stored: the delivery has a row in the table; storedLone: which tells of its
	// one attempt; changed: it is another now.
	stored, storedLone, changed bool
}

// entry is an attempt, or a fate without one.
type entry struct {
	key attemptKey
	// attempt has what of it counts as usage if it is in the table attempts, and
	// all else if not; nobody writes to it.
	attempt *hook.Attempt
	// tabled: it is in the table attempts; stale: with what does not count any
	// more.
	tabled, stale bool
}

// attemptKey is what makes a record unique among its delivery's.
type attemptKey struct {
	run    int64
	number int
	place  string
}

func keyOf(a *hook.Attempt) attemptKey {
	key := attemptKey{a.Run, a.Number, ""}
	if a.Number == 0 {
		key.place = place(a.Step, a.Fate)
	}
	return key
}

// novelty is what a record is to the log.
type novelty int

const (
	// added: the log did not have it. The zero novelty: it has it, or a twin of it
	// that counts.
	added novelty = iota + 1
	// corrected: a twin of it failed, but this one is a success.
	corrected
)

// add takes a record in, and says what that is to the log: twins that posted the
// same attempt leave one entry, the success if there was one. failed is the one that
// is corrected, else nil.
func (h *history) add(a *hook.Attempt) (is novelty, failed *hook.Attempt) {
	key := keyOf(a)
	at := slices.IndexFunc(h.attempts, func(e entry) bool { return e.key == key })
	fresh := at < 0
	switch {
	case fresh:
		is = added
		at = len(h.attempts)
		h.attempts = append(h.attempts, entry{key: key, attempt: a})
	case a.Fate == hook.FateDelivered && h.attempts[at].attempt.Fate != hook.FateDelivered:
		is = corrected
		e := &h.attempts[at]
		failed = e.attempt
		e.attempt, e.tabled, e.stale = a, false, e.tabled || e.stale
	default:
		at = -1 // a twin, of which the row may take notice all the same
	}
	switch {
	case !h.stored && fresh && at == 0:
		h.row, h.shown = deliveryOf(a), at
	case h.row.takes(a):
		h.row, h.shown, h.changed = h.row.then(a), at, true
	}
	return is, failed
}

// release makes it wait for its first attempt in a new run, from a time on,
// unless it is in that run or a newer one already.
func (h *history) release(run int64, from time.Time) {
	if h.row.attempt.Run >= run {
		return
	}
	a := *h.row.attempt
	a.Fate, a.Reason, a.Run, a.Step, a.Number, a.StatusCode = hook.FateRetrying, hook.ReasonNone, run, 0, 0, 0
	a.At, a.Due = from, time.Time{}
	h.row, h.shown, h.changed = deliveryOf(&a), -1, true
}

// discard gives it up if it is exhausted, in a run of its own: newer than what it had, so
// that a late twin of that changes nothing, and older than whatever asks for it from now
// on. What is known of its attempts stays shown.
func (h *history) discard(at time.Time) bool {
	if h.row.status != hook.FateExhausted {
		return false
	}
	a := *h.row.attempt
	a.Fate, a.Reason, a.Run, a.Step, a.Number, a.StatusCode = hook.FateCancelled, hook.ReasonDiscarded, a.Run+1, 0, h.row.number, h.row.statusCode
	a.At, a.Due = at, time.Time{}
	h.row, h.shown, h.changed = deliveryOf(&a), -1, true
	return true
}

// lone reports whether the row tells all that there is.
func (h *history) lone() bool {
	if len(h.attempts) != 1 || h.shown != 0 || h.attempts[0].tabled || h.attempts[0].stale {
		return false
	}
	a := h.attempts[0].attempt
	return h.row.status == a.Fate && h.row.number == a.Number && h.row.statusCode == a.StatusCode
}
