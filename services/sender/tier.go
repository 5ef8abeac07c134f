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
	records []bus.Record
	paused  bool
}

// head returns when the first record may be read; ok is false without one.
func (q *queue) head() (due time.Time, ok bool) {
	if len(q.records) == 0 {
		return time.Time{}, false
	}
	return q.records[0].Time.Add(q.tier.Delay), true
}

func (q *queue) pop() bus.Record {
	r := q.records[0]
	q.records[0] = bus.Record{}
	q.records = q.records[1:]
	return r
}
