package sender

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var start = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

// bench is a lane with a clock that is set by hand.
type bench struct {
	*lane
	t       *testing.T
	now     time.Time
	running []*task
	// patient says whether who offers tasks is.
	patient bool
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, now: start}
	turns := newTurns(func() {}, func() time.Time { return b.now })
	b.lane = newLane("acme", newBreaker(time.Minute, ignore), turns)
	return b
}

// provenLane is a lane that had a success a moment ago.
func provenLane(t *testing.T, took time.Duration) *bench {
	t.Helper()
	b := newBench(t)
	b.offer(&task{}, bounds{})
	b.finish(succeeded, took)
	require.Empty(t, b.running)
	return b
}

func (b *bench) offer(t *task, limits bounds) (admission, parked) {
	b.t.Helper()
	what, p := b.lane.offer(t, limits, b.patient, b.now)
	if what == started {
		b.running = append(b.running, t)
	}
	b.startWaiting()
	return what, p
}

func (b *bench) startWaiting() {
	for t := b.turns.next(); t != nil; t = b.turns.next() {
		b.running = append(b.running, t)
	}
}

// finish ends the oldest request after a while.
func (b *bench) finish(went verdict, took time.Duration) []parked {
	b.t.Helper()
	return b.answer(went, took, 0)
}

func (b *bench) answer(went verdict, took, retryAfter time.Duration) []parked {
	b.t.Helper()
	b.now = b.now.Add(took)
	t := b.running[0]
	b.running = b.running[1:]
	next, park := b.lane.finish(t, went, retryAfter, b.now)
	if next != nil {
		b.running = append(b.running, next)
	}
	b.startWaiting()
	return park
}

// fill offers tasks until one is refused and returns how many wait.
func (b *bench) fill(limits bounds) (waiting int) {
	b.t.Helper()
	for range 1_000_000 {
		switch what, _ := b.offer(&task{}, limits); what {
		case started:
		case queued:
			waiting++
		default:
			return waiting
		}
	}
	b.t.Fatal("the lane is never full")
	return 0
}

func TestANewLaneTriesOneAndQueuesFew(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	require.Equal(t, maxUnknown, b.fill(bounds{}))
	require.Len(t, b.running, 1)

	b.finish(succeeded, time.Millisecond)
	require.Len(t, b.running, startLimit+1, "after the first success the others go on")
}

func TestALaneWithoutASuccessHoldsNoQueue(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	waiting := b.fill(bounds{})
	park := b.finish(failed, time.Millisecond)
	require.Len(t, park, waiting)
	require.Zero(t, b.fill(bounds{}))
	require.Len(t, b.running, 1)
	b.finish(succeeded, time.Millisecond)
	require.NotZero(t, b.fill(bounds{}), "until it has one")
}

func TestLanesWithoutASuccessHoldAQuarterOfTheBudgetTogether(t *testing.T) {
	t.Parallel()
	turns := newTurns(func() {}, func() time.Time { return start })
	begun := 0
	for range maxInFlight {
		l := newLane("acme", newBreaker(time.Minute, ignore), turns)
		if what, _ := l.offer(&task{}, bounds{}, false, start); what == started {
			begun++
		}
	}
	require.Equal(t, maxInFlight/4, begun)
	good := newLane("acme", newBreaker(time.Minute, ignore), turns)
	good.trust = proven
	what, _ := good.offer(&task{}, bounds{}, false, start)
	require.Equal(t, started, what, "which leaves the others theirs")
}

func TestALaneGrowsWithEachSuccess(t *testing.T) {
	t.Parallel()
	b := provenLane(t, time.Millisecond)
	for range 10 * maxLimit {
		b.fill(bounds{})
		require.Empty(t, b.finish(succeeded, 10*time.Millisecond))
	}
	b.fill(bounds{})
	require.Len(t, b.running, maxLimit)
}

func TestAReceiverThatRefusesNowAndThenKeepsItsLane(t *testing.T) {
	t.Parallel()
	b := provenLane(t, time.Millisecond)
	for n := range 100 {
		b.fill(bounds{})
		went := failed
		if n%distrust == 0 {
			went = succeeded
		}
		require.Empty(t, b.finish(went, time.Millisecond))
	}
	require.GreaterOrEqual(t, len(b.running), startLimit)
}

