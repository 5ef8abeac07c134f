package sqlstore

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/staffetta/staffetta/pkg/hook"
)

// PutItemSchema implements hook.ItemSchemas. One that is as it was raises no
// version.
func (s *Store) PutItemSchema(ctx context.Context, account string, schema hook.ItemSchema) error {
	err := s.db.Tx(ctx, func(tx *sql.Tx) error {
		owner, err := s.lockAccount(ctx, tx, account)
		if err != nil {
			return err
		}
		done, err := tx.ExecContext(ctx, `INSERT INTO item_schemas (account, item_type, schema) VALUES ($1, $2, $3)
			ON CONFLICT (account, item_type) DO UPDATE SET schema = excluded.schema WHERE item_schemas.schema <> excluded.schema`,
			account, schema.ItemType, string(schema.Schema))
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return err
		}
		if err := s.auditSchema(ctx, tx, account, schema.ItemType, "put-item-schema"); err != nil {
			return err
		}
		return raise(ctx, tx, owner)
	})
	if err != nil {
		return fmt.Errorf("setting the schema of %q of account %q: %w", schema.ItemType, account, err)
	}
	return nil
}

// ItemSchemas implements hook.ItemSchemas.
func (s *Store) ItemSchemas(ctx context.Context, account string) ([]hook.ItemSchema, error) {
	owned, err := ownedSchemas(ctx, s.db, []string{account})
	if err != nil {
		return nil, fmt.Errorf("listing the schemas of account %q: %w", account, err)
	}
	list := make([]hook.ItemSchema, len(owned))
	for i, o := range owned {
		list[i] = o.ItemSchema
	}
	return list, nil
}

// DeleteItemSchema implements hook.ItemSchemas.
func (s *Store) DeleteItemSchema(ctx context.Context, account, itemType string) error {
	err := s.db.Tx(ctx, func(tx *sql.Tx) error {
		owner, err := s.lockAccount(ctx, tx, account)
		if err != nil {
			return err
		}
		done, err := tx.ExecContext(ctx, `DELETE FROM item_schemas WHERE account = $1 AND item_type = $2`, account, itemType)
		if err != nil {
			return err
		}
		switch n, err := done.RowsAffected(); {
		case err != nil:
			return err
		case n == 0:
			return hook.ErrNotFound
		}
		if err := s.auditSchema(ctx, tx, account, itemType, "delete-item-schema"); err != nil {
			return err
		}
		return raise(ctx, tx, owner)
	})
	if err != nil {
		return fmt.Errorf("removing the schema of %q of account %q: %w", itemType, account, err)
	}
	return nil
}

// auditSchema writes that a schema was changed. What it says is not told: it may
// have 32 KiB.
func (s *Store) auditSchema(ctx context.Context, tx *sql.Tx, account, itemType, operation string) error {
	return s.audit(ctx, tx, account, act{operation: operation, target: itemType, changes: []hook.Change{{Field: "schema", Secret: true}}})
}

// ownedSchema is a schema with its account.
type ownedSchema struct {
	account string
	hook.ItemSchema
}

// ownedSchemas are those of accounts, by item type.
func ownedSchemas(ctx context.Context, q queries, accounts []string) ([]ownedSchema, error) {
	var where conditions
	in(&where, "account", accounts)
	return collect(ctx, q, func(scan func(...any) error) (o ownedSchema, err error) {
		var text string
		err = scan(&o.account, &o.ItemType, &text)
		o.Schema = []byte(text)
		return o, err
	}, `SELECT account, item_type, schema FROM item_schemas WHERE `+where.text.String()+` ORDER BY account, item_type`, where.args...)
}
