package sender_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/services/sender"
)

// TestASenderThatDiesExactlyThere is DESIGN.md's rule 3, the order of fates, and
// rule 6, what the next owner knows of them.
func TestASenderThatDiesExactlyThere(t *testing.T) {
	parallel(t)
	for _, c := range []struct {
		path  string
		at    sender.Moment
		posts int
		fates string
		why   string
	}{
		{"/ok", sender.HandedOut, 1, "delivered#1", "nothing was posted yet"},
		{"/ok", sender.Posting, 1, "delivered#1", "nothing was posted yet"},
		{"/ok", sender.Answered, 2, "delivered#1", "nobody but the receiver knows"},
		{"/ok", sender.Written, 1, "delivered#1", "attempts knows"},
		{"/ok", sender.Finished, 1, "delivered#1", "attempts knows, although no offset says so"},
		{"/500", sender.Answered, 2, "delivered#1", "nobody but the receiver knows, and the second answer was 200"},
		{"/500", sender.Written, 2, "retrying#1 delivered#2", "it is parked, not posted again"},
		{"/500", sender.Parked, 2, "retrying#1 delivered#2", "it is parked, and not parked again"},
		{"/500", sender.Finished, 2, "retrying#1 delivered#2", "it is parked, although no offset says so"},
	} {
		t.Run(fmt.Sprintf("%s %s", c.path[1:], c.at), func(t *testing.T) {
			w := newWorld(t)
			h := w.webhook(c.path, nil)
			delivery := w.publish(0, h)[0]
			told := w.orders()
			told.Stop, told.Nth, told.Delivery = c.at, 1, delivery
			launch(t, told).died(t)

			launch(t, w.orders())
			// What comes behind it on its partition shows that the next owner has met it.
			w.await(w.publish(0, h)[0], ended)
			got := w.await(delivery, ended)
			require.Equal(t, c.fates, fates(got), c.why)
			require.Equal(t, c.posts, w.receiver.posted(delivery), c.why)
		})
	}
}
