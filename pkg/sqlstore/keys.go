package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

const keyColumns = `id, account, name, scopes, hash, created_at, expires_at, last_used_at`

func scanKey(scan func(...any) error) (hook.Key, error) {
	var k hook.Key
	var scopes string
	var hash []byte
	var created, expires, used int64
	if err := scan(&k.ID, &k.Account, &k.Name, &scopes, &hash, &created, &expires, &used); err != nil {
		return hook.Key{}, err
	}
	copy(k.Hash[:], hash)
	k.CreatedAt, k.ExpiresAt, k.LastUsedAt = database.Time(created), database.Time(expires), database.Time(used)
	return k, json.Unmarshal([]byte(scopes), &k.Scopes)
}

// CreateKey implements hook.Keys. ErrConflict if the id or the hash is taken.
func (s *Store) CreateKey(ctx context.Context, k hook.Key) error {
	scopes, err := json.Marshal(k.Scopes)
	if err != nil {
		return fmt.Errorf("creating key %q: %w", k.ID, err)
	}
	err = s.db.Tx(ctx, func(tx *sql.Tx) error {
		if _, err := s.lockAccount(ctx, tx, k.Account); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO api_keys (`+keyColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			k.ID, k.Account, k.Name, string(scopes), k.Hash[:], database.Micros(k.CreatedAt), database.Micros(k.ExpiresAt), database.Micros(k.LastUsedAt))
		if err != nil {
			return err
		}
		changes, err := diff(nil, keyFields(&k))
		if err != nil {
			return err
		}
		return s.audit(ctx, tx, k.Account, act{operation: "create-api-key", target: k.ID, changes: changes})
	})
	if database.IsUnique(err) {
		err = hook.ErrConflict
	}
	if err != nil {
		return fmt.Errorf("creating key %q of account %q: %w", k.ID, k.Account, err)
	}
	return nil
}

// KeyByHash implements hook.Keys.
func (s *Store) KeyByHash(ctx context.Context, hash [32]byte) (hook.Key, error) {
	row := s.db.QueryRowContext(ctx, `SELECT `+keyColumns+` FROM api_keys WHERE hash = $1`, hash[:])
	k, err := scanKey(row.Scan)
	if err != nil {
		return hook.Key{}, fmt.Errorf("API key: %w", found(err))
	}
	return k, nil
}

// Keys implements hook.Keys.
func (s *Store) Keys(ctx context.Context, account string, p hook.Page) ([]hook.Key, string, error) {
	var where conditions
	where.add(`account = ?`, account)
	list, next, err := newest(ctx, s.db, `api_keys`, keyColumns, &where, p, scanKey,
		func(k hook.Key) mark { return mark{at: database.Micros(k.CreatedAt), id: k.ID} })
	if err != nil {
		return nil, "", fmt.Errorf("listing keys of account %q: %w", account, err)
	}
	return list, next, nil
}

// RevokeKey implements hook.Keys.
func (s *Store) RevokeKey(ctx context.Context, account, id string) error {
	err := s.db.Tx(ctx, func(tx *sql.Tx) error {
		if _, err := s.lockAccount(ctx, tx, account); err != nil {
			return err
		}
		row := tx.QueryRowContext(ctx, `SELECT `+keyColumns+` FROM api_keys WHERE account = $1 AND id = $2`, account, id)
		k, err := scanKey(row.Scan)
		if err != nil {
			return found(err)
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM api_keys WHERE id = $1`, id); err != nil {
			return err
		}
		changes, err := diff(keyFields(&k), nil)
		if err != nil {
			return err
		}
		return s.audit(ctx, tx, account, act{operation: "revoke-api-key", target: id, changes: changes})
	})
	if err != nil {
		return fmt.Errorf("revoking key %q of account %q: %w", id, account, err)
	}
	return nil
}

// KeysUsed implements hook.Keys.
func (s *Store) KeysUsed(ctx context.Context, uses map[string]time.Time) error {
	rows := make([][]any, 0, len(uses))
	for _, id := range slices.Sorted(maps.Keys(uses)) { // in one order: each row is locked
		rows = append(rows, []any{id, database.Micros(uses[id])})
	}
	err := s.db.Write(ctx, func(w *database.Writer) error {
		return execEach(ctx, w, []column{{"id", text}, {"used", number}}, rows, func(unnest string) string {
			return `UPDATE api_keys k SET last_used_at = n.used FROM ` + unnest + ` AS n (id, used) WHERE k.id = n.id AND k.last_used_at < n.used`
		}, `UPDATE api_keys SET last_used_at = $2 WHERE id = $1 AND last_used_at < $2`)
	})
	if err != nil {
		return fmt.Errorf("noting the use of %d keys: %w", len(uses), err)
	}
	return nil
}
