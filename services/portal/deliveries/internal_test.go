package deliveries

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/pkg/hook"
)

func TestEveryReasonIsExplained(t *testing.T) {
	t.Parallel()
	for _, reason := range hook.Reasons {
		for _, key := range []string{"reason." + string(reason), "reason." + string(reason) + ".text"} {
			require.Contains(t, ReasonWords, key)
			both := ReasonWords[key]
			require.NotEmpty(t, both[0], key)
			require.NotEmpty(t, both[1], key)
			require.NotEqual(t, both[0], both[1], key)
		}
	}
	require.Len(t, ReasonWords, 2*len(hook.Reasons), "none that there is not")
}

// apply does what htmx does.
func apply(t *testing.T, shown []row, changes []change) []row {
	t.Helper()
	place := func(key string) int {
		at := slices.IndexFunc(shown, func(r row) bool { return r.Key == key })
		require.NotEqual(t, -1, at, key)
		return at
	}
	for _, c := range changes {
		switch {
		case c.Into == "innerHTML:#rows":
			shown = slices.Clone(c.Rows)
		case c.Into == "beforeend:#rows":
			shown = append(shown, c.Rows...)
		case c.Into != "":
			shown = slices.Insert(shown, place(c.Into[len("beforebegin:#"):]), c.Rows...)
		case c.Rows[0].Swap == "outerHTML":
			shown[place(c.Rows[0].Key)] = c.Rows[0]
		default:
			at := place(c.Rows[0].Key)
			shown = slices.Delete(shown, at, at+1)
		}
	}
	return shown
}

// What is sent makes of any page the one that follows it.
func TestChangesLeadFromOneLookToTheNext(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	some := func() (rows []row) {
		for n := range 12 {
			if random.IntN(3) > 0 {
				continue
			}
			rows = append(rows, row{Key: strconv.Itoa(n), Delivery: client.Delivery{AttemptCount: int64(random.IntN(2))}})
		}
		return rows
	}
	for range 5000 {
		before, after := some(), some()
		require.Equal(t, digest(after), digest(apply(t, slices.Clone(before), diff(before, after))))
	}
}

func TestAChartHasTheStepsOneAfterTheOther(t *testing.T) {
	t.Parallel()
	text := func(s string) *string { return &s }
	require.Equal(t, []step{
		{"dns", 0, 100, "10 ms"}, {"connect", 100, 200, "20 ms"}, {"firstByte", 300, 600, "60 ms"}, {"body", 900, 100, "10 ms"},
	}, chart(hook.English, client.Timing{DNS: text("10ms"), Connect: text("20ms"), FirstByte: text("60ms")}, 100*time.Millisecond))
	require.Equal(t, []step{{"waiting", 0, 1000, "30 s"}}, chart(hook.English, client.Timing{}, 30*time.Second))
	require.Equal(t, []step{{"dns", 0, 1000, "1.0 ms"}}, chart(hook.English, client.Timing{DNS: text("5ms"), TLS: text("x")}, time.Millisecond), "clocks may disagree")
	require.Empty(t, chart(hook.English, client.Timing{}, 0))
}

func TestAStreamSparesTheDatabase(t *testing.T) {
	t.Parallel()
	var p pace
	require.Equal(t, time.Second, p.next(time.Millisecond, true), "once a second at most")
	require.Equal(t, 4*time.Second, p.next(200*time.Millisecond, true), "a twentieth of its time")
	require.Equal(t, 30*time.Second, p.next(time.Minute, false))
	for range 31 {
		p.next(time.Millisecond, false)
	}
	require.Equal(t, 3*time.Second, p.next(time.Millisecond, false), "nothing happens")
	require.Equal(t, time.Second, p.next(time.Millisecond, true))
}

func TestDurations(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0 ms", 40 * time.Microsecond: "40 µs", 1250 * time.Microsecond: "1,2 ms", 42 * time.Millisecond: "42 ms",
		1500 * time.Millisecond: "1,5 s", 90 * time.Second: "90 s", 5 * time.Minute: "5,0 min", 30 * time.Hour: "30 h",
	} {
		require.Equal(t, want, took(hook.Italian, d))
	}
}
