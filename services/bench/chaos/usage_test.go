package chaos

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestEachHourThatDiffersIsTold(t *testing.T) {
	t.Parallel()
	want, got := accounting{}, accounting{}
	for _, a := range []accounting{want, got} {
		a.add("wh_1", noon, usage{executed: 1, delivered: 1})
		a.add("wh_1", noon.Add(59*time.Minute), usage{executed: 1})
		a.add("wh_2", noon, usage{executed: 1, deferred: 1})
	}
	require.Equal(t, map[string]int64{"wh_1": 2, "wh_2": 1}, want.executed())
	require.Empty(t, compare("series", want, got))
	got.add("wh_2", noon, usage{dropped: 1})
	want.add("wh_3", noon, usage{executed: 1})
	require.Len(t, compare("series", want, got), 2, "also what only one of them has")
	require.Equal(t, []string{"usage of wh_3: 0, and the log says 1"}, compare("usage", want.executed(), got.executed()))
}
