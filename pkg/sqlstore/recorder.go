package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

// NextOffset implements hook.Recorder.
func (s *Store) NextOffset(ctx context.Context, partition int) (int64, error) {
	var next int64
	row := s.db.QueryRowContext(ctx, `SELECT next_offset FROM attempt_offsets WHERE partition_number = $1`, partition)
	if err := row.Scan(&next); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("next offset of partition %d of attempts: %w", partition, err)
	}
	return next, nil
}

// Record implements hook.Recorder. The records of one delivery are all on one
// partition (that of its webhook), so whoever has moved that one's offset knows
// that nobody else adds to the delivery until the transaction ends: it reads
// what the log has of the deliveries, decides here, and writes what is new.
//
// A delivery of which the first record comes is nearly always new. PostgreSQL is
// not asked about those, which would be a search in an index each: its unique
// index refuses what was there after all, and then it is all done again, this time
// with a look.
func (s *Store) Record(ctx context.Context, ranges []hook.Range) error {
	// In one order, so that no two recorders wait for each other.
	ranges = slices.SortedFunc(slices.Values(ranges), func(a, b hook.Range) int { return cmp.Compare(a.Partition, b.Partition) })
	trust := s.db.Dialect == database.Postgres
	now := s.now()
	err := s.makeDays(ctx, daysOf(ranges, now))
	for try := 1; err == nil; try++ {
		if err = s.record(ctx, ranges, now, trust); err == nil || try == recordTries {
			break
		}
		switch {
		case trust && database.IsUnique(err):
			trust, err = false, nil
		case database.IsUnpartitioned(err): // another recorder has dropped a day since
			s.days.learn(nil)
			err = s.makeDays(ctx, daysOf(ranges, now))
		}
	}
	if err != nil {
		return fmt.Errorf("recording attempts: %w", err)
	}
	return nil
}

// record writes the ranges in one transaction. If it trusts that deliveries are
// new whose first record comes, it breaks the unique index if one is not.
func (s *Store) record(ctx context.Context, ranges []hook.Range, now time.Time, trust bool) error {
	return s.db.Write(ctx, func(w *database.Writer) error {
		if err := hurry(ctx, w); err != nil {
			return err
		}
		for _, r := range ranges {
			if err := moveOffset(ctx, w.Tx, r.Partition, r.From, r.To); err != nil {
				return fmt.Errorf("partition %d of attempts, offsets %d to %d: %w", r.Partition, r.From, r.To, err)
			}
		}
		ranges, err := withoutDeleted(ctx, w, ranges)
		if err != nil {
			return err
		}
		used, requests, over := newTally(), make(outcomes), make(overQuota)
		for _, part := range apart(ranges, now) {
			l := newLedger(len(part), now, s.days.all())
			for _, a := range part {
				l.open(storableText(a.Delivery), database.Micros(a.Published), trust && first(a))
			}
			if err := l.read(ctx, w, s.spans()); err != nil {
				return err
			}
			for _, a := range part {
				a = storable(a)
				switch is, failed := l.add(a); {
				case a.Test:
				case a.EventType == hook.NoticeEvent:
					// What an operational webhook gets counts for no usage.
					if is == added || is == corrected {
						requests.note(a)
					}
				case is == added:
					used.count(a)
					over.note(a)
					requests.note(a)
				case is == corrected:
					used.replace(failed, a)
					requests.note(a)
				}
			}
			if err := l.write(ctx, w); err != nil {
				return err
			}
		}
		if err := used.write(ctx, w); err != nil {
			return err
		}
		if err := passMarkers(ctx, w.Tx, ranges); err != nil {
			return err
		}
		told, err := s.keepHealth(ctx, w, requests)
		if err != nil {
			return err
		}
		quotas, err := over.notices(ctx, w)
		if err != nil {
			return err
		}
		return s.writeNotices(ctx, w, append(told, quotas...))
	})
}

// recordTries bounds how often Record begins anew: it was wrong about deliveries once,
// and about days once.
const recordTries = 3

// daysOf are the days to which deliveries go that are first recorded now.
func daysOf(ranges []hook.Range, now time.Time) []int64 {
	days := map[int64]bool{}
	last := int64(-1)
	for _, r := range ranges {
		for i := range r.Records {
			published := database.Micros(r.Records[i].Attempt.Published)
			if !timely(published, now) {
				published = database.Micros(now)
			}
			if from := dayOf(published); from != last {
				days[from], last = true, from
			}
		}
	}
	return sorted(days)
}

// first reports whether a record begins a delivery: unless it is a twin's, the
// log has nothing of it.
func first(a *hook.Attempt) bool { return a.Run == 0 && a.Step == 0 && a.Number <= 1 }

// apart are all records in their order, cut so that in each part those of a delivery
// are of one day: an event that is published again under its id on another day is in
// the log twice, whether or not both come at once. Mostly there is one part.
func apart(ranges []hook.Range, now time.Time) [][]*hook.Attempt {
	all := make([]*hook.Attempt, 0, count(ranges))
	for _, r := range ranges {
		for i := range r.Records {
			all = append(all, &r.Records[i].Attempt)
		}
	}
	if len(daysOf(ranges, now)) < 2 {
		return [][]*hook.Attempt{all}
	}
	var parts [][]*hook.Attempt
	begin, days := 0, make(map[string]int64)
	for i, a := range all {
		published := database.Micros(a.Published)
		if !timely(published, now) {
			continue // it may be found in any day
		}
		day := dayOf(published)
		if before, ok := days[a.Delivery]; ok && before != day {
			parts, begin = append(parts, all[begin:i]), i
			clear(days)
		}
		days[a.Delivery] = day
	}
	return append(parts, all[begin:])
}

func count(ranges []hook.Range) int {
	n := 0
	for _, r := range ranges {
		n += len(r.Records)
	}
	return n
}

// hurry sets up a transaction of the log on PostgreSQL. It need not wait for the
// disk: its offsets are in it, so what a crash of the server undoes is read from
// Kafka again. And everything in it is found by key, however little the planner
// knows of a table that grows fast.
func hurry(ctx context.Context, w *database.Writer) error {
	if w.Dialect != database.Postgres {
		return nil
	}
	_, err := w.ExecContext(ctx, `SELECT set_config('synchronous_commit', 'off', true),
		set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true)`)
	return err
}

// patience makes the transaction wait for the disk after all: a version of an
// account that was published and then undone would be used a second time.
func patience(ctx context.Context, w *database.Writer) error {
	if w.Dialect != database.Postgres {
		return nil
	}
	_, err := w.ExecContext(ctx, `SELECT set_config('synchronous_commit', 'on', true)`)
	return err
}

// moveOffset also keeps other writers of the partition out until the
// transaction ends.
func moveOffset(ctx context.Context, tx *sql.Tx, partition int, from, to int64) error {
	move := `UPDATE attempt_offsets SET next_offset = $3 WHERE partition_number = $1 AND next_offset = $2`
	args := []any{partition, from, to}
	if from == 0 {
		move = `INSERT INTO attempt_offsets AS o (partition_number, next_offset) VALUES ($1, $3)
			ON CONFLICT (partition_number) DO UPDATE SET next_offset = excluded.next_offset WHERE o.next_offset = $2`
	}
	result, err := tx.ExecContext(ctx, move, args...)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return hook.ErrStale
}
