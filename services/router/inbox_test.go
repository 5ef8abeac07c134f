package router

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/bus"
)

// batchOf has one record that takes about so many bytes.
func batchOf(bytes int) bus.Batch {
	return bus.Batch{Records: []bus.Record{{Value: make([]byte, bytes)}}}
}

func TestAnInboxNeverHoldsUpWhoFillsIt(t *testing.T) {
	t.Parallel()
	pauses := 0
	b := newInbox(1000, func() { pauses++ }, func() { t.Error("nothing was taken") })
	for n := range 100 {
		b.put(batchOf(500)) // waits for nobody, though it is full
		if n == 0 {
			require.Zero(t, pauses, "there is room")
		}
	}
	require.Equal(t, 1, pauses)
}

func TestAnInboxAsksForMoreWhenHalfOfItIsTaken(t *testing.T) {
	t.Parallel()
	calls := []string{}
	b := newInbox(3000, func() { calls = append(calls, "pause") }, func() { calls = append(calls, "resume") })
	for range 3 {
		b.put(batchOf(1000))
	}
	require.Equal(t, []string{"pause"}, calls)
	for _, want := range [][]string{{"pause"}, {"pause", "resume"}, {"pause", "resume"}} {
		<-b.filled
		_, ok := b.take()
		require.True(t, ok)
		require.Equal(t, want, calls)
	}
	_, ok := b.take()
	require.False(t, ok)
}

// A fetcher that obeys at once, and a worker that is as fast as it: pause and
// resume cross all the time, and every batch comes through.
func TestPausingNeverGetsStuck(t *testing.T) {
	t.Parallel()
	const batches = 200_000
	var mu sync.Mutex
	paused := false
	resumed := sync.NewCond(&mu)
	b := newInbox(200, func() {
		mu.Lock()
		defer mu.Unlock()
		paused = true
	}, func() {
		mu.Lock()
		defer mu.Unlock()
		paused = false
		resumed.Signal()
	})
	go func() {
		for range batches {
			mu.Lock()
			for paused {
				resumed.Wait()
			}
			mu.Unlock()
			b.put(batchOf(1))
		}
	}()
	for taken := 0; taken < batches; {
		<-b.filled
		if _, ok := b.take(); ok {
			taken++
		}
	}
	require.False(t, paused)
	require.Zero(t, b.bytes)
}

func TestAllInboxesOfAMemberHaveABound(t *testing.T) {
	t.Parallel()
	for partitions, want := range map[int]int{0: maxRoom, 1: maxRoom, 16: maxRoom, 160: 209_715, 10_000: minRoom} {
		require.Equal(t, want, roomOf(partitions), "%d partitions", partitions)
	}
}
