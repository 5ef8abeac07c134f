package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"

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
	if more {
		if key, err = strconv.ParseInt(after.id, 10, 64); err != nil {
			return nil, "", badCursor(p.After)
		}
	}
	var list []hook.Delivery
	for _, source := range sources(f) {
		where := source.conditions(account, f)
		if more {
			where.add(`(`+source.alias+`.published, `+source.alias+`.id_key) < (?, ?)`, after.at, key)
		}
		some, err := collect(ctx, s.db, scanDelivery, source.query(where, p.Limit+1), where.args...)
		if err != nil {
			return nil, "", fmt.Errorf("listing deliveries of account %q: %w", account, err)
		}
		list = append(list, some...)
	}
	slices.SortFunc(list, func(a, b hook.Delivery) int {
		return cmp.Or(b.Published.Compare(a.Published), cmp.Compare(database.Key(b.ID), database.Key(a.ID)))
	})
	list, next := cut(list, p.Limit, func(d hook.Delivery) mark {
		return mark{at: database.Micros(d.Published), id: strconv.FormatInt(database.Key(d.ID), 10)}
	})
	return list, next, nil
}

// Delivery implements hook.Log.
func (s *Store) Delivery(ctx context.Context, account, id string) (hook.Delivery, error) {
	row := s.db.QueryRowContext(ctx, `SELECT `+strings.Join(listColumns, ", ")+` FROM deliveries
		WHERE id_key = $1 AND id = $2 AND account = $3`, database.Key(id), id, account)
	d, err := scanDelivery(row.Scan)
	if err != nil {
		return hook.Delivery{}, fmt.Errorf("delivery %q of account %q: %w", id, account, found(err))
	}
	return d, nil
}

// Attempts implements hook.Log. ErrNotFound if the delivery is not there.
func (s *Store) Attempts(ctx context.Context, account, id string) ([]hook.Attempt, error) {
	var list []hook.Attempt
	err := s.db.View(ctx, func(tx *sql.Tx) error {
		var r rowScan
		row := tx.QueryRowContext(ctx, `SELECT `+strings.Join(wholeColumns, ", ")+` FROM deliveries
			WHERE id_key = $1 AND id = $2 AND account = $3`, database.Key(id), id, account)
		if err := row.Scan(append(r.listTargets(), r.loneTargets()...)...); err != nil {
			return found(err)
		}
		d, lone, err := r.finish()
		if err != nil {
			return err
		}
		if lone {
			list = []hook.Attempt{*d.attempt}
			return nil
		}
		list, err = collect(ctx, tx, func(scan func(...any) error) (hook.Attempt, error) { return scanAttempt(scan, d.attempt) },
			`SELECT `+strings.Join(readColumns, ", ")+` FROM attempts WHERE id_key = $1 AND delivery = $2
			ORDER BY run, step, at, number, place`, database.Key(id), id)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("attempts of delivery %q of account %q: %w", id, account, err)
	}
	return list, nil
}
