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
		next := rapid.Int64Range(1, 1000).Draw(t, "next")
		tracker := bus.NewTracker(next)
		open := make(map[int64]bool) // the simplest thing that is right
		offsets := make(map[bus.Mark]int64)
		var started []bus.Mark
		var stale []bus.Mark
		t.Repeat(map[string]func(*rapid.T){
			"start": func(t *rapid.T) {
				next += rapid.Int64Range(0, 3).Draw(t, "gap")
				mark := tracker.Start(next)
				open[next] = true
				offsets[mark] = next
				started = append(started, mark)
				next++
			},
			"done": func(t *rapid.T) {
				if len(started) == 0 {
					t.Skip("none")
				}
				mark := rapid.SampledFrom(started).Draw(t, "mark") // maybe done already
				tracker.Done(mark)
				delete(open, offsets[mark])
			},
			"done too late": func(t *rapid.T) {
				if len(stale) == 0 {
					t.Skip("none")
				}
				tracker.Done(rapid.SampledFrom(stale).Draw(t, "mark"))
			},
			"never started": func(*rapid.T) { tracker.Done(bus.Mark{}) },
			"reset": func(t *rapid.T) {
				next = rapid.Int64Range(1, 1000).Draw(t, "to")
				tracker.Reset(next)
				clear(open)
				started, stale = nil, append(stale, started...)
			},
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
				for _, span := range tracker.Spans(len(open)) {
					require.Less(t, span.From, span.To)
					require.Greater(t, span.From, want)
					for offset := range open {
						require.False(t, span.From <= offset && offset < span.To, "%d is open", offset)
					}
				}
			},
		})
	})
}

func TestWhatWasStartedBeforeAResetIsNoLongerCounted(t *testing.T) {
	t.Parallel()
	tracker := bus.NewTracker(5)
	before := tracker.Start(5)
	tracker.Reset(3)
	tracker.Start(3)
	tracker.Start(4)
	after := tracker.Start(5)
	require.NotEqual(t, before, after, "another record at the same offset")

	tracker.Done(before)
	require.Equal(t, 3, tracker.Open())
	tracker.Done(after)
	require.Equal(t, 2, tracker.Open())
	require.Equal(t, int64(3), tracker.Watermark())
}

func TestSpansSayWhatIsDoneAboveTheWatermark(t *testing.T) {
	t.Parallel()
	tracker := bus.NewTracker(10)
	for offset := int64(10); offset < 20; offset++ {
		mark := tracker.Start(offset)
		if offset != 10 && offset != 14 && offset != 19 {
			tracker.Done(mark)
		}
	}
	require.Equal(t, []bus.Span{{From: 11, To: 14}, {From: 15, To: 19}}, tracker.Spans(10))
	require.Equal(t, []bus.Span{{From: 11, To: 14}}, tracker.Spans(1), "the first ones")
}
