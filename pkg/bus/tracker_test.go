package bus_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/staffetta/staffetta/pkg/bus"
)

func TestTheWatermarkIsTheFirstRecordThatIsNotDone(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		next := rapid.Int64Range(0, 1000).Draw(t, "next")
		tracker := bus.NewTracker(next)
		open := make(map[int64]bool) // the simplest thing that is right
		var started []int64
		t.Repeat(map[string]func(*rapid.T){
			"start": func(t *rapid.T) {
				next += rapid.Int64Range(0, 3).Draw(t, "gap")
				tracker.Start(next)
				open[next] = true
				started = append(started, next)
				next++
			},
			"done": func(t *rapid.T) {
				if len(started) == 0 {
					t.Skip("none")
				}
				offset := rapid.SampledFrom(started).Draw(t, "offset") // maybe done already
				tracker.Done(offset)
				delete(open, offset)
			},
			"never started": func(t *rapid.T) { tracker.Done(next + 7) },
			"advance": func(t *rapid.T) {
				to := next + rapid.Int64Range(-3, 3).Draw(t, "by")
				tracker.Advance(to)
				next = max(next, to)
			},
			"": func(t *rapid.T) {
				want := next
				for offset := range open {
					want = min(want, offset)
				}
				require.Equal(t, want, tracker.Watermark())
				require.Equal(t, len(open), tracker.Open())
			},
		})
	})
}
