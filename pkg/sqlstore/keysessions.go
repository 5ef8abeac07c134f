package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

// StartKeySession implements hook.Sessions.
func (s *Store) StartKeySession(ctx context.Context, session hook.Session) error {
	session.Identity, session.EmailKey, session.Link, session.Role, session.Language = hook.Identity{}, "", "", "", ""
	err := s.db.Tx(ctx, func(tx *sql.Tx) error {
		if _, err := s.lockAccount(ctx, tx, session.Account); err != nil {
			return err
		}
		key, err := s.liveKey(ctx, tx, session.Account, session.APIKey)
		if err != nil {
			return err
		}
		if err := useKey(ctx, tx, key.ID, s.now()); err != nil {
			return err
		}
		if err := s.auditKeyVisit(ctx, tx, key, "sign-in"); err != nil {
			return err
		}
		return s.insertSession(ctx, tx, session)
	})
	if err != nil {
		return fmt.Errorf("session of API key %q: %w", session.APIKey, err)
	}
	return nil
}

// liveKey is a key of an account. hook.ErrNotFound if it was revoked or has expired.
func (s *Store) liveKey(ctx context.Context, q queries, account, id string) (*hook.Key, error) {
	row := q.QueryRowContext(ctx, `SELECT `+keyColumns+` FROM api_keys WHERE account = $1 AND id = $2 AND (expires_at = 0 OR expires_at > $3)`,
		account, id, s.stamp())
	key, err := scanKey(row.Scan)
	if err != nil {
		return nil, found(err)
	}
	return &key, nil
}

// useKey notes that a key is used.
func useKey(ctx context.Context, tx *sql.Tx, id string, now time.Time) error {
	_, err := tx.ExecContext(ctx, `UPDATE api_keys SET last_used_at = $2 WHERE id = $1 AND last_used_at < $2`, id, database.Micros(now))
	return err
}

// auditKeyVisit notes that somebody came or went with a key. The account is locked.
func (s *Store) auditKeyVisit(ctx context.Context, tx *sql.Tx, key *hook.Key, operation string) error {
	o := hook.OriginOf(ctx)
	o.Actor = hook.Actor{Kind: hook.ActorKey, ID: key.ID, Name: key.Name}
	return s.audit(hook.WithOrigin(ctx, o), tx, key.Account, act{operation: operation, target: key.ID})
}

// leaveKey notes that the session of a key ends; with its key it ended by itself. The
// account is locked.
func (s *Store) leaveKey(ctx context.Context, tx *sql.Tx, session hook.Session) error {
	key, err := s.liveKey(ctx, tx, session.Account, session.APIKey)
	switch {
	case errors.Is(err, hook.ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	return s.auditKeyVisit(ctx, tx, key, "sign-out")
}
