package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

const sessionColumns = `hash, account, issuer, subject, link, role, language, created, seen, expires`

func scanSession(scan func(...any) error) (hook.Session, error) {
	var s hook.Session
	var hash []byte
	var created, seen, expires int64
	err := scan(&hash, &s.Account, &s.Identity.Issuer, &s.Identity.Subject, &s.Link, &s.Role, &s.Language, &created, &seen, &expires)
	copy(s.Hash[:], hash)
	s.CreatedAt, s.SeenAt, s.ExpiresAt = database.Time(created), database.Time(seen), database.Time(expires)
	return s, err
}

func (s *Store) insertSession(ctx context.Context, tx *sql.Tx, session hook.Session) error {
	now := s.stamp()
	_, err := tx.ExecContext(ctx, `INSERT INTO portal_sessions (`+sessionColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9)`,
		session.Hash[:], session.Account, session.Identity.Issuer, session.Identity.Subject, session.Link,
		string(session.Role), string(session.Language), now, database.Micros(session.ExpiresAt))
	return err
}

// StartLinkSession implements hook.Sessions.
func (s *Store) StartLinkSession(ctx context.Context, session hook.Session) error {
	session.Identity = hook.Identity{}
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

// person is a member with the identity that it has.
type person struct {
	hook.Member
	identity    hook.Identity
	accountName string
}

const personColumns = `m.id, m.account, m.email, m.name, m.role, m.language, m.created_at, m.issuer, m.subject, a.name`

func scanPerson(scan func(...any) error) (person, error) {
	var p person
	m, err := scanMember(func(targets ...any) error {
		return scan(append(targets, &p.identity.Issuer, &p.identity.Subject, &p.accountName)...)
	})
	p.Member = m
	return p, err
}

// persons are those members that a condition on m is true of, by the name of their
// accounts.
func persons(ctx context.Context, q queries, condition string, args ...any) ([]person, error) {
	return collect(ctx, q, scanPerson, `SELECT `+personColumns+` FROM members m JOIN accounts a ON a.id = m.account
		WHERE NOT a.deleted AND `+condition+` ORDER BY a.name, a.id`, args...)
}

const hasIdentity = `m.issuer = $1 AND m.subject = $2 AND m.subject <> ''`

// StartMemberSession implements hook.Sessions.
func (s *Store) StartMemberSession(ctx context.Context, session hook.Session, email string) error {
	session.Link, session.Role, session.Language = "", "", ""
	var refused error // after which what was noted stays
	err := s.db.Tx(ctx, func(tx *sql.Tx) error {
		refused = nil
		entered, taken, err := s.enter(ctx, tx, session.Identity, claimKey(email))
		switch {
		case err != nil:
			return err
		case len(entered) > 0:
			session.Account = entered[0]
			return s.insertSession(ctx, tx, session)
		case taken:
			refused = hook.ErrConflict
		default:
			refused = hook.ErrNotFound
		}
		return nil
	})
	if err = errors.Join(err, refused); err != nil {
		return fmt.Errorf("session of a member: %w", err)
	}
	return nil
}

// claimKey is what a provider's address is looked up by: as Member.EmailKey, but letters
// beyond ASCII stay what they are, since some of them become others in small (the Kelvin
// sign a k), and then the address would be somebody else's.
func claimKey(email string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r - 'A' + 'a'
		}
		return r
	}, email)
}

// enter lets an identity into the accounts of its members, and gives their ids, the
// first by name first; taken says that somebody else has the address of a member.
func (s *Store) enter(ctx context.Context, tx *sql.Tx, who hook.Identity, emailKey string) (entered []string, taken bool, err error) {
	const of = `(` + hasIdentity + ` OR m.email_key = $3)`
	// Accounts are locked in the order of their ids, so that two who sign in do not wait
	// for each other.
	ids, err := collect(ctx, tx, func(scan func(...any) error) (id string, err error) { return id, scan(&id) },
		`SELECT DISTINCT a.id FROM members m JOIN accounts a ON a.id = m.account WHERE NOT a.deleted AND `+of+` ORDER BY a.id`,
		who.Issuer, who.Subject, emailKey)
	if err != nil {
		return nil, false, err
	}
	locked := map[string]bool{}
	for _, id := range ids {
		_, err := s.lockAccount(ctx, tx, id)
		if err != nil && !errors.Is(err, hook.ErrNotFound) { // deleted this moment
			return nil, false, err
		}
		locked[id] = err == nil
	}
	// As they are now that nobody else changes them.
	people, err := persons(ctx, tx, of, who.Issuer, who.Subject, emailKey)
	if err != nil {
		return nil, false, err
	}
	known := map[string]bool{}
	for _, p := range people {
		known[p.Account] = known[p.Account] || p.identity == who
	}
	for _, p := range people {
		switch {
		case !locked[p.Account] || known[p.Account] && p.identity != who:
			continue // added this moment; or the account knows the person as another member
		case p.identity == who:
			err = s.auditVisit(ctx, tx, hook.Session{Account: p.Account}, &p, "sign-in")
		case p.identity == hook.Identity{}:
			err = s.bind(ctx, tx, &p, who)
		default:
			taken = true
			err = s.auditTaken(ctx, tx, &p, who)
			if err == nil {
				continue
			}
		}
		if err != nil {
			return nil, false, err
		}
		entered = append(entered, p.Account)
	}
	return entered, taken, nil
}

// bind notes who a member is.
func (s *Store) bind(ctx context.Context, tx *sql.Tx, p *person, who hook.Identity) error {
	_, err := tx.ExecContext(ctx, `UPDATE members SET issuer = $2, subject = $3 WHERE id = $1`, p.ID, who.Issuer, who.Subject)
	if err != nil {
		return err
	}
	identity, err := json.Marshal(who)
	if err != nil {
		return err
	}
	return s.auditVisit(ctx, tx, hook.Session{Account: p.Account}, p, "sign-in", hook.Change{Field: "identity", To: identity})
}

// auditTaken notes that somebody came with the address of a member who is somebody else.
func (s *Store) auditTaken(ctx context.Context, tx *sql.Tx, p *person, who hook.Identity) error {
	was, err := json.Marshal(p.identity)
	if err != nil {
		return err
	}
	is, err := json.Marshal(who)
	if err != nil {
		return err
	}
	o := hook.OriginOf(ctx)
	o.Actor = hook.Actor{Kind: hook.ActorSystem}
	return s.audit(hook.WithOrigin(ctx, o), tx, p.Account, act{
		operation: "refuse-sign-in", target: p.ID, reason: "the address belongs to somebody else at the provider now",
		changes: []hook.Change{{Field: "identity", From: was, To: is}},
	})
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
	members, err := memberships(ctx, s.db, session)
	if err != nil {
		return hook.Session{}, nil, fmt.Errorf("what a session may act for: %w", err)
	}
	if now := s.now(); now.Sub(session.SeenAt) >= hook.SessionStep {
		session.SeenAt = database.Time(database.Micros(now))
		err := s.db.Tx(ctx, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, `UPDATE portal_sessions SET seen = $2 WHERE hash = $1 AND seen < $2`, hash[:], database.Micros(now))
			return err
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
func memberships(ctx context.Context, q queries, session hook.Session) ([]hook.Membership, error) {
	if session.Link != "" {
		guest := hook.Membership{Member: hook.Member{Account: session.Account, Role: session.Role, Language: session.Language}}
		row := q.QueryRowContext(ctx, `SELECT name FROM accounts WHERE id = $1 AND NOT deleted`, session.Account)
		err := row.Scan(&guest.AccountName)
		return []hook.Membership{guest}, found(err)
	}
	people, err := persons(ctx, q, hasIdentity, session.Identity.Issuer, session.Identity.Subject)
	if err == nil && len(people) == 0 {
		err = hook.ErrNotFound
	}
	members := make([]hook.Membership, len(people))
	for i, p := range people {
		members[i] = hook.Membership{Member: p.Member, AccountName: p.accountName}
	}
	return members, err
}

// MoveSession implements hook.Sessions.
func (s *Store) MoveSession(ctx context.Context, hash [32]byte, account string) error {
	err := s.db.Tx(ctx, func(tx *sql.Tx) error {
		session, err := s.liveSession(ctx, tx, hash)
		if err != nil {
			return err
		}
		members, err := memberships(ctx, tx, session)
		if err != nil {
			return err
		}
		for _, m := range members {
			if m.Member.Account == account {
				_, err := tx.ExecContext(ctx, `UPDATE portal_sessions SET account = $2 WHERE hash = $1`, hash[:], account)
				return err
			}
		}
		return hook.ErrNotFound
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

// leave notes in every account of a session that it ends.
func (s *Store) leave(ctx context.Context, tx *sql.Tx, session hook.Session) error {
	if session.Link != "" {
		_, err := s.lockAccount(ctx, tx, session.Account)
		if errors.Is(err, hook.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		return s.auditVisit(ctx, tx, session, nil, "sign-out")
	}
	people, err := collect(ctx, tx, scanPerson, `SELECT `+personColumns+` FROM members m JOIN accounts a ON a.id = m.account
		WHERE NOT a.deleted AND `+hasIdentity+` ORDER BY a.id`, session.Identity.Issuer, session.Identity.Subject)
	if err != nil {
		return err
	}
	for _, p := range people {
		_, err := s.lockAccount(ctx, tx, p.Account)
		if errors.Is(err, hook.ErrNotFound) {
			continue // deleted this moment
		}
		if err != nil {
			return err
		}
		if err := s.auditVisit(ctx, tx, hook.Session{Account: p.Account}, &p, "sign-out"); err != nil {
			return err
		}
	}
	return nil
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
