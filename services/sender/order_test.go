package sender_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/sender"
)

// Rule 3: "the order is: attempts acknowledged, then the tier acknowledged, then
// done". Each moment is held until offsets were committed twice.
func TestAFateIsDurableBeforeItsRecordIsDone(t *testing.T) {
	parallel(t)
	for _, c := range []struct {
		at       sender.Moment
		attempts int
		tiers    int
	}{
		{sender.HandedOut, 0, 0},
		{sender.Posting, 0, 0},
		{sender.Answered, 0, 0},
		{sender.Written, 1, 0},
		{sender.Parked, 1, 1},
	} {
		t.Run(string(c.at), func(t *testing.T) {
			w := newWorld(t)
			// Long enough that nothing comes back while it is held.
			h := w.webhook("/500", func(h *hook.Webhook) { h.RetrySchedule = []time.Duration{10 * time.Second} })
			partition := w.partition(h.ID)
			attempts, tiers := w.tail(bus.Attempts), w.tiers()
			ends, err := w.bus.EndOffsets(t.Context(), bus.Deliveries)
			require.NoError(t, err)
			delivery := w.publish(0, h)[0]
			reached, goOn := make(chan struct{}), make(chan struct{})
			w.run(func(cfg *sender.Config) {
				cfg.Passed = func(m sender.Moment, d string) {
					if m != c.at || d != delivery {
						return
					}
					select {
					case <-goOn: // it is at its second attempt
					default:
						close(reached)
						<-goOn
					}
				}
			})
			<-reached
			at := w.commits(2, partition)
			written := 0
			for _, r := range attempts.records() {
				if string(r.Key) == h.ID {
					written++
				}
			}
			parked := len(tiers.tasks(delivery))
			close(goOn)
			require.LessOrEqual(t, at.Offset, ends[partition], "it is not done yet")
			require.Equal(t, c.attempts, written)
			require.Equal(t, c.tiers, parked)
			w.await(delivery, ended)
			require.Eventually(t, func() bool { return w.committed(partition).Offset > ends[partition] }, within, pollEvery)
		})
	}
}
