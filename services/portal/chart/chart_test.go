package chart_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/chart"
)

var none = math.NaN()

func labels(ticks []chart.Tick) []string {
	all := make([]string, len(ticks))
	for i, tick := range ticks {
		all[i] = tick.Label
	}
	return all
}

func TestTheAxisOfCountsHasRoundNumbers(t *testing.T) {
	t.Parallel()
	for highest, want := range map[float64][]string{
		0:       {"0", "1"},
		1:       {"0", "1"},
		3:       {"0", "1", "2", "3"},
		7:       {"0", "2", "4", "6", "8"},
		990:     {"0", "500", "1000"},
		4000:    {"0", "1000", "2000", "3000", "4000"},
		81234:   {"0", "50k", "100k"},
		6100000: {"0", "2M", "4M", "6M", "8M"},
	} {
		c := chart.Stacked(chart.Counts(hook.English, []float64{highest, none}), nil, chart.Series{Values: []float64{highest, none}})
		require.Equal(t, want, labels(c.Y), highest)
		require.Equal(t, "0", c.Y[len(c.Y)-1].At, "the highest is at the top")
	}
}

func TestTheAxisOfDurationsHasRoundNumbers(t *testing.T) {
	t.Parallel()
	for highest, want := range map[float64][]string{
		0.3:  {"0 ms", "0.5 ms", "1 ms"},
		212:  {"0 ms", "100 ms", "200 ms", "300 ms"},
		3100: {"0 ms", "1 s", "2 s", "3 s", "4 s"},
		1200: {"0 ms", "500 ms", "1 s", "1.5 s"},
	} {
		c := chart.Lined(chart.Durations(hook.English, []float64{highest}), nil, chart.Series{Values: []float64{highest}})
		require.Equal(t, want, labels(c.Y), highest)
	}
	c := chart.Lined(chart.Durations(hook.Italian, []float64{1200}), nil, chart.Series{Values: []float64{1200}})
	require.Equal(t, "1,5 s", c.Y[3].Label)
}

func TestTimesBelowAreRound(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 11, 20, 15, 0, 0, 0, time.UTC)
	steps := func(n int, step time.Duration) []time.Time {
		all := make([]time.Time, n)
		for i := range all {
			all[i] = from.Truncate(step).Add(time.Duration(i) * step)
		}
		return all
	}
	for name, test := range map[string]struct {
		steps  []time.Time
		hourly bool
		want   []string
	}{
		"a few hours": {steps(3, time.Hour), true, []string{"15:00", "16:00", "17:00"}},
		"a day":       {steps(24, time.Hour), true, []string{"15:00", "18:00", "21:00", "21 Nov", "03:00", "06:00", "09:00", "12:00"}},
		"two days":    {steps(48, time.Hour), true, []string{"18:00", "21 Nov", "06:00", "12:00", "18:00", "22 Nov", "06:00", "12:00"}},
		"a week":      {steps(168, time.Hour), true, []string{"21 Nov", "22 Nov", "23 Nov", "24 Nov", "25 Nov", "26 Nov", "27 Nov"}},
		"a month":     {steps(30, hook.Daily), false, []string{"23 Nov", "30 Nov", "7 Dec", "14 Dec"}},
	} {
		require.Equal(t, test.want, labels(chart.Times(hook.English, test.steps, test.hourly)), name)
	}
	for n := 1; n < 745; n += 3 {
		require.LessOrEqual(t, len(chart.Times(hook.Italian, steps(n, hook.Daily), false)), 8, n)
		require.LessOrEqual(t, len(chart.Times(hook.Italian, steps(n, time.Hour), true)), 9, n)
	}
}

func TestBarsStandOnOneAnother(t *testing.T) {
	t.Parallel()
	good, bad := []float64{6, 0, none}, []float64{2, 4, 0}
	c := chart.Stacked(chart.Counts(hook.English, []float64{8}), nil, chart.Series{Class: "good", Values: good}, chart.Series{Class: "bad", Values: bad})
	require.Equal(t, 30, c.Width)
	require.Equal(t, []chart.Shape{
		{Class: "good", Path: "M1 25h8v75h-8z"},
		{Class: "bad", Path: "M1 0h8v25h-8zM11 50h8v50h-8z"},
	}, c.Shapes)
	require.Equal(t, 20, chart.StepX(2))
}

func TestALineIsBrokenWhereThereIsNoFigure(t *testing.T) {
	t.Parallel()
	values := []float64{0, 100, none, 50, none}
	c := chart.Lined(chart.Durations(hook.English, values), nil, chart.Series{Class: "p50", Values: values})
	require.Equal(t, []chart.Shape{{Class: "p50", Path: "M5 100L15 0M31 50h8"}}, c.Shapes)
}

func TestFiguresAreWrittenAsPeopleDo(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration][2]string{
		0:                       {"0 ms", "0 ms"},
		8340 * time.Microsecond: {"8.34 ms", "8,34 ms"},
		41 * time.Millisecond:   {"41 ms", "41 ms"},
		2125 * time.Millisecond: {"2.13 s", "2,13 s"},
		15 * time.Second:        {"15 s", "15 s"},
	} {
		require.Equal(t, want, [2]string{chart.Duration(hook.English, d), chart.Duration(hook.Italian, d)})
	}
	require.Equal(t, "99.9%", chart.Percent(hook.English, 0.99999))
	require.Equal(t, "100%", chart.Percent(hook.Italian, 1))
	may := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	require.Equal(t, "1 mag", chart.Hour(hook.Italian, may))
	require.Equal(t, "1 May", chart.Day(hook.English, may))
}
