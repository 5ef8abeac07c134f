package sqlstore

import (
	"context"
	"fmt"
	"strings"

	"github.com/staffetta/staffetta/pkg/database"
)

// forgetRows bounds what one transaction deletes on SQLite, where everybody who writes
// waits for it: some 10 ms.
const forgetRows = 500

// forget deletes the oldest deliveries that were published before a time, at most
// forgetRows, from SQLite. It hops from account to account, as the index does.
func (s *Store) forget(ctx context.Context, before int64) (more bool, err error) {
	err = s.db.Write(ctx, func(w *database.Writer) error {
		var old []whole
		for account, left := "", true; left && len(old) < forgetRows; {
			accounts, err := collect(ctx, w, func(scan func(...any) error) (name *string, err error) { return name, scan(&name) },
				`SELECT MIN(account) FROM deliveries WHERE account > $1`, account)
			if err != nil {
				return err
			}
			if left = accounts[0] != nil; !left {
				break
			}
			account = *accounts[0]
			some, err := collect(ctx, w, func(scan func(...any) error) (whole, error) {
				var r rowScan
				if err := scan(r.listTargets()...); err != nil {
					return whole{}, err
				}
				d, _, err := r.finish()
				return whole{Attempt: d.attempt}, err
			}, `SELECT `+strings.Join(listColumns, ", ")+` FROM deliveries WHERE account = $1 AND published < $2
				ORDER BY published, id_key LIMIT $3`, account, before, forgetRows-len(old))
			if err != nil {
				return err
			}
			old = append(old, some...)
		}
		more = len(old) == forgetRows
		return forgetAll(ctx, w, old)
	})
	if err != nil {
		return false, fmt.Errorf("forgetting what is too old in the log: %w", err)
	}
	return more, nil
}

// forgetAll deletes deliveries with their attempts and items.
func forgetAll(ctx context.Context, w *database.Writer, old []whole) error {
	for _, d := range old {
		key, published := database.Key(d.Delivery), database.Micros(d.Published)
		if _, err := w.ExecContext(ctx, `DELETE FROM deliveries WHERE id_key = $1 AND id = $2 AND published = $3`, key, d.Delivery, published); err != nil {
			return err
		}
		if _, err := w.ExecContext(ctx, `DELETE FROM attempts WHERE id_key = $1 AND delivery = $2 AND published IN ($3, 0)`, key, d.Delivery, published); err != nil {
			return err
		}
		row := delivery{attempt: d.Attempt}
		for _, item := range row.itemValues(key, published) {
			if _, err := w.ExecContext(ctx, `DELETE FROM delivery_items WHERE item_key = $1 AND published = $2 AND id_key = $3`, item...); err != nil {
				return err
			}
		}
	}
	return nil
}