func TestWhatIsQueuedBeforeAReceiverThatHangsIsLetGo(t *testing.T) {
	t.Parallel()
	b := provenLane(t, time.Millisecond)
	b.now = b.now.Add(time.Second)
	waiting := b.fill(bounds{})
	require.NotZero(t, waiting)
	require.Empty(t, b.overdue(b.now.Add(time.Millisecond)), "a millisecond says nothing yet")
	b.now = b.now.Add(2 * hangAge)
	require.Len(t, b.overdue(b.now), waiting)
	what, p := b.offer(&task{}, bounds{})
	require.Equal(t, full, what, "and nothing new is begun")
	require.Equal(t, causeProbing, p.cause)
}

func TestWhenTheBreakerOpensTheQueueIsParkedBehindTheProbe(t *testing.T) {
	clocked(t, func(t *testing.T) {
		b := provenLane(t, 100*time.Millisecond)
		b.now = time.Now() // the breaker has a clock of its own
		waiting := b.fill(bounds{})
		var park []parked
		for range tripRow {
			park = append(park, b.finish(away, 0)...)
		}
		require.Len(t, park, waiting)
		for i, p := range park {
			require.Equal(t, causeOpen, p.cause)
			require.True(t, p.due.After(b.now.Add(firstOpen/2)), "after the opening")
			if i > 0 {
				require.True(t, p.due.After(park[i-1].due), "places lie apart, so that they do not come back all at once")
			}
		}
		what, p := b.offer(&task{}, bounds{})
		require.Equal(t, full, what)
		require.True(t, p.due.After(park[waiting-1].due))
	})
}

// "with the breaker open, spread over what follows the next probe at the last good
// rate" (DESIGN.md, rule 4), also if there was never so much to do that the lane's
// drain could be measured.
func TestWhatWaitsForAnOutageIsBookedAtTheLastGoodRate(t *testing.T) {
	clocked(t, func(t *testing.T) {
		const took = 10 * time.Millisecond
		b := provenLane(t, took)
		b.now = time.Now() // the breaker has a clock of its own
		for range 20 {
			b.offer(&task{}, bounds{})
			b.finish(succeeded, took)
		}
		atOnce := b.effective()
		require.Greater(t, atOnce, startLimit)
		for range tripRow {
			b.offer(&task{}, bounds{})
			b.finish(away, 0)
		}
		require.Less(t, b.effective(), startLimit)
		_, first := b.offer(&task{}, bounds{})
		_, second := b.offer(&task{}, bounds{})
		require.Equal(t, causeOpen, second.cause)
		require.InDelta(t, took.Seconds()/float64(atOnce), second.due.Sub(first.due).Seconds(), 1e-6)
	})
}

// A lane that got no turn for a second drained one task a second: what it cannot hold
// would come back over minutes.
func TestASenderThatWasBusyIsNotTakenForASlowReceiver(t *testing.T) {
	t.Parallel()
	const took = 10 * time.Millisecond
	b := provenLane(t, took)
	for range 20 {
		b.offer(&task{}, bounds{})
		b.finish(succeeded, took)
	}
	b.drain.rate = 1
	apart := func() float64 {
		b.fill(bounds{})
		_, first := b.offer(&task{}, bounds{})
		_, second := b.offer(&task{}, bounds{})
		require.Equal(t, causeFull, second.cause)
		return second.due.Sub(first.due).Seconds()
	}
	require.InDelta(t, took.Seconds()/float64(b.effective()), apart(), 1e-6)

	b.finish(failed, took)
	require.InDelta(t, 1.0/optimism, apart(), 1e-6, "one that refuses some answers fast, and takes what it took")
	b.finish(succeeded, took)
	b.now = b.now.Add(blameless)
	require.Less(t, apart(), 0.1)
}

