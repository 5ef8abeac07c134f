package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

const sessionColumns = `hash, account, issuer, subject, email_key, api_key, link, role, language, created, seen, expires`

func scanSession(scan func(...any) error) (hook.Session, error) {
	var s hook.Session
	var hash []byte
	var created, seen, expires int64
	err := scan(&hash, &s.Account, &s.Identity.Issuer, &s.Identity.Subject, &s.EmailKey, &s.APIKey, &s.Link, &s.Role, &s.Language, &created, &seen, &expires)
	copy(s.Hash[:], hash)
	s.CreatedAt, s.SeenAt, s.ExpiresAt = database.Time(created), database.Time(seen), database.Time(expires)
	return s, err
}

func (s *Store) insertSession(ctx context.Context, tx *sql.Tx, session hook.Session) error {
	now := s.stamp()
	_, err := tx.ExecContext(ctx, `INSERT INTO portal_sessions (`+sessionColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11)`,
		session.Hash[:], session.Account, session.Identity.Issuer, session.Identity.Subject, session.EmailKey, session.APIKey, session.Link,
		string(session.Role), string(session.Language), now, database.Micros(session.ExpiresAt))
	return err
}

// StartLinkSession implements hook.Sessions.
func (s *Store) StartLinkSession(ctx context.Context, session hook.Session) error {
	session.Identity, session.EmailKey, session.APIKey = hook.Identity{}, "", ""
	err := s.db.Tx(ctx, func(tx *sql.Tx) error {
		if _, err := s.lockAccount(ctx, tx, session.Account); err != nil {
			return err
		}
		if err := s.auditVisit(ctx, tx, session, nil, "open-portal-link"); err != nil {
			return err
		}
		return s.insertSession(ctx, tx, session)
	})
	if err != nil {
		return fmt.Errorf("session of portal link %q: %w", session.Link, err)
	}
	return nil
}

// auditVisit notes that somebody came or went: a member, or without one who came by the
// session's link. The account is locked.
func (s *Store) auditVisit(ctx context.Context, tx *sql.Tx, session hook.Session, p *person, operation string, changes ...hook.Change) error {
	o, target := hook.OriginOf(ctx), session.Link
	o.Actor = hook.Actor{Kind: hook.ActorPortal, ID: session.Link}
	if p != nil {
		o.Actor, target = hook.Actor{Kind: hook.ActorMember, ID: p.ID, Name: p.DisplayName()}, p.ID
	}
	return s.audit(hook.WithOrigin(ctx, o), tx, session.Account, act{operation: operation, target: target, changes: changes})
}

// Session implements hook.Sessions.
func (s *Store) Session(ctx context.Context, hash [32]byte) (hook.Session, []hook.Membership, error) {
	session, err := s.liveSession(ctx, s.db, hash)
	if err != nil {
		return hook.Session{}, nil, fmt.Errorf("session: %w", err)
	}
	members, err := s.memberships(ctx, &session)
	if err != nil {
		return hook.Session{}, nil, fmt.Errorf("what a session may act for: %w", err)
	}
	if now := s.now(); now.Sub(session.SeenAt) >= hook.SessionStep {
		session.SeenAt = database.Time(database.Micros(now))
		err := s.db.Tx(ctx, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, `UPDATE portal_sessions SET seen = $2 WHERE hash = $1 AND seen < $2`, hash[:], database.Micros(now))
			if err != nil || session.APIKey == "" {
				return err
			}
			return useKey(ctx, tx, session.APIKey, now)
		})
		if err != nil {
			return hook.Session{}, nil, fmt.Errorf("noting a request of a session: %w", err)
		}
	}
	return session, members, nil
}

// liveSession is one that has not expired.
func (s *Store) liveSession(ctx context.Context, q queries, hash [32]byte) (hook.Session, error) {
	now := s.now()
	row := q.QueryRowContext(ctx, `SELECT `+sessionColumns+` FROM portal_sessions WHERE hash = $1 AND expires > $2 AND seen > $3`,
		hash[:], database.Micros(now), database.Micros(now.Add(-hook.SessionIdle)))
	session, err := scanSession(row.Scan)
	return session, found(err)
}

// memberships are what a session may act for. hook.ErrNotFound if nothing.
func (s *Store) memberships(ctx context.Context, session *hook.Session) ([]hook.Membership, error) {
	if bound(session) {
		guest := hook.Membership{Member: hook.Member{Account: session.Account, Role: session.Role, Language: session.Language}}
		row := s.db.QueryRowContext(ctx, `SELECT name FROM accounts WHERE id = $1 AND NOT deleted`, session.Account)
		err := found(row.Scan(&guest.AccountName))
		if err == nil && session.APIKey != "" {
			guest.Key, err = s.liveKey(ctx, s.db, session.Account, session.APIKey)
		}
		return []hook.Membership{guest}, err
	}
	people, err := candidates(ctx, s.db, session.Identity, session.EmailKey)
	if err == nil && len(people) == 0 {
		err = hook.ErrNotFound
	}
	members := make([]hook.Membership, len(people))
	for i, p := range people {
		members[i] = hook.Membership{Member: p.Member, AccountName: p.accountName}
		if p.Account == session.Account && p.identity != session.Identity {
			session.Account = "" // the member is a new one, to whom nobody has come yet
		}
	}
	return members, err
}

// bound says that a session is of one account for good.
func bound(session *hook.Session) bool { return session.Link != "" || session.APIKey != "" }

// MoveSession implements hook.Sessions.
func (s *Store) MoveSession(ctx context.Context, hash [32]byte, account string) error {
	err := s.db.Tx(ctx, func(tx *sql.Tx) error {
		session, err := s.liveSession(ctx, tx, hash)
		switch {
		case err != nil:
			return err
		case bound(&session) && account == session.Account:
			return nil
		case bound(&session):
			return hook.ErrNotFound
		}
		ids := slices.DeleteFunc([]string{account, session.Account}, func(id string) bool { return id == "" })
		slices.Sort(ids)
		if _, err := s.lockAll(ctx, tx, slices.Compact(ids)); err != nil {
			return err
		}
		people, err := candidates(ctx, tx, session.Identity, session.EmailKey)
		if err != nil {
			return err
		}
		at := func(account string) *person {
			i := slices.IndexFunc(people, func(p person) bool { return p.Account == account })
			if i < 0 {
				return nil
			}
			return &people[i]
		}
		to, from := at(account), at(session.Account)
		switch {
		case to == nil:
			return hook.ErrNotFound
		case account == session.Account && to.identity == session.Identity:
			return nil
		}
		if from != nil && from != to && from.identity == session.Identity {
			if err := s.auditVisit(ctx, tx, hook.Session{Account: from.Account}, from, "sign-out"); err != nil {
				return err
			}
		}
		if err := s.enter(ctx, tx, to, session.Identity); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE portal_sessions SET account = $2 WHERE hash = $1`, hash[:], account)
		return err
	})
	if err != nil {
		return fmt.Errorf("moving a session to account %q: %w", account, err)
	}
	return nil
}

