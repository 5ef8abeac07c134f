package recorder

import (
	"sync/atomic"

	"github.com/staffetta/staffetta/pkg/hook"
)

// tail is one partition of attempts, of which the log lacks the end.
type tail struct {
	partition int
	// next is what the log was written up to.
	next atomic.Int64
	// upTo is what was gathered up to, and records and markers what that is. They are
	// the writer's.
	upTo    int64
	records []hook.Recorded
	markers []hook.Marker
}

func newTail(partition int, next int64) *tail {
	t := &tail{partition: partition, upTo: next}
	t.next.Store(next)
	return t
}

// gathered is what the log lacks; ok is false if that is nothing.
func (t *tail) gathered() (r hook.Range, ok bool) {
	from := t.next.Load()
	return hook.Range{Partition: t.partition, From: from, To: t.upTo, Records: t.records, Markers: t.markers}, t.upTo != from
}
