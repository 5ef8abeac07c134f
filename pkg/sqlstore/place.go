package sqlstore

import (
	"fmt"
	"time"

	"github.com/staffetta/staffetta/pkg/database"
)

// The log is ordered by the time at which Kafka took the event (published), and on
// PostgreSQL partitioned by the day of it. Topics that are not ours may have times
// of their producers' clocks, years off. What says that it is older than anything
// that waits in Kafka (14 days), or is yet to come, counts as published when it is
// first recorded; log_strays has such deliveries, so that what comes of them later
// is found. So there are never partitions but of the days that are kept, and none is
// dropped from under a delivery that is under way.
const (
	maxAge    = 15 * day
	maxFuture = day
)

// span is a part of the log: from a time (inclusive) to another (exclusive), Unix
// microseconds; nil: unbounded.
type span struct{ from, to *int64 }

// timely reports whether published may be the time of a delivery that is first
// recorded now.
func timely(published int64, now time.Time) bool {
	return published >= database.Micros(now.Add(-maxAge)) && published < database.Micros(now.Add(maxFuture))
}

// dayOf is the start of the day of a time.
func dayOf(micros int64) int64 {
	length := day.Microseconds()
	past := micros % length
	if past < 0 {
		past += length
	}
	return micros - past
}

// daySpan is the day that begins at a time.
func daySpan(from int64) span {
	to := from + day.Microseconds()
	return span{from: &from, to: &to}
}

// conditions bounds published of the table with this alias. The bounds are written
// out, so that PostgreSQL leaves out partitions before it plans, and locks, them.
func (s span) conditions(alias string) (text string) {
	if s.from != nil {
		text += fmt.Sprintf(" AND %s.published >= %d", alias, *s.from)
	}
	if s.to != nil {
		text += fmt.Sprintf(" AND %s.published < %d", alias, *s.to)
	}
	return text
}

// overlaps reports whether a span has something of the times from one (inclusive) to
// another (exclusive); zero: unbounded.
func (s span) overlaps(from, to time.Time) bool {
	return (to.IsZero() || s.from == nil || *s.from < database.Micros(to)) &&
		(from.IsZero() || s.to == nil || *s.to > database.Micros(from))
}

// spanDays are how many days the spans have in which the log is searched, the newest
// first: most finds are new, and a search in 32 partitions holds some 300 of the
// server's locks.
var spanDays = [...]int{1, 2, 4, 8, 16, 32, 32, 32, 64, 64, 128, 256}

// spans cut all times up, the newest first. A list that is read in one after the
// other is in its order, and whatever the clock says, complete. On SQLite there is
// one, as there are no partitions.
func (s *Store) spans() []span {
	if s.db.Dialect == database.SQLite {
		return []span{{}}
	}
	var all []span
	var to *int64
	from := dayOf(s.stamp())
	for _, days := range spanDays {
		from -= int64(days) * day.Microseconds()
		begin := from
		all = append(all, span{from: &begin, to: to})
		to = &begin
	}
	return append(all, span{to: to})
}
