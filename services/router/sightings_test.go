package router

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

func newSightings() *sightings {
	s := &sightings{}
	s.begin(time.Unix(1000, 0))
	return s
}

func TestAStoreIsToldOnceInAWhile(t *testing.T) {
	t.Parallel()
	s, now := newSightings(), time.Unix(1000, 0)
	require.True(t, s.first("acme", "7"))
	require.True(t, s.first("acme", "8"))
	require.True(t, s.first("7", "acme"), "which is which matters")
	require.True(t, s.first("other", "7"))
	s.begin(now.Add(tellAgain - 1))
	require.False(t, s.first("acme", "7"))
	s.begin(now.Add(tellAgain))
	require.True(t, s.first("acme", "7"), "again, in case it was lost or removed")
	require.False(t, s.first("acme", "7"))
}

func TestAnAccountThatMakesStoresUpIsToldNoMoreThanAreAdded(t *testing.T) {
	t.Parallel()
	s := newSightings()
	told := 0
	for n := range hook.MaxStores + 1000 {
		if s.first("acme", fmt.Sprint(n)) {
			told++
		}
	}
	require.Equal(t, hook.MaxStores, told)
	require.True(t, s.first("other", "7"), "which is nobody else's business")
}

func TestWhatIsRememberedOfStoresIsBounded(t *testing.T) {
	t.Parallel()
	s := newSightings()
	for n := range 2*maxTold + 1 {
		require.True(t, s.first(fmt.Sprint("acc", n%11), fmt.Sprint(n/11)))
		require.LessOrEqual(t, len(s.told), maxTold)
	}
	require.True(t, s.first("acc0", "0"), "it was forgotten, and is told again")
}

func TestAStoreThatIsKnownCostsNoAllocation(t *testing.T) { //nolint:paralleltest // AllocsPerRun
	s := newSightings()
	s.first("acme", "negozio di via Roma")
	require.Zero(t, testing.AllocsPerRun(100, func() { s.first("acme", "negozio di via Roma") }))
}

func BenchmarkAKnownStore(b *testing.B) {
	s := newSightings()
	for n := range 1000 {
		s.first("acme", fmt.Sprint(n))
	}
	for b.Loop() {
		s.first("acme", "500")
	}
}
