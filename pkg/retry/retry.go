// Package retry plans when a task is tried again and by which walk down the
// tiers it gets there. A tier is a Kafka topic that delays every record by the
// same time, so its order is the order in which its records are due; a longer
// delay is a walk over several tiers.
package retry

import (
	"hash/fnv"
	"strconv"
	"time"
)

// Tier is a topic that delays by a constant time.
type Tier struct {
	Topic string
	Delay time.Duration
}

// Tiers are all tiers, shortest delay first. They lie a factor of two to four
// apart, so that a walk has few hops (1.0–3.4 per step of the default schedule,
// simulated) and ten topics reach from a second to a day.
var Tiers = [...]Tier{
	{"retry.1s", time.Second},
	{"retry.3s", 3 * time.Second},
	{"retry.10s", 10 * time.Second},
	{"retry.30s", 30 * time.Second},
	{"retry.90s", 90 * time.Second},
	{"retry.5m", 5 * time.Minute},
	{"retry.15m", 15 * time.Minute},
	{"retry.1h", time.Hour},
	{"retry.3h", 3 * time.Hour},
	{"retry.10h", 10 * time.Hour},
}

// tolerance is the part of a delay, as a divisor, by which the jitter lengthens
// it at most and by which a walk may end early. 10 % of both: with less, a walk
// makes hop after hop of a second for its last bit (10–16 hops at ±10 % and no
// tolerance, simulated).
const tolerance = 10

// Seed names an attempt. The same seed always gives the same jitter, so a task
// that was written twice stays beside its twin.
type Seed struct {
	Delivery string
	Run      int64
	Attempt  int
}

// Next plans a task that shall wait for delay from now on. due is when it
// should be tried: the delay and 0 … 10 % of it more, the same for the same
// seed. notBefore is when it may be tried: 10 % of the delay before due, so
// that its walk can end without a hop for the rest; if hard, a full delay from
// now, for a receiver that asked for it (Retry-After). A delay below zero is
// taken as zero.
func Next(now time.Time, delay time.Duration, hard bool, seed Seed) (due, notBefore time.Time) {
	delay = max(delay, 0)
	due = now.Add(delay + jitter(delay, seed))
	if hard {
		return due, now.Add(delay)
	}
	return due, due.Add(-delay / tolerance)
}

// Hop says how a task goes on at the time now: ready to be tried, or on to a
// tier. That is the largest whose delay fits into what is left until due; if
// none fits, the smallest, which then overshoots due by less than its delay.
// Of a ready task the tier means nothing.
func Hop(now, due, notBefore time.Time) (tier Tier, ready bool) {
	rest := due.Sub(now)
	tier = Tiers[0]
	for _, t := range Tiers[1:] {
		if t.Delay > rest {
			break
		}
		tier = t
	}
	return tier, !now.Before(notBefore)
}

// jitter is at least 0 and less than a tenth of the delay.
func jitter(delay time.Duration, seed Seed) time.Duration {
	h := fnv.New64a()
	key := seed.Delivery + "\x00" + strconv.FormatInt(seed.Run, 10) + "\x00" + strconv.Itoa(seed.Attempt)
	_, _ = h.Write([]byte(key)) // a hash never fails
	// The top 53 bits as a fraction: all that a float64 holds exactly.
	fraction := float64(mix(h.Sum64())>>11) / (1 << 53)
	return time.Duration(fraction * float64(delay/tolerance))
}

// mix spreads the hash over all its bits (the finalizer of MurmurHash3): FNV
// alone leaves the top bits of keys that differ in their last digit alike.
func mix(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	h ^= h >> 33
	return h
}
