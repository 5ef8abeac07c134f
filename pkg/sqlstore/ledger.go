package sqlstore

import (
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
	// sought are the keys of those that may have a row.
	sought []int64
	// stored are those that have a row, in the order of their keys; fresh the
	// others, in the order in which they came.
	stored, fresh []*history
}

func newLedger(size int) *ledger {
	return &ledger{histories: make(map[string]*history, size)}
}

// open makes a history for a delivery, which read does not look for if it is
// taken to be new.
func (l *ledger) open(id string, isNew bool) {
	if l.histories[id] != nil {
		return // whether it is there does not depend on the second record
	}
	h := &history{key: database.Key(id)}
	l.histories[id] = h
	if !isNew {
		l.sought = append(l.sought, h.key)
	}
}

// read reads what the log has of the deliveries, and locks their rows, which
// Released changes too.
func (l *ledger) read(ctx context.Context, w *database.Writer) error {
	// One after the other in the index, and in one order for all who lock.
	slices.Sort(l.sought)
	query := `SELECT ` + strings.Join(wholeColumns, ", ") + ` FROM deliveries WHERE id_key IN (…)`
	if w.Dialect == database.Postgres {
		query += ` ORDER BY id_key, id FOR UPDATE`
	}
	err := eachKey(ctx, w, query, l.sought, func(scan func(...any) error) error {
		var r rowScan
		if err := scan(append(r.listTargets(), r.loneTargets()...)...); err != nil {
			return err
		}
		d, lone, err := r.finish()
		if err != nil {
			return err
		}
		h := l.histories[d.attempt.Delivery]
		if h == nil {
			return nil // another one's of the same key
		}
		h.row, h.shown, h.stored, h.storedLone = d, -1, true, lone
		if lone {
			h.shown, h.attempts = 0, []entry{{key: keyOf(d.attempt), attempt: d.attempt}}
		}
		l.stored = append(l.stored, h)
		return nil
	})
	if err != nil {
		return err
	}
	return l.readAttempts(ctx, w)
}

// readAttempts reads the keys of what is in the table attempts, and what of it
// counts as usage.
func (l *ledger) readAttempts(ctx context.Context, w *database.Writer) error {
	var keys []int64
	for _, h := range l.stored {
		if !h.storedLone {
			keys = append(keys, h.key)
		}
	}
	return eachKey(ctx, w, `SELECT delivery, run, number, place, fate, at, duration, status_code
		FROM attempts WHERE id_key IN (…)`, keys,
		func(scan func(...any) error) error {
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
		})
}

// add takes in a record of one of the deliveries; see history.add.
func (l *ledger) add(a *hook.Attempt) (is novelty, failed *hook.Attempt) {
	h := l.histories[a.Delivery]
	if !h.stored && len(h.attempts) == 0 {
		l.fresh = append(l.fresh, h)
	}
	return h.add(a)
}

// write brings the tables up to date.
func (l *ledger) write(ctx context.Context, w *database.Writer) error {
	var inserts, updates, items, attempts [][]any
	for _, h := range l.fresh {
		values, err := h.row.values(h.key, h.lone())
		if err != nil {
			return err
		}
		inserts = append(inserts, values)
		items = append(items, h.row.itemValues(h.key)...)
		attempts = append(attempts, h.attemptValues()...)
	}
	for _, h := range l.stored {
		if lone := h.lone(); h.changed || lone != h.storedLone {
			updates = append(updates, h.row.update(h.key, lone))
		}
		if err := h.forget(ctx, w); err != nil {
			return err
		}
		attempts = append(attempts, h.attemptValues()...)
	}
	if err := w.Insert(ctx, "deliveries", names(rowColumns), inserts); err != nil {
		return err
	}
	if err := updateDeliveries(ctx, w, updates); err != nil {
		return err
	}
	if err := w.Insert(ctx, "delivery_items", names(itemColumns), items); err != nil {
		return err
	}
	return w.Insert(ctx, "attempts", names(attemptColumns), attempts)
}
