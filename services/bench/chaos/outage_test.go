package chaos

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/hook"
)

func TestWhatAnOutageDidIsToldFromWhatArrived(t *testing.T) {
	t.Parallel()
	l := newLedger(noon)
	s := stream{"wh_1", 0}
	arrived := func(id string, published, after time.Duration, status int) {
		l.expect(id, s, noon.Add(published))
		if after > 0 {
			at := noon.Add(published + after)
			l.end(id, l.begin(id, at), status, at)
		}
	}
	arrived("before", -time.Second, time.Millisecond, 204)
	arrived("quick", 0, 2*time.Millisecond, 204)
	arrived("slow", 9*time.Second, 40*time.Millisecond, 500)
	arrived("cut", 11*time.Second, 3*time.Millisecond, 0)
	arrived("early and not there", 5*time.Second, 0, 0)
	arrived("late and not there", 15*time.Second, 0, 0)
	end := noon.Add(20 * time.Second)
	require.Equal(t, Span{Deliveries: 3, PerSecond: 0.15, P50: 3, P99: 40}, l.span(noon, end))
	require.Equal(t, 1, l.lateAt(noon, end))
	require.Equal(t, 3, l.answered())
	require.Zero(t, l.span(noon, noon).PerSecond)
}

func TestOnlyServersThatCanBeAwayAreAway(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		server string
		base   servers
		rule   string
	}{
		{"kafka", real{command: "x"}, "must be one that can be stopped, redis or postgres"},
		{"postgres", &inProcess{}, "must be one that can be stopped, redis"},
		{"postgres", real{}, "cannot be stopped without the program that does it"},
	} {
		var faults hook.Invalid
		require.ErrorAs(t, checkOutage(c.base, &Outage{Server: c.server}), &faults)
		require.Equal(t, hook.Invalid{{Field: "server", Value: c.server, Rule: c.rule}}, faults)
	}
	require.NoError(t, checkOutage(real{command: "x"}, &Outage{Server: "postgres"}))
	require.NoError(t, checkOutage(real{}, nil))
	_, err := Run(t.Context(), Config{Rate: 1, Program: []string{"x"}, Log: zap.NewNop(), Outage: &Outage{Server: "redis"}})
	require.ErrorContains(t, err, `seconds must be at least 1, not "0"`)
}
