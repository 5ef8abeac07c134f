package bus_test

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/bus"
)

// BenchmarkTrack is a record that is started and done while so many others are
// open: the oldest stays open throughout half of them, as one does that hangs.
func BenchmarkTrack(b *testing.B) {
	for _, open := range []int{1, 100, 10_000} {
		b.Run("open="+strconv.Itoa(open), func(b *testing.B) {
			tracker := bus.NewTracker(0)
			marks := make([]bus.Mark, open)
			next := int64(0)
			for i := range marks {
				marks[i] = tracker.Start(next)
				next++
			}
			b.ReportAllocs()
			for b.Loop() {
				// 7 has no factor in common with the numbers of open ones: every
				// one of them is done in its turn, but not in order.
				at := int(next*7) % open
				tracker.Done(marks[at])
				marks[at] = tracker.Start(next)
				next++
				if next%512 == 0 {
					tracker.Watermark() // as often as a commit asks, or more
				}
			}
			require.Equal(b, open, tracker.Open())
		})
	}
}
