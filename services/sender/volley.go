package sender

import "time"

// volleys tell which requests of a lane fail together, so that a streak can count
// those as one that were in flight when the breaker opened (CONTRACT.md, "Streak").
//
// A volley are those that were started until the first of them failed. Those of
// which some are in flight when the breaker opens, which takes five failures, have
// met what opened it; the recorder sees by the opening's number which volleys these
// are. The numbers rise with the time at which the lane was made, so that none is
// used twice, by other owners of the webhook either. It belongs to the lane.
type volleys struct {
	// moment is the number of the volley that new requests join, opening that of the
	// last opening; 0: there was none.
	moment, opening int64
	// openings is how often the breaker had opened.
	openings int
}

func newVolleys(now time.Time) volleys { return volleys{moment: now.UnixMicro()} }

// begins notes that a request is started.
func (v *volleys) begins(t *task) { t.volley, t.opening = v.moment, 0 }

// ends notes how a request went, and how often the breaker has opened by then. It
// opens by what it is told, so each opening is seen here at once.
func (v *volleys) ends(t *task, went verdict, openings int) {
	if openings != v.openings {
		v.moment++
		v.openings, v.opening = openings, v.moment
	}
	if went == away && t.volley == v.moment {
		v.moment++
	}
	if (went == away || went == failed) && v.opening > t.volley {
		t.opening = v.opening
	}
}
