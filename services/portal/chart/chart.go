// Package chart lays out figures over time as charts: where bars, lines, gridlines and
// labels are. A template draws them as SVG.
//
//	chart.go   the layout
//	scale.go   round numbers beside it, round times below
//	format.go  numbers, durations and times as people write them
package chart

import (
	"math"
	"strconv"
	"strings"
)

const (
	// stepWidth and height are of the plot, in units of its viewBox, which is stretched to
	// the room that there is.
	stepWidth = 10
	height    = 100
	// barWidth leaves a gap between two.
	barWidth = 8
)

// Series is one figure in every step. NaN: there is none.
type Series struct {
	// Class is for its colour.
	Class  string
	Values []float64
}

// Chart is a layout. Numbers are as attributes of SVG have them.
type Chart struct {
	// Width of the viewBox, which is 100 high.
	Width int
	// Shapes are areas and lines, one for each series: many elements are slow.
	Shapes []Shape
	// Y are the gridlines with their numbers, X the times; both in percent of the plot.
	Y, X []Tick
}

// Shape is a path in units of the viewBox.
type Shape struct {
	Class, Path string
}

// Tick is a label at an axis.
type Tick struct {
	At, Label string
	// Minor ones are left out where room is scarce.
	Minor bool
}

// StepX is where the nth step begins; each is 10 wide.
func StepX(n int) int { return n * stepWidth }

// Stacked lays out bars, those of the first series at the bottom.
func Stacked(axis Axis, times []Tick, series ...Series) Chart {
	c := newChart(axis, times, series)
	base := make([]float64, c.Width/stepWidth)
	for _, s := range series {
		var path strings.Builder
		for n, value := range s.Values {
			if !(value > 0) { // NaN too
				continue
			}
			base[n] += value
			tall := number(axis.share(value) * height)
			path.WriteString("M" + number(float64(n*stepWidth)+(stepWidth-barWidth)/2.0) + " " + number(height-axis.share(base[n])*height) +
				"h" + strconv.Itoa(barWidth) + "v" + tall + "h-" + strconv.Itoa(barWidth) + "z")
		}
		c.Shapes = append(c.Shapes, Shape{Class: s.Class, Path: path.String()})
	}
	return c
}

// Lined lays out lines, which are broken where there is no figure.
func Lined(axis Axis, times []Tick, series ...Series) Chart {
	c := newChart(axis, times, series)
	for _, s := range series {
		c.Shapes = append(c.Shapes, Shape{Class: s.Class, Path: path(axis, s.Values)})
	}
	return c
}

func newChart(axis Axis, times []Tick, series []Series) Chart {
	c := Chart{X: times}
	if len(series) > 0 {
		c.Width = len(series[0].Values) * stepWidth
	}
	for _, tick := range axis.Ticks {
		c.Y = append(c.Y, Tick{At: number(100 - axis.share(tick)*100), Label: axis.label(tick)})
	}
	return c
}

// path goes through the middle of each step. A figure between two that lack is a line
// without length, which round ends make a dot.
func path(axis Axis, values []float64) string {
	var b strings.Builder
	down := false
	for n, value := range values {
		if math.IsNaN(value) {
			down = false
			continue
		}
		x, y := n*stepWidth+stepWidth/2, " "+number(height-axis.share(value)*height)
		switch {
		case down:
			b.WriteString("L" + strconv.Itoa(x) + y)
		case n+1 == len(values) || math.IsNaN(values[n+1]): // alone: as wide as a bar, to be seen
			b.WriteString("M" + strconv.Itoa(x-barWidth/2) + y + "h" + strconv.Itoa(barWidth))
		default:
			b.WriteString("M" + strconv.Itoa(x) + y)
		}
		down = true
	}
	return b.String()
}

// number has two digits behind the point at most.
func number(f float64) string {
	return strconv.FormatFloat(math.Round(f*100)/100, 'f', -1, 64)
}
