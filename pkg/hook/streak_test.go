package hook_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/staffetta/staffetta/pkg/hook"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// failure is an attempt that failed, of a volley and at an opening of the breaker.
func failure(volley, opening int64) hook.Attempt {
	return hook.Attempt{Number: 1, Fate: hook.FateRetrying, At: noon, Volley: volley, Opening: opening}
}

func counted(failures ...hook.Attempt) *hook.Streak {
	s := &hook.Streak{}
	for i := range failures {
		s.Fail(&failures[i])
	}
	return s
}

func TestWhatFailsTogetherWhenTheBreakerOpensCountsOnce(t *testing.T) {
	t.Parallel()
	alone, together := failure(7, 0), failure(7, 9)
	for name, c := range map[string]struct {
		failures       []hook.Attempt
		count, certain int
	}{
		"answers of 500":                    {[]hook.Attempt{failure(0, 0), failure(0, 0), failure(0, 0)}, 3, 3},
		"one after the other":               {[]hook.Attempt{failure(1, 0), failure(2, 0), failure(3, 0)}, 3, 3},
		"together, before it opens":         {[]hook.Attempt{alone, alone, alone}, 3, 1},
		"together, and another since":       {[]hook.Attempt{alone, alone, failure(0, 0)}, 3, 3},
		"a restart with some in flight":     {[]hook.Attempt{alone, alone, alone, alone, together, together}, 1, 1},
		"recorded in another order":         {[]hook.Attempt{together, alone, alone, together, alone, alone}, 1, 1},
		"of two volleys":                    {[]hook.Attempt{alone, failure(8, 0), together, failure(8, 9)}, 1, 1},
		"one that was over before":          {[]hook.Attempt{failure(6, 0), alone, together}, 2, 2},
		"with an answer of 500":             {[]hook.Attempt{together, failure(0, 9)}, 1, 1},
		"probes that fail":                  {[]hook.Attempt{together, failure(9, 10), failure(10, 11)}, 3, 3},
		"one that met two openings":         {[]hook.Attempt{together, failure(9, 10), failure(7, 10)}, 2, 2},
		"a second restart":                  {[]hook.Attempt{together, together, failure(20, 21), failure(20, 21)}, 2, 2},
		"what came before it counts anyway": {[]hook.Attempt{failure(0, 0), failure(0, 0), together, together}, 3, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := counted(c.failures...)
			require.Equal(t, c.count, s.Failures)
			require.Equal(t, c.certain, s.Certain())
		})
	}
}

// The order in which the records of failures come does not change their number.
func TestTheCountDependsOnNoOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		failures := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) hook.Attempt {
			volley := rapid.Int64Range(0, 5).Draw(t, "volley")
			opening := int64(0)
			if rapid.Bool().Draw(t, "opened") {
				opening = 10 + volley/2 // each volley meets one
			}
			return failure(volley, opening)
		}), 0, 40).Draw(t, "failures")
		openings, volleys, opened, want := map[int64]bool{}, map[int64]int{}, map[int64]bool{}, 0
		for _, a := range failures {
			switch {
			case a.Opening != 0:
				openings[a.Opening], opened[a.Volley] = true, true
			case a.Volley == 0:
				want++
			default:
				volleys[a.Volley]++
			}
		}
		for volley, n := range volleys {
			if !opened[volley] {
				want += n
			}
		}
		want += len(openings)
		for range 3 {
			s := counted(rapid.Permutation(failures).Draw(t, "order")...)
			require.Equal(t, want, s.Failures)
			require.LessOrEqual(t, s.Certain(), s.Failures)
		}
	})
}

func TestASuccessEndsTheStreak(t *testing.T) {
	t.Parallel()
	s := counted(failure(0, 0), failure(7, 9))
	require.Equal(t, noon, s.Since)
	s.Succeed()
	require.Equal(t, hook.Streak{}, *s)
	s.Fail(&hook.Attempt{At: noon.Add(time.Second)})
	require.Equal(t, 1, s.Failures)
	require.Equal(t, noon.Add(time.Second), s.Since)
}

func TestMembersAreToldOfEachCountOnce(t *testing.T) {
	t.Parallel()
	rule := hook.StreakRule{Notify: []int{2, 4}, Disable: 6}
	var told []int
	s := &hook.Streak{}
	for range 7 {
		a := failure(0, 0)
		s.Fail(&a)
		told = append(told, s.Reached(rule)...)
		require.Equal(t, s.Failures >= 6, s.TooLong(rule))
	}
	require.Equal(t, []int{2, 4}, told)
	require.True(t, s.Told)
	require.False(t, s.TooLong(hook.StreakRule{}), "never")

	s.Enabled(noon)
	require.Zero(t, s.Failures)
	require.True(t, s.Told, "that it works they have yet to hear")
	a := failure(0, 0)
	s.Fail(&a)
	s.Enabled(noon)
	require.Equal(t, 1, s.Failures, "the same enabling")
}

// Until the breaker opens the count is above what it will be; nobody is told then.
func TestABurstDisablesNothing(t *testing.T) {
	t.Parallel()
	rule := hook.StreakRule{Notify: []int{2}, Disable: 3}
	s := &hook.Streak{}
	for n := range 64 {
		a := failure(7, 0)
		if n >= 4 {
			a.Opening = 9
		}
		s.Fail(&a)
		require.Empty(t, s.Reached(rule))
		require.False(t, s.TooLong(rule))
	}
}

func TestWhatARuleMayBe(t *testing.T) {
	t.Parallel()
	many := make([]int, hook.MaxStreakNotices+1)
	for i := range many {
		many[i] = i + 1
	}
	for _, c := range []struct {
		rule  hook.StreakRule
		field string
	}{
		{hook.DefaultStreakRule(), ""}, {hook.StreakRule{}, ""}, {hook.StreakRule{Notify: []int{1, 9_999}, Disable: 10_000}, ""},
		{hook.StreakRule{Notify: []int{50}}, ""}, {hook.StreakRule{Disable: 1}, ""},
		{hook.StreakRule{Disable: 10_001}, "disable"}, {hook.StreakRule{Disable: -1}, "disable"},
		{hook.StreakRule{Notify: []int{0}}, "notify"}, {hook.StreakRule{Notify: []int{2, 2}}, "notify"},
		{hook.StreakRule{Notify: []int{3, 2}}, "notify"}, {hook.StreakRule{Notify: []int{10_001}}, "notify"},
		{hook.StreakRule{Notify: []int{5}, Disable: 5}, "notify"}, {hook.StreakRule{Notify: many}, "notify"},
	} {
		field, rule := c.rule.Fault()
		require.Equal(t, c.field, field, "%+v", c.rule)
		require.Equal(t, field == "", rule == "")
	}
}
