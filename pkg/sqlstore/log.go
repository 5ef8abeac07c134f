package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

// Deliveries implements hook.Log.
func (s *Store) Deliveries(ctx context.Context, account string, f hook.DeliveryFilter, p hook.Page) ([]hook.Delivery, string, error) {
	after, more, err := parseMark(p.After)
	if err != nil {
		return nil, "", err
	}
	var key int64
	to := f.To
	if more {
		if key, err = strconv.ParseInt(after.id, 10, 64); err != nil {
			return nil, "", badCursor(p.After)
		}
		if to = database.Time(after.at + 1); !f.To.IsZero() && f.To.Before(to) {
			to = f.To
		}
	}
	var spans []span
	for _, span := range s.spans() {
		if span.overlaps(f.From, to) {
			spans = append(spans, span)
		}
	}
	// Mostly the newest span has it all. Else the others are searched at once: what
	// takes time is to plan a search in so many partitions, which one after the other
	// adds up.
	var list []hook.Delivery
	for _, some := range [][]span{spans[:min(1, len(spans))], spans[min(1, len(spans)):]} {
		if len(list) > p.Limit {
			break
		}
		found, err := search(ctx, some, sources(f, s.db.Dialect == database.Postgres), func(ctx context.Context, source source, span span) ([]hook.Delivery, error) {
			if there, err := s.mayHave(ctx, source, span, account, f); !there || err != nil {
				return nil, err
			}
			where := source.conditions(account, f)
			if more {
				where.add(`(`+source.alias+`.published, `+source.alias+`.id_key) < (?, ?)`, after.at, key)
			}
			query := source.query(where, span, p.Limit+1-len(list))
			return collect(ctx, s.db, scanDelivery, query, s.db.Unprepared(where.args)...)
		})
		if err != nil {
			return nil, "", fmt.Errorf("listing deliveries of account %q: %w", account, err)
		}
		list = append(list, found...)
	}
	list, next := cut(list, p.Limit, func(d hook.Delivery) mark {
		return mark{at: database.Micros(d.Published), id: strconv.FormatInt(database.Key(d.ID), 10)}
	})
	return list, next, nil
}

// searches is how many searches of a list run at once.
const searches = 4

// search asks each source in each span, and returns what was found, newest first.
func search(ctx context.Context, spans []span, in []source, ask func(context.Context, source, span) ([]hook.Delivery, error)) ([]hook.Delivery, error) {
	found := make([][]hook.Delivery, len(spans)*len(in))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(searches)
	for i, span := range spans {
		for j, source := range in {
			group.Go(func() (err error) {
				found[i*len(in)+j], err = ask(ctx, source, span)
				return err
			})
		}
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	all := slices.Concat(found...)
	slices.SortFunc(all, func(a, b hook.Delivery) int {
		return cmp.Or(b.Published.Compare(a.Published), cmp.Compare(database.Key(b.ID), database.Key(a.ID)))
	})
	return all, nil
}

// mayHave reports whether a source has something in a span, as far as is seen at once: of
// the items that are one of several few are looked for, and to plan the join takes
// twice as long as to look whether there are any.
func (s *Store) mayHave(ctx context.Context, in source, of span, account string, f hook.DeliveryFilter) (there bool, err error) {
	if in.alias == "d" {
		return true, nil
	}
	row := s.db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM delivery_items i WHERE i.item_key = $1`+of.conditions("i")+`)`,
		itemKey(account, storableText(f.ItemID)))
	err = row.Scan(&there)
	return there, err
}

// Delivery implements hook.Log.
func (s *Store) Delivery(ctx context.Context, account, id string) (hook.Delivery, error) {
	for _, span := range s.spans() {
		row := s.db.QueryRowContext(ctx, `SELECT `+strings.Join(listColumns, ", ")+` FROM deliveries d
			WHERE id_key = $1 AND id = $2 AND account = $3`+span.conditions("d")+` ORDER BY published DESC LIMIT 1`,
			database.Key(id), storableText(id), account)
		d, err := scanDelivery(row.Scan)
		if err = found(err); err == nil {
			return d, nil
		}
		if !errors.Is(err, hook.ErrNotFound) {
			return hook.Delivery{}, fmt.Errorf("delivery %q of account %q: %w", id, account, err)
		}
	}
	return hook.Delivery{}, fmt.Errorf("delivery %q of account %q: %w", id, account, hook.ErrNotFound)
}

// Attempts implements hook.Log.
func (s *Store) Attempts(ctx context.Context, account, id string) ([]hook.Attempt, error) {
	var list []hook.Attempt
	known := false
	err := s.db.View(ctx, func(tx *sql.Tx) error {
		for _, span := range slices.Backward(s.spans()) { // the oldest first
			rows, err := collect(ctx, tx, func(scan func(...any) error) (whole, error) {
				var r rowScan
				if err := scan(append(r.listTargets(), r.loneTargets()...)...); err != nil {
					return whole{}, err
				}
				d, lone, err := r.finish()
				return whole{d.attempt, lone}, err
			}, `SELECT `+strings.Join(wholeColumns, ", ")+` FROM deliveries d
				WHERE id_key = $1 AND id = $2 AND account = $3`+span.conditions("d")+` ORDER BY published`,
				database.Key(id), storableText(id), account)
			if err != nil {
				return err
			}
			for _, row := range rows {
				known = true
				some, err := row.attempts(ctx, tx)
				if err != nil {
					return err
				}
				list = append(list, some...)
			}
		}
		return nil
	})
	if err == nil && !known {
		err = hook.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("attempts of delivery %q of account %q: %w", id, account, err)
	}
	return list, nil
}

// whole is a delivery's row, with all that it tells of its one attempt if it is lone.
type whole struct {
	*hook.Attempt
	lone bool
}

// attempts are those of the row's delivery, the oldest first.
func (d whole) attempts(ctx context.Context, q queries) ([]hook.Attempt, error) {
	if d.lone {
		return []hook.Attempt{*d.Attempt}, nil
	}
	return collect(ctx, q, func(scan func(...any) error) (hook.Attempt, error) { return scanAttempt(scan, d.Attempt) },
		`SELECT `+strings.Join(readColumns, ", ")+` FROM attempts a WHERE id_key = $1 AND delivery = $2
		AND `+attemptsOf(daySpan(dayOf(database.Micros(d.Published))))+` ORDER BY run, step, at, number, place`,
		database.Key(d.Delivery), d.Delivery)
}
