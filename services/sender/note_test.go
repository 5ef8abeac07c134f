package sender_test

import (
	"context"
	"maps"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/sender"
)

// tamper commits another note beside the same offset, as a member of the group
// while there is no sender.
func (w *world) tamper(partition int, change func(bus.Committed) string) {
	w.t.Helper()
	group, err := w.bus.NewGroup(bus.GroupConfig{ID: sender.Group, Topics: []string{bus.Deliveries}, SessionTimeout: w.session})
	require.NoError(w.t, err)
	ctx, cancel := context.WithTimeout(w.t.Context(), within)
	defer cancel()
	done := false
	require.NoError(w.t, group.Run(ctx, func(ctx context.Context, a *bus.Assignment) error {
		if !slices.Contains(a.Partitions[bus.Deliveries], partition) {
			<-ctx.Done() // the session of who was killed goes on
			return nil
		}
		c := a.Committed(bus.Deliveries, partition)
		c.Metadata = change(c)
		done = true
		defer cancel()
		return a.Commit(ctx, map[string]map[int]bus.Committed{bus.Deliveries: {partition: c}})
	}))
	require.True(w.t, done)
}

// Rule 6: a bitmap of done offsets "only shortens the reading and may be cut".
func TestWhateverTheCommitSaysNothingIsLost(t *testing.T) {
	parallel(t)
	for name, c := range map[string]struct {
		change   func(sender.Note, int64) string
		repeated bool
	}{
		"as it was":                       {func(n sender.Note, at int64) string { return n.Encode(at) }, false},
		"without the ranges":              {func(n sender.Note, at int64) string { return n.WithoutSpans().Encode(at) }, false},
		"with the ranges alone":           {func(n sender.Note, at int64) string { return n.SinceNow().Encode(at) }, false},
		"without a note":                  {func(sender.Note, int64) string { return "" }, false},
		"with one that cannot be read":    {func(sender.Note, int64) string { return "no base64!" }, false},
		"with one that was cut":           {func(n sender.Note, at int64) string { return n.Encode(at)[:7] }, false},
		"of a later version":              {func(n sender.Note, at int64) string { return "Aw" + n.Encode(at)[2:] }, false},
		"with nothing that is to be read": {func(n sender.Note, at int64) string { return n.SinceNow().WithoutSpans().Encode(at) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			const partition = 1
			bad, good := w.webhook("/hang", w.on(partition)), w.webhook("/ok", w.on(partition))
			first := launch(t, w.orders())
			held := w.publish(0, bad)[0]
			require.Equal(t, held, <-w.receiver.arrived)
			w.await(w.publish(0, good)[0], ended) // its lane is proven: no tier comes into it
			deliveries := w.burst(50, good)
			for _, d := range deliveries {
				w.await(d, ended)
			}
			require.Eventually(t, func() bool {
				c := w.committed(partition)
				n, err := sender.ReadNote(c.Metadata, c.Offset)
				return err == nil && n.Done() >= int64(len(deliveries))
			}, within, pollEvery, "the commit says what is done above the oldest open task")
			first.end(syscall.SIGKILL)
			w.tamper(partition, func(at bus.Committed) string {
				n, err := sender.ReadNote(at.Metadata, at.Offset)
				require.NoError(t, err)
				return c.change(n, at.Offset)
			})

			launch(t, w.orders())
			require.Equal(t, held, <-w.receiver.arrived)
			w.receiver.release()
			w.await(held, ended)
			w.await(w.publish(0, good)[0], ended)
			w.commits(1, partition) // for who comes next
			repeated := 0
			for _, d := range deliveries {
				repeated += w.receiver.posted(d) - 1
			}
			if c.repeated {
				require.NotZero(t, repeated, "which shows that notes matter")
			} else {
				require.Zero(t, repeated)
			}
		})
	}
}

// Rules 1 and 6: what is in flight is bounded, not how far apart the offsets lie,
// and a takeover knows them all: the first ranges by the note, the others by
// attempts.
func TestATakeoverKnowsThousandsOfRecordsAboveTheOldestOpenTask(t *testing.T) {
	w := newWorld(t)
	const (
		partition = 1
		open      = 250
		between   = 20
	)
	// Its deliveries are settled without a request, which is as good here.
	quick := w.webhook("/ok", func(h *hook.Webhook) {
		w.on(partition)(h)
		h.Status, h.OnPause = hook.Paused, hook.Drop
	})
	var held []string
	for i := range open {
		bad := w.webhook("/hang", func(h *hook.Webhook) {
			w.on(partition)(h)
			h.Timeout = hook.MaxTimeout // they are open until all the others are done
		})
		held = append(held, w.publish(0, bad)[0])
		if i < open-1 {
			w.burst(between, quick)
		}
	}
	settled := func() (all, most int) {
		w.mu.Lock()
		defer w.mu.Unlock()
		for d, got := range w.attempts {
			if !slices.Contains(held, d) {
				all++
				most = max(most, len(got))
			}
		}
		return all, most
	}
	first := launch(t, w.orders())
	for range open {
		<-w.receiver.arrived
	}
	const many = (open - 1) * between
	require.Eventually(t, func() bool { all, _ := settled(); return all == many }, within, 100*time.Millisecond)
	at := w.commits(2, partition)
	n, err := sender.ReadNote(at.Metadata, at.Offset)
	require.NoError(t, err)
	spans, most := n.Spans()
	require.Equal(t, most, spans, "there are more ranges than a note takes")
	first.end(syscall.SIGKILL)

	launch(t, w.orders())
	again := map[string]bool{}
	for range open {
		again[<-w.receiver.arrived] = true
	}
	require.ElementsMatch(t, held, slices.Collect(maps.Keys(again)), "only what was in flight is repeated")
	w.receiver.release()
	for _, d := range held {
		w.await(d, ended)
		require.Equal(t, 2, w.receiver.posted(d))
	}
	w.await(w.publish(0, quick)[0], ended)
	_, twice := settled()
	require.Equal(t, 1, twice)
}
