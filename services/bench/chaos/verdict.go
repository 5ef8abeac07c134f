package chaos

import (
	"slices"
	"time"
)

// cause is what explains that an answered request was repeated.
type cause string

const (
	// senderKilled: a sender was killed while the receiver held the request open,
	// or at most Config.Within after it had answered.
	senderKilled cause = "sender killed"
	// kafkaAway: the answer was given at most Config.Within before Kafka went, or
	// while it was away. Then no sender can write it down, and one that has not
	// the partition any more when Kafka is back has given it for nothing.
	kafkaAway cause = "kafka away"
	// moved: the repetition came before the first answer, while partitions moved
	// because a sender went or came. What is open at the old owner at that moment
	// is unknown to the new one.
	moved cause = "partition moved"
	// unexplained is none of these. A planned restart explains nothing that was
	// answered before.
	unexplained cause = "unexplained"
)

// repetition is a request whose delivery had been answered 2xx, or was about to.
type repetition struct {
	first, again request
	cause        cause
}

// repetitions finds them among the requests of one delivery: those that come
// next after one that was answered 2xx. What comes after a failure is a retry.
func repetitions(requests []request, blows []blow, within time.Duration) []repetition {
	var found []repetition
	for i := 1; i < len(requests); i++ {
		if first, again := requests[i-1], requests[i]; first.delivered() {
			found = append(found, repetition{first, again, explain(first, again, blows, within)})
		}
	}
	return found
}

func explain(first, again request, blows []blow, within time.Duration) cause {
	for _, b := range blows {
		if c := b.undoes(first, within); c != "" && !again.arrived.Before(b.from) {
			return c
		}
	}
	if overlap(first, again, blows) {
		return moved
	}
	return unexplained
}

// undoes tells whether a blow can have kept the answer to a request from being
// written down, and why; empty if not.
func (b blow) undoes(r request, within time.Duration) cause {
	if !r.ended.IsZero() && r.ended.Before(b.from.Add(-within)) {
		return "" // it was over long before
	}
	switch {
	// A process may run on for a moment after the signal, and what it sent arrive
	// later still. Nobody else has its partitions before its session has ended.
	case b.part == sender && b.how == killed && !r.arrived.After(b.back.Add(within)):
		return senderKilled
	case b.part == kafka && !r.arrived.After(b.back.Add(within)):
		return kafkaAway
	}
	return ""
}

// overlap tells whether a request came while the one before was open and the
// partitions moved.
func overlap(first, again request, blows []blow) bool {
	for _, b := range blows {
		if b.part == sender && first.ended.After(again.arrived) &&
			!again.arrived.Before(b.from) && again.arrived.Before(b.healthy) {
			return true
		}
	}
	return false
}

// recordable counts the requests that the log must know: those that were
// answered and nothing kept the answer from being written down. Of a repetition
// there need be no record: it has the number of the attempt that it repeats.
func recordable(requests []request, blows []blow, within time.Duration) int {
	count := 0
	for i, r := range requests {
		switch {
		case r.status == 0:
		case i > 0 && requests[i-1].delivered():
		case i+1 < len(requests) && overlap(r, requests[i+1], blows):
		case slices.ContainsFunc(blows, func(b blow) bool { return b.undoes(r, within) != "" }):
		default:
			count++
		}
	}
	return count
}
