package hook

import "time"

// LatencyBounds are the upper bounds of a Latency's classes, each in its class;
// one more class has what is beyond, up to MaxTimeout. A percentile is told to
// about a fourth of itself.
var LatencyBounds = [...]time.Duration{
	5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2500 * time.Millisecond, 5 * time.Second, 10 * time.Second,
}

// Latency sums up how long requests took. Sums of it are exact, so those of
// hours give that of a day.
type Latency struct {
	// Sum of all durations.
	Sum time.Duration
	// Counts of durations, by class.
	Counts [len(LatencyBounds) + 1]int64
}

// LatencyClass is the class of a duration: its index in Latency.Counts.
func LatencyClass(d time.Duration) int {
	for class, bound := range LatencyBounds {
		if d <= bound {
			return class
		}
	}
	return len(LatencyBounds)
}

// Note counts a duration.
func (l *Latency) Note(d time.Duration) {
	l.Sum += d
	l.Counts[LatencyClass(d)]++
}

// Add adds what another one has.
func (l *Latency) Add(more *Latency) {
	l.Sum += more.Sum
	for class, n := range more.Counts {
		l.Counts[class] += n
	}
}

// Count is how many durations there are.
func (l *Latency) Count() (n int64) {
	for _, some := range l.Counts {
		n += some
	}
	return n
}

// Mean is exact; 0 if there are none.
func (l *Latency) Mean() time.Duration {
	n := l.Count()
	if n == 0 {
		return 0
	}
	return l.Sum / time.Duration(n)
}

// Percentile is the duration that so many percent of them did not exceed, as if
// those of a class were spread evenly; 0 if there are none.
func (l *Latency) Percentile(percent float64) time.Duration {
	rank := percent / 100 * float64(l.Count())
	var below time.Duration
	for class, n := range l.Counts {
		upTo := MaxTimeout
		if class < len(LatencyBounds) {
			upTo = LatencyBounds[class]
		}
		if n > 0 && rank <= float64(n) {
			within := time.Duration(float64(upTo-below) * rank / float64(n))
			return min(below+within, l.Sum) // none takes longer than all
		}
		rank -= float64(n)
		below = upTo
	}
	return 0
}
