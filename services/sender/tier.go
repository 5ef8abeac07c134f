package sender

import (
	"time"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/retry"
)

// queue is what was fetched of one tier of a partition and is not due yet. A
// tier's delay is constant, so its first record is due first.
type queue struct {
	tier    retry.Tier
	records []entry
	paused  bool
}

// entry is a record that waits.
type entry struct {
	bus.Record
	mark bus.Mark
	// hold is when it may be taken at the earliest; zero: as the tier says.
	hold time.Time
}

// head returns when the first record may be taken; ok is false without one.
func (q *queue) head() (due time.Time, ok bool) {
	if len(q.records) == 0 {
		return time.Time{}, false
	}
	return latest(q.records[0].Time.Add(q.tier.Delay), q.records[0].hold), true
}

func (q *queue) pop() entry {
	e := q.records[0]
	q.records[0] = entry{}
	q.records = q.records[1:]
	return e
}
