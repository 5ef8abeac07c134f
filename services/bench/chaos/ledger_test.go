package chaos

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheLedgerKnowsWhatIsMissing(t *testing.T) {
	t.Parallel()
	l := newLedger(noon)
	s := stream{"wh_1", 2}
	l.follow(s)
	l.follow(stream{"wh_1", 3})
	l.expect("dlv_1", s, at(10))
	l.expect("dlv_2", s, at(20))
	require.Equal(t, 2, l.stale(at(0)), "nothing has arrived")

	require.Zero(t, l.begin("dlv_1", at(30)))
	l.end("dlv_1", 0, 500, at(31))
	finished, expected := l.progress()
	require.Equal(t, []int{0, 2}, []int{finished, expected}, "a failure delivers nothing")

	require.Equal(t, 1, l.begin("dlv_1", at(40)))
	l.end("dlv_1", 1, 204, at(41))
	finished, _ = l.progress()
	require.Equal(t, 1, finished)
	require.Equal(t, 1, l.stale(at(9)), "the other item type still")
	require.Equal(t, 2, l.stale(at(10)), "what arrived was published before")
	require.Equal(t, at(41), l.last)

	require.Equal(t, 2, l.begin("dlv_1", at(50)))
	l.end("dlv_1", 2, 204, at(51))
	finished, _ = l.progress()
	require.Equal(t, 1, finished, "a repetition delivers nothing more")
	require.Equal(t, 3, l.seen("dlv_1"))
	require.Zero(t, l.seen("dlv_2"))
	require.Zero(t, l.seen("dlv_3"))
}

func TestADeliveryThatNobodyPublishedIsStrange(t *testing.T) {
	t.Parallel()
	l := newLedger(noon)
	n := l.begin("dlv_1", at(1))
	l.end("dlv_1", n, 204, at(2))
	require.Equal(t, map[string]int{"dlv_1": 1}, l.strange)
}

func TestRequestsThatOverlapAreToldApart(t *testing.T) {
	t.Parallel()
	l := newLedger(noon)
	l.expect("dlv_1", stream{}, at(0))
	first, second := l.begin("dlv_1", at(1)), l.begin("dlv_1", at(2))
	l.end("dlv_1", second, 204, at(3))
	l.end("dlv_1", first, 0, at(4))
	l.each(func(_ string, d *delivery) {
		require.Equal(t, []request{{arrived: at(1), ended: at(4)}, got(2, 3, 204)}, d.requests)
	})
}
