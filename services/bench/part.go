package bench

import (
	"slices"
	"time"

	"github.com/staffetta/staffetta/services/bench/receiver"
)

// Part is one of several things that a scenario measures. Measured several
// times, its counts and Seconds are sums, its rate and times are medians.
type Part struct {
	Name string `json:"name"`
	// Runs is how often it was measured.
	Runs int `json:"runs"`
	// Deliveries that arrived, each counted once.
	Deliveries int `json:"deliveries"`
	// Seconds from the first publish to the last arrival.
	Seconds             float64 `json:"seconds"`
	DeliveriesPerSecond float64 `json:"deliveries_per_s"`
	// P50 and P99 are milliseconds from publish to arrival.
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
	// Lost deliveries did not arrive although the receiver was waited for.
	Lost int `json:"lost"`
	// Duplicated requests had an id that had arrived before.
	Duplicated int `json:"duplicated"`
	// Pending deliveries were not taken by their receiver, as was meant, and were
	// not given up.
	Pending int `json:"pending,omitempty"`
}

// partOf is what arrived of so many deliveries that were published from begun on.
func partOf(name string, begun time.Time, want int, s receiver.Stats) Part {
	p := Part{
		Name: name, Runs: 1, Deliveries: s.Deliveries, P50: s.P50, P99: s.P99,
		Lost: want - s.Deliveries, Duplicated: s.Duplicated,
	}
	if took := time.Unix(0, s.LastNS).Sub(begun); s.Deliveries > 0 && took > 0 {
		p.Seconds, p.DeliveriesPerSecond = took.Seconds(), float64(s.Deliveries)/took.Seconds()
	}
	return p
}

// summary makes one of several runs of the same thing. There is at least one.
func summary(runs []Part) Part {
	sum := Part{Name: runs[0].Name}
	for _, r := range runs {
		sum.Runs += r.Runs
		sum.Deliveries += r.Deliveries
		sum.Seconds += r.Seconds
		sum.Lost += r.Lost
		sum.Duplicated += r.Duplicated
		sum.Pending += r.Pending
	}
	sum.DeliveriesPerSecond = medianOf(runs, func(p Part) float64 { return p.DeliveriesPerSecond })
	sum.P50 = medianOf(runs, func(p Part) float64 { return p.P50 })
	sum.P99 = medianOf(runs, func(p Part) float64 { return p.P99 })
	return sum
}

func medianOf(runs []Part, figure func(Part) float64) float64 {
	values := make([]float64, len(runs))
	for i, r := range runs {
		values[i] = figure(r)
	}
	return median(values)
}

// median of values, which it sorts; of an even number the mean of the two in the
// middle; 0 of none.
func median(values []float64) float64 {
	slices.Sort(values)
	middle := len(values) / 2
	switch {
	case len(values) == 0:
		return 0
	case len(values)%2 == 1:
		return values[middle]
	default:
		return (values[middle-1] + values[middle]) / 2
	}
}

// medianRatio is the median of the ratios of pairs of runs; a pair without a
// figure to divide by counts as 0.
func medianRatio(over, under []Part, figure func(Part) float64) float64 {
	ratios := make([]float64, min(len(over), len(under)))
	for i := range ratios {
		if below := figure(under[i]); below > 0 {
			ratios[i] = figure(over[i]) / below
		}
	}
	return median(ratios)
}

func rateOf(p Part) float64 { return p.DeliveriesPerSecond }
func p99Of(p Part) float64  { return p.P99 }
