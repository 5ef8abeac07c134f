package receiver

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// Progress is how much has arrived.
type Progress struct {
	// Requests that arrived.
	Requests int `json:"requests"`
	// Deliveries is the number of distinct ids among those that were taken.
	Deliveries int `json:"deliveries"`
	// Refused requests were answered with another status than 2xx, or not yet.
	Refused int `json:"refused,omitempty"`
}

// Stats is what arrived since the last reset.
type Stats struct {
	Progress
	// Duplicated is the number of requests that were taken and whose id had been
	// taken before.
	Duplicated int `json:"duplicated"`
	// LastNS is when the last new delivery arrived, in Unix nanoseconds; 0: none.
	LastNS int64 `json:"last_ns"`
	// Timed is how many deliveries P50 and P99 are of: all, or those that were
	// published in the window that was asked for.
	Timed int `json:"timed"`
	// P50 and P99 are milliseconds from publish to the first arrival.
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
}

// window bounds the time of publication, in Unix nanoseconds.
type window struct{ from, to int64 }

func windowOf(query url.Values) (w window, err error) {
	w.to = math.MaxInt64
	for name, bound := range map[string]*int64{"from": &w.from, "to": &w.to} {
		text := query.Get(name)
		if text == "" {
			continue
		}
		if *bound, err = strconv.ParseInt(text, 10, 64); err != nil {
			return w, fmt.Errorf("%s must be Unix nanoseconds", name)
		}
	}
	return w, nil
}

func (r *Receiver) answerStats(w http.ResponseWriter, query url.Values) {
	within, err := windowOf(query)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answer(w, statsOf(r.asked(query), within))
}

func (r *Receiver) progress(query url.Values) Progress {
	var sum Progress
	for _, g := range r.asked(query) {
		sum.add(g.progress())
	}
	return sum
}

func (p *Progress) add(o Progress) {
	p.Requests += o.Requests
	p.Deliveries += o.Deliveries
	p.Refused += o.Refused
}

func statsOf(groups []*group, within window) Stats {
	var (
		s    Stats
		took []time.Duration
	)
	for _, g := range groups {
		p, arrivals, last := g.all()
		s.add(p)
		s.LastNS = max(s.LastNS, last)
		for _, a := range arrivals {
			if a.published >= within.from && a.published < within.to {
				took = append(took, time.Duration(a.took))
			}
		}
	}
	s.Duplicated = s.Requests - s.Refused - s.Deliveries
	slices.Sort(took)
	s.Timed = len(took)
	s.P50, s.P99 = milliseconds(percentile(took, 50)), milliseconds(percentile(took, 99))
	return s
}

// percentile is by nearest rank: the smallest value that p per cent of all are
// not above; 0 of nothing.
func percentile(sorted []time.Duration, p float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[max(rank, 1)-1]
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
