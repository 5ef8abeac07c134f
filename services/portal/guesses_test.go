package portal

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestGuessesAreCountedByNetwork(t *testing.T) {
	t.Parallel()
	now := time.Now()
	g := newGuesses(func() time.Time { return now })
	for i := range guessesAllowed {
		require.Zero(t, g.try(fmt.Sprintf("2001:db8::%x", i+1)), i)
		require.Zero(t, g.try("192.0.2.1"))
	}
	require.Equal(t, guessWindow, g.try("2001:db8::ffff"), "one customer has the network")
	require.Zero(t, g.try("2001:db8:0:1::1"))
	require.Equal(t, guessWindow, g.try("192.0.2.1"))
	require.Zero(t, g.try("192.0.2.2"))
	now = now.Add(guessWindow)
	require.Zero(t, g.try("192.0.2.1"))
}

func TestWhatIsTriedAtOnceCounts(t *testing.T) {
	t.Parallel()
	g := newGuesses(time.Now)
	for range 3 * guessesAllowed {
		require.Zero(t, g.try("192.0.2.1"))
		g.right("192.0.2.1")
	}
	for range guessesAllowed {
		require.Zero(t, g.try("192.0.2.1"), "none of them is known to be wrong yet")
	}
	require.Positive(t, g.try("192.0.2.1"))
	g.right("192.0.2.1")
	require.Zero(t, g.try("192.0.2.1"))
	g.right("192.0.2.2")
	require.NotContains(t, g.tried, "192.0.2.2")
}

func TestGuessesTakeBoundedMemory(t *testing.T) {
	t.Parallel()
	g := newGuesses(time.Now)
	for i := range 2*guessersKept + 7 {
		g.try(fmt.Sprint(i))
		require.LessOrEqual(t, len(g.tried), guessersKept)
	}
}
