package chart

import (
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/staffetta/staffetta/pkg/hook"
)

// Axis is that of values: from 0 to a round number that none exceeds.
type Axis struct {
	Ticks []float64
	label func(float64) string
}

const (
	// maxSpaces is how many spaces there are at most between gridlines, and maxTimes how
	// many times below.
	maxSpaces = 4
	maxTimes  = 8
)

// Counts is an axis of whole numbers.
func Counts(lang hook.Language, series ...[]float64) Axis {
	return Axis{Ticks: ticks(max(1, most(series)), 1), label: func(f float64) string { return Short(lang, f) }}
}

// Durations is an axis of milliseconds.
func Durations(lang hook.Language, series ...[]float64) Axis {
	highest := max(1, most(series))
	if highest > 1000 { // round seconds
		seconds := ticks(highest/1000, 0)
		for i := range seconds {
			seconds[i] *= 1000
		}
		return Axis{Ticks: seconds, label: func(f float64) string { return Duration(lang, time.Duration(f*float64(time.Millisecond))) }}
	}
	return Axis{Ticks: ticks(highest, 0), label: func(f float64) string { return Duration(lang, time.Duration(f*float64(time.Millisecond))) }}
}

func (a Axis) share(value float64) float64 { return value / a.Ticks[len(a.Ticks)-1] }

func most(series [][]float64) float64 {
	highest := 0.0
	for _, values := range series {
		for _, v := range values {
			if v > highest { // never NaN
				highest = v
			}
		}
	}
	return highest
}

// ticks go from 0 in steps of 1, 2 or 5 and zeros, at least of least, to highest or
// beyond.
func ticks(highest, least float64) []float64 {
	step := least
	power := math.Pow(10, math.Floor(math.Log10(highest/maxSpaces)))
	for _, digit := range []float64{1, 2, 5, 10} {
		if step = max(digit*power, least); step*maxSpaces >= highest {
			break
		}
	}
	all := []float64{0}
	for n := 1; all[len(all)-1] < highest; n++ {
		all = append(all, float64(n)*step)
	}
	return all
}

// hours and days are how far times below a chart may be apart.
var (
	hours = []int{1, 2, 3, 4, 6, 12, 24}
	days  = []int{1, 2, 7, 14, 28, 56, 91, 182}
)

// Times are those below a chart of steps that begin at these times: hours or days of UTC.
func Times(lang hook.Language, steps []time.Time, hourly bool) []Tick {
	if hourly && len(steps) <= maxTimes*hours[len(hours)-2] {
		every := apart(hours, len(steps))
		return timesAt(steps, func(t time.Time) (string, bool) {
			return Hour(lang, t), t.Hour()%every == 0
		})
	}
	count := len(steps)
	if hourly {
		count = (count + 23) / 24
	}
	every := apart(days, count)
	return timesAt(steps, func(t time.Time) (string, bool) {
		// Weeks begin on Monday; day 0 was a Thursday.
		day := int(t.Unix()/int64(hook.Daily/time.Second)) + 3
		return Day(lang, t), t.Hour() == 0 && day%every == 0
	})
}

func timesAt(steps []time.Time, at func(time.Time) (string, bool)) []Tick {
	var all []Tick
	for n, t := range steps {
		if label, here := at(t.UTC()); here {
			middle := (float64(n) + 0.5) / float64(len(steps)) * 100
			all = append(all, Tick{At: number(middle), Label: label, Minor: len(all)%2 == 1})
		}
	}
	return all
}

// apart is the least distance at which count has at most maxTimes times.
func apart(distances []int, count int) int {
	n := slices.IndexFunc(distances, func(d int) bool { return (count+d-1)/d <= maxTimes })
	if n < 0 {
		n = len(distances) - 1
	}
	return distances[n]
}

// digits are n's with a decimal sign, at most so many behind it.
func digits(lang hook.Language, f float64, most int) string {
	scale := math.Pow(10, float64(most))
	text := strconv.FormatFloat(math.Round(f*scale)/scale, 'f', -1, 64)
	if lang == hook.Italian {
		return decimalComma(text)
	}
	return text
}
