package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

const storeColumns = `id, name, created_at`

func scanStore(scan func(...any) error) (hook.Store, error) {
	var s hook.Store
	var created int64
	err := scan(&s.ID, &s.Name, &created)
	s.CreatedAt = database.Time(created)
	return s, err
}

// Stores implements hook.Stores.
func (s *Store) Stores(ctx context.Context, account string, p hook.Page) ([]hook.Store, string, error) {
	after, _, err := parseMark(p.After)
	if err != nil {
		return nil, "", err
	}
	list, err := collect(ctx, s.db, scanStore, `SELECT `+storeColumns+` FROM stores
		WHERE account = $1 AND id > $2 ORDER BY id LIMIT $3`, account, after.id, p.Limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("listing stores of account %q: %w", account, err)
	}
	list, next := cut(list, p.Limit, func(s hook.Store) mark { return mark{id: s.ID} })
	return list, next, nil
}

// PutStore implements hook.Stores.
func (s *Store) PutStore(ctx context.Context, account, id, name string) (hook.Store, error) {
	var store hook.Store
	err := s.db.Tx(ctx, func(tx *sql.Tx) error {
		if _, err := s.lockAccount(ctx, tx, account); err != nil {
			return err
		}
		before, err := readStore(ctx, tx, account, id)
		if err != nil && !errors.Is(err, hook.ErrNotFound) {
			return err
		}
		row := tx.QueryRowContext(ctx, `INSERT INTO stores (account, `+storeColumns+`) VALUES ($1, $2, $3, $4)
			ON CONFLICT (account, id) DO UPDATE SET name = excluded.name RETURNING `+storeColumns, account, id, name, s.stamp())
		if store, err = scanStore(row.Scan); err != nil || store == before {
			return err
		}
		return s.auditStore(ctx, tx, account, before, store, "put-store")
	})
	if err != nil {
		return hook.Store{}, fmt.Errorf("naming store %q of account %q: %w", id, account, err)
	}
	return store, nil
}

// DeleteStore implements hook.Stores.
func (s *Store) DeleteStore(ctx context.Context, account, id string) error {
	err := s.db.Tx(ctx, func(tx *sql.Tx) error {
		if _, err := s.lockAccount(ctx, tx, account); err != nil {
			return err
		}
		before, err := readStore(ctx, tx, account, id)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM stores WHERE account = $1 AND id = $2`, account, id); err != nil {
			return err
		}
		return s.auditStore(ctx, tx, account, before, hook.Store{ID: id}, "delete-store")
	})
	if err != nil {
		return fmt.Errorf("removing store %q of account %q: %w", id, account, err)
	}
	return nil
}

func readStore(ctx context.Context, q queries, account, id string) (hook.Store, error) {
	row := q.QueryRowContext(ctx, `SELECT `+storeColumns+` FROM stores WHERE account = $1 AND id = $2`, account, id)
	store, err := scanStore(row.Scan)
	if err = found(err); err != nil {
		return hook.Store{}, err
	}
	return store, nil
}

// auditStore writes what somebody made another in a store; one that is not there has
// no name.
func (s *Store) auditStore(ctx context.Context, tx *sql.Tx, account string, before, after hook.Store, operation string) error {
	changes, err := diff([]field{{name: "name", value: before.Name}}, []field{{name: "name", value: after.Name}})
	if err != nil {
		return err
	}
	return s.audit(ctx, tx, account, act{operation: operation, target: after.ID, changes: changes})
}