func TestRetryAfterHoldsTheLane(t *testing.T) {
	t.Parallel()
	b := provenLane(t, time.Millisecond)
	one := bounds{concurrency: 1}
	b.offer(&task{}, one)
	what, _ := b.offer(&task{}, one)
	require.Equal(t, queued, what)
	park := b.answer(away, 0, time.Minute)
	require.Empty(t, b.running)
	require.Len(t, park, 1)
	require.False(t, park[0].due.Before(b.now.Add(time.Minute)))
	b.now = b.now.Add(59 * time.Second)
	what, p := b.offer(&task{}, one)
	require.Equal(t, full, what)
	require.Equal(t, causeAsked, p.cause)
	b.now = b.now.Add(2 * time.Second)
	what, _ = b.offer(&task{}, one)
	require.Equal(t, started, what)
}

func TestALaneIsFullWhenItsExpectedWaitExceedsASecond(t *testing.T) {
	t.Parallel()
	b := provenLane(t, 100*time.Millisecond)
	b.limit = startLimit
	waiting := b.fill(bounds{})
	require.Len(t, b.running, startLimit)
	require.Equal(t, startLimit*10, waiting, "8 at a time, 100 ms each: 80 in a second")
}

func TestTheWebhooksOwnConcurrencyIsNeverExceeded(t *testing.T) {
	t.Parallel()
	b := provenLane(t, time.Millisecond)
	one := bounds{concurrency: 1}
	first, second := &task{}, &task{}
	what, _ := b.offer(first, one)
	require.Equal(t, started, what)
	what, _ = b.offer(second, one)
	require.Equal(t, queued, what)
	b.finish(succeeded, time.Millisecond)
	require.Equal(t, []*task{second}, b.running)
}

func TestWhatIsDueGoesBeforeWhatIsFresh(t *testing.T) {
	t.Parallel()
	b := provenLane(t, time.Millisecond)
	fresh, due := &task{}, &task{identity: identity{step: 1}}
	for _, n := range []*task{{}, fresh, due} {
		b.offer(n, bounds{concurrency: 1})
	}
	b.finish(succeeded, time.Millisecond)
	require.Equal(t, []*task{due}, b.running)
	b.finish(succeeded, time.Millisecond)
	require.Equal(t, []*task{fresh}, b.running)
}

func TestALaneThatIsRetiredTakesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.offer(&task{}, bounds{})
	require.False(t, b.retire(start.Add(time.Hour)), "it is in use")
	b.finish(succeeded, time.Millisecond)
	require.False(t, b.retire(start), "it was in use")
	require.True(t, b.retire(start.Add(time.Hour)))
	what, _ := b.offer(&task{}, bounds{})
	require.Equal(t, retired, what)
}

func TestWhatIsFreshIsParkedIfThoseThatAreDueLeaveItNoTurn(t *testing.T) {
	t.Parallel()
	b := provenLane(t, 100*time.Millisecond)
	limits := bounds{concurrency: 1}
	b.offer(&task{}, limits)
	fresh := &task{}
	b.offer(fresh, limits)
	for range 25 { // they come as fast as the lane drains
		b.offer(&task{identity: identity{step: 1}}, limits)
		b.finish(succeeded, 100*time.Millisecond)
		require.NotContains(t, b.running, fresh)
	}
	park := b.overdue(b.now)
	require.Len(t, park, 1)
	require.Same(t, fresh, park[0].task)
}

func TestALaneThatIsClosedStartsNothing(t *testing.T) {
	t.Parallel()
	b := provenLane(t, time.Millisecond)
	limits := bounds{concurrency: 1}
	waits := &task{}
	b.offer(&task{}, limits)
	b.offer(waits, limits)
	require.Equal(t, []*task{waits}, b.close())
	what, _ := b.offer(&task{}, limits)
	require.Equal(t, closed, what)
	b.finish(succeeded, time.Millisecond)
	require.Empty(t, b.running)
}

func TestALaneIsKeptForAsLongAsItsReceiverAskedFor(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.offer(&task{}, bounds{})
	b.answer(away, time.Millisecond, time.Hour)
	require.False(t, b.retire(b.now.Add(11*time.Minute)))
	require.True(t, b.retire(b.now.Add(61*time.Minute)))
}