// EndSession implements hook.Sessions.
func (s *Store) EndSession(ctx context.Context, hash [32]byte) error {
	err := s.db.Tx(ctx, func(tx *sql.Tx) error {
		session, err := s.liveSession(ctx, tx, hash)
		if err != nil {
			return err
		}
		if err := s.leave(ctx, tx, session); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM portal_sessions WHERE hash = $1`, hash[:])
		return err
	})
	if err != nil {
		return fmt.Errorf("ending a session: %w", err)
	}
	return nil
}

// leave notes in the account of a session that it ends.
func (s *Store) leave(ctx context.Context, tx *sql.Tx, session hook.Session) error {
	if session.Account == "" {
		return nil
	}
	_, err := s.lockAccount(ctx, tx, session.Account)
	switch {
	case errors.Is(err, hook.ErrNotFound):
		return nil
	case err != nil:
		return err
	case session.Link != "":
		return s.auditVisit(ctx, tx, session, nil, "sign-out")
	case session.APIKey != "":
		return s.leaveKey(ctx, tx, session)
	}
	people, err := persons(ctx, tx, hasIdentity+` AND m.account = $3`, session.Identity.Issuer, session.Identity.Subject, session.Account)
	if err != nil || len(people) == 0 {
		return err
	}
	return s.auditVisit(ctx, tx, session, &people[0], "sign-out")
}

// UseOnce implements hook.Sessions.
func (s *Store) UseOnce(ctx context.Context, hash [32]byte, until time.Time) error {
	err := s.db.Tx(ctx, func(tx *sql.Tx) error {
		done, err := tx.ExecContext(ctx, `INSERT INTO portal_used (hash, expires) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING`,
			hash[:], database.Micros(until))
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n > 0 {
			return err
		}
		return hook.ErrConflict
	})
	if err != nil {
		return fmt.Errorf("noting what is used once: %w", err)
	}
	return nil
}

// ForgetSessions implements hook.Sessions.
func (s *Store) ForgetSessions(ctx context.Context) error {
	err := s.db.Tx(ctx, func(tx *sql.Tx) error {
		now := s.now()
		_, err := tx.ExecContext(ctx, `DELETE FROM portal_sessions WHERE expires <= $1 OR seen <= $2`,
			database.Micros(now), database.Micros(now.Add(-hook.SessionIdle)))
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM portal_used WHERE expires <= $1`, database.Micros(now))
		return err
	})
	if err != nil {
		return fmt.Errorf("forgetting sessions: %w", err)
	}
	return nil
}
