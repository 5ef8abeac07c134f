package recorder

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestReleasesRampUpToAHundredASecondWithinFiveSeconds(t *testing.T) {
	t.Parallel()
	r, now := newRamp(), time.Unix(1000, 0)
	var perSecond []int
	for range 6 {
		perSecond = append(perSecond, r.take("wh_1", now, 1_000_000))
		now = now.Add(time.Second)
	}
	require.Equal(t, []int{20, 36, 52, 68, 84, 100}, perSecond)
}

func TestRoundsInQuickSuccessionReleaseNoMore(t *testing.T) {
	t.Parallel()
	r, now := newRamp(), time.Unix(1000, 0)
	total := 0
	for range 20 * 100 { // 20 s, woken every 10 ms
		total += r.take("wh_1", now, 1_000_000)
		now = now.Add(10 * time.Millisecond)
	}
	require.LessOrEqual(t, total, 20+5*60+15*100*5/4, "15 s of growth are a factor of 1.41 in the end, 1.2 on average")
	require.GreaterOrEqual(t, total, 4*60+14*100)
}

func TestARampBeginsAnewAfterAWhileWithoutReleases(t *testing.T) {
	t.Parallel()
	r, now := newRamp(), time.Unix(1000, 0)
	require.Equal(t, 20, r.take("wh_1", now, 50))
	require.Equal(t, 20, r.take("wh_2", now, 50), "each webhook has its own")
	require.Zero(t, r.take("wh_1", now, 50))
	now = now.Add(rampTime + time.Second)
	r.forget(now)
	require.Empty(t, r.webhooks)
	require.Equal(t, 20, r.take("wh_1", now, 50))
	require.Equal(t, 5, r.take("wh_2", now, 5), "no more than there are")
}

func TestALongBacklogIsReleasedFasterUntilItCatchesUp(t *testing.T) {
	t.Parallel()
	require.InDelta(t, 100, rateAfter(rampTime), 0.01)
	require.InDelta(t, 200, rateAfter(rampTime+growTime), 0.01)
	require.InDelta(t, 400, rateAfter(rampTime+2*growTime), 0.01)
	require.InDelta(t, maxRate, rateAfter(time.Hour), 0.01)
}

// Ticks come late at times, and a walk does not use all that it may.
func TestAReplayKeepsToItsRateInEverySecond(t *testing.T) {
	t.Parallel()
	for _, rate := range []int{1, 3, 100, 1000} {
		began := time.Unix(1000, 0)
		p := pace{since: began, last: began}
		var when []time.Time
		now := began
		for tick := 0; now.Sub(began) < 20*time.Second; tick++ {
			now = now.Add(replayTick + time.Duration(tick%7)*10*time.Millisecond)
			got := p.take(now, 1_000_000, rising(float64(rate), now.Sub(p.since)), replayBurst)
			if tick%5 == 0 {
				p.tokens += float64(got) // as if nothing was found
				continue
			}
			for range got {
				when = append(when, now)
			}
		}
		for i := range when {
			if last := i + int(1.2*float64(rate)) + 1; last < len(when) {
				require.Greater(t, when[last].Sub(when[i]), 900*time.Millisecond, "rate %d", rate)
			}
		}
		require.LessOrEqual(t, len(when), 20*rate)
		require.GreaterOrEqual(t, len(when), 20*rate*6/10, "rate %d: it is reached", rate)
	}
	require.InDelta(t, 20, rising(100, 0), 0.01)
	require.InDelta(t, 100, rising(100, rampTime), 0.01)
	require.InDelta(t, 100, rising(100, time.Hour), 0.01, "and never more")
}
