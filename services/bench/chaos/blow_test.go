package chaos

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// dealt is what a deck deals first.
func dealt(seed uint64, all []stroke, count int) (dealt []stroke) {
	d := newDeck(rand.New(rand.NewPCG(seed, 0)), all)
	for range count {
		dealt = append(dealt, d.deal())
	}
	return dealt
}

func TestEveryStrokeFallsOnceBeforeOneFallsAgain(t *testing.T) {
	t.Parallel()
	all := strokes(real{command: "servers"}, nil)
	require.Len(t, all, 15, "as many as there are rounds in CI")
	cards := dealt(7, all, 2*len(all))
	require.ElementsMatch(t, all, cards[:len(all)])
	require.ElementsMatch(t, all, cards[len(all):])
}

func TestASeedMakesTheOrder(t *testing.T) {
	t.Parallel()
	all := strokes(real{command: "servers"}, nil)
	require.Equal(t, dealt(7, all, 30), dealt(7, all, 30))
	require.NotEqual(t, dealt(7, all, 30), dealt(8, all, 30))
}

func TestWithoutACommandRealServersAreOnlyFlushed(t *testing.T) {
	t.Parallel()
	require.Contains(t, strokes(real{}, nil), stroke{redis, flushed})
	require.NotContains(t, strokes(real{}, nil), stroke{kafka, killed})
}

func TestOnlyNamedStrokesFall(t *testing.T) {
	t.Parallel()
	require.Equal(t, []stroke{{sender, killed}, {redis, flushed}},
		strokes(&inProcess{}, []string{"redis flush", "sender kill"}))
}
