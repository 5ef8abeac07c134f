package sender

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A recorder from before markers puts them into quarantine: the one that takes over
// from it needs another.
func TestAResumptionThatGoesOnIsMarkedAgain(t *testing.T) {
	t.Parallel()
	now := time.Now()
	m := marking{version: 7, at: now}
	require.True(t, m.covers(7, now.Add(markAgain-1)))
	require.False(t, m.covers(8, now), "it is another resumption, perhaps")
	require.False(t, m.covers(7, now.Add(markAgain)), "it may be lost")
	require.False(t, marking{}.covers(1, now))
}
