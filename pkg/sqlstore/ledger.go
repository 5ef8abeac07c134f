package sqlstore

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

// ledger is the histories of some deliveries within one transaction.
type ledger struct {
	histories map[string]*history
	// sought are those that may have a row; trusted are taken to have none.
	sought, trusted []*history
	now             time.Time
	// days are the partitions that are known.
	days []logDay
	// stored are those that have a row, in the order of their keys; fresh the
	// others, in the order in which they came.
	stored, fresh []*history
}

func newLedger(size int, now time.Time, days []logDay) *ledger {
	return &ledger{histories: make(map[string]*history, size), now: now, days: days}
}

// open makes a history for a delivery that was published at a time (0: that is not
// known), which read does not look for if it is taken to be new.
func (l *ledger) open(id string, published int64, isNew bool) {
	if h := l.histories[id]; h != nil {
		// Whether it is there does not depend on the second record.
		h.published = cmp.Or(h.published, published)
		return
	}
	h := &history{key: database.Key(id), published: published}
	l.histories[id] = h
	if !isNew || !timely(published, l.now) {
		l.sought = append(l.sought, h)
	} else {
		l.trusted = append(l.trusted, h)
	}
}

// read reads what the log has of the deliveries, and locks their rows, which
// Released changes too. A row is in the day of its delivery, or elsewhere if that is
// noted in log_strays, or if nobody knows when it was published.
func (l *ledger) read(ctx context.Context, w *database.Writer, everywhere []span) error {
	if err := l.doubt(ctx, w); err != nil {
		return err
	}
	days := make(map[int64][]int64)
	for _, h := range l.sought {
		if h.published != 0 {
			days[dayOf(h.published)] = append(days[dayOf(h.published)], h.key)
		}
	}
	if err := l.readDays(ctx, w, days); err != nil {
		return err
	}
	var missed []int64
	for _, h := range l.sought {
		if !h.stored && h.published != 0 {
			missed = append(missed, h.key)
		}
	}
	clear(days)
	err := eachKey(ctx, w, `SELECT id_key, published FROM log_strays WHERE id_key IN (…)`, missed, func(scan func(...any) error) error {
		var key, published int64
		err := scan(&key, &published)
		days[dayOf(published)] = append(days[dayOf(published)], key)
		return err
	})
	if err != nil {
		return err
	}
	if err := l.readDays(ctx, w, days); err != nil {
		return err
	}
	if err := l.readToday(ctx, w); err != nil {
		return err
	}
	for _, span := range everywhere {
		var unknown []int64
		for _, h := range l.sought {
			if !h.stored && h.published == 0 {
				unknown = append(unknown, h.key)
			}
		}
		if err := l.readSpan(ctx, w, span, unknown); err != nil {
			return err
		}
	}
	return l.readAttempts(ctx, w)
}

// doubt also seeks those that are taken to be new, but were strays when they were
// recorded first: their time had not come then, and they are in another day, of which
// the index does not refuse them.
func (l *ledger) doubt(ctx context.Context, w *database.Writer) error {
	if len(l.trusted) == 0 {
		return nil
	}
	var some bool
	if err := w.QueryRowContext(ctx, `SELECT EXISTS (SELECT FROM log_strays)`).Scan(&some); err != nil || !some {
		return err
	}
	keys := make([]int64, len(l.trusted))
	for i, h := range l.trusted {
		keys[i] = h.key
	}
	strays := make(map[int64]bool)
	err := eachKey(ctx, w, `SELECT id_key FROM log_strays WHERE id_key IN (…)`, keys, func(scan func(...any) error) error {
		var key int64
		err := scan(&key)
		strays[key] = true
		return err
	})
	for _, h := range l.trusted {
		if strays[h.key] {
			l.sought = append(l.sought, h)
		}
	}
	return err
}

// readDays reads rows by the day that they are in, in one order for all who lock.
func (l *ledger) readDays(ctx context.Context, w *database.Writer, days map[int64][]int64) error {
	for _, from := range sorted(days) {
		if err := l.readSpan(ctx, w, l.spanOf(from), days[from]); err != nil {
			return err
		}
	}
	return nil
}

// readToday looks for strays in this day, to which add takes those that are new: there
// may be one of the id already, with a time that can be. Both are one then, as two of
// one day always are, and log_strays leads to it from now on.
func (l *ledger) readToday(ctx context.Context, w *database.Writer) error {
	var strays []*history
	var keys []int64
	for _, h := range l.sought {
		if !h.stored && h.published != 0 && !timely(h.published, l.now) {
			strays, keys = append(strays, h), append(keys, h.key)
		}
	}
	err := l.readSpan(ctx, w, l.spanOf(dayOf(database.Micros(l.now))), keys)
	for _, h := range strays {
		h.stray = h.stored
	}
	return err
}

