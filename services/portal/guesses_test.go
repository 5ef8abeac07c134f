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
		require.Zero(t, g.wait("2001:db8::1"), i)
		g.wrong(fmt.Sprintf("2001:db8::%x", i+1))
		g.wrong("192.0.2.1")
	}
	require.Equal(t, guessWindow, g.wait("2001:db8::ffff"), "one customer has the network")
	require.Zero(t, g.wait("2001:db8:0:1::1"))
	require.Equal(t, guessWindow, g.wait("192.0.2.1"))
	require.Zero(t, g.wait("192.0.2.2"))
	now = now.Add(guessWindow)
	require.Zero(t, g.wait("192.0.2.1"))
}

func TestGuessesTakeBoundedMemory(t *testing.T) {
	t.Parallel()
	g := newGuesses(time.Now)
	for i := range 2*guessersKept + 7 {
		g.wrong(fmt.Sprint(i))
		require.LessOrEqual(t, len(g.tried), guessersKept)
	}
}