// spanOf is where a delivery of a day is one with another of its id: in that day, or,
// if it is of the time before there were days, in all of that, as one index has it.
func (l *ledger) spanOf(from int64) span {
	for _, d := range l.days {
		if d.from < from && from < d.to {
			to := d.to
			return span{to: &to}
		}
	}
	return daySpan(from)
}

func (l *ledger) readSpan(ctx context.Context, w *database.Writer, of span, keys []int64) error {
	slices.Sort(keys) // one after the other in the index
	query := `SELECT ` + strings.Join(wholeColumns, ", ") + ` FROM deliveries d WHERE id_key IN (…)` + of.conditions("d")
	if w.Dialect == database.Postgres {
		query += ` ORDER BY id_key, id FOR UPDATE`
	}
	return eachKey(ctx, w, query, keys, func(scan func(...any) error) error {
		var r rowScan
		if err := scan(append(r.listTargets(), r.loneTargets()...)...); err != nil {
			return err
		}
		d, lone, err := r.finish()
		if err != nil {
			return err
		}
		h := l.histories[d.attempt.Delivery]
		if h == nil || h.stored {
			return nil // another one's of the same key, or an older one of this
		}
		h.row, h.shown, h.stored, h.storedLone = d, -1, true, lone
		h.published = database.Micros(d.attempt.Published)
		if lone {
			h.shown, h.attempts = 0, []entry{{key: keyOf(d.attempt), attempt: d.attempt}}
		}
		l.stored = append(l.stored, h)
		return nil
	})
}

// readAttempts reads the keys of what is in the table attempts, and what of it
// counts as usage.
func (l *ledger) readAttempts(ctx context.Context, w *database.Writer) error {
	days := make(map[int64][]int64)
	for _, h := range l.stored {
		if !h.storedLone {
			days[dayOf(h.published)] = append(days[dayOf(h.published)], h.key)
		}
	}
	for _, from := range sorted(days) {
		query := `SELECT delivery, run, number, place, fate, at, duration, status_code FROM attempts a WHERE id_key IN (…) AND ` + attemptsOf(daySpan(from))
		if err := eachKey(ctx, w, query, days[from], l.takeAttempt); err != nil {
			return err
		}
	}
	return nil
}

func (l *ledger) takeAttempt(scan func(...any) error) error {
	a := &hook.Attempt{}
	e := entry{attempt: a, tabled: true}
	var id string
	var at, duration int64
	if err := scan(&id, &e.key.run, &e.key.number, &e.key.place, &a.Fate, &at, &duration, &a.StatusCode); err != nil {
		return err
	}
	a.Number, a.At, a.Duration = e.key.number, database.Time(at), time.Duration(duration)*time.Microsecond
	if h := l.histories[id]; h != nil && h.stored {
		a.Account, a.Webhook = h.row.attempt.Account, h.row.attempt.Webhook
		h.attempts = append(h.attempts, e)
	}
	return nil
}

// add takes in a record of one of the deliveries; see history.add.
func (l *ledger) add(a *hook.Attempt) (is novelty, failed *hook.Attempt) {
	h := l.histories[a.Delivery]
	if !h.stored && len(h.attempts) == 0 {
		l.fresh = append(l.fresh, h)
		if !timely(h.published, l.now) {
			h.published, h.stray = database.Micros(l.now), true
		}
	}
	return h.add(a)
}

// write brings the tables up to date.
func (l *ledger) write(ctx context.Context, w *database.Writer) error {
	var inserts, items, attempts, strays [][]any
	updates := make(map[int64][][]any)
	for _, h := range l.fresh {
		values, err := h.row.values(h.key, h.published, h.lone())
		if err != nil {
			return err
		}
		if h.stray {
			strays = append(strays, []any{h.key, h.published})
		}
		inserts = append(inserts, values)
		items = append(items, h.row.itemValues(h.key, h.published)...)
		attempts = append(attempts, h.attemptValues()...)
	}
	for _, h := range l.stored {
		if lone := h.lone(); h.changed || lone != h.storedLone {
			updates[dayOf(h.published)] = append(updates[dayOf(h.published)], h.row.update(h.key, lone))
		}
		if h.stray {
			strays = append(strays, []any{h.key, h.published})
		}
		if err := h.forget(ctx, w); err != nil {
			return err
		}
		attempts = append(attempts, h.attemptValues()...)
	}
	if err := w.Insert(ctx, "deliveries", names(rowColumns), inserts); err != nil {
		return err
	}
	for _, from := range sorted(updates) {
		if err := updateDeliveries(ctx, w, daySpan(from), updates[from]); err != nil {
			return err
		}
	}
	if err := w.Insert(ctx, "log_strays", []string{"id_key", "published"}, strays); err != nil {
		return err
	}
	if err := w.Insert(ctx, "delivery_items", names(itemColumns), items); err != nil {
		return err
	}
	return w.Insert(ctx, "attempts", names(attemptColumns), attempts)
}
