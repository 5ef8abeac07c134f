package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
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

// personOf is true of the members that a person may be: $1 and $2 are the identity, $3 the
// address that nobody else has.
const (
	hasIdentity = `m.issuer = $1 AND m.subject = $2 AND m.subject <> ''`
	personOf    = `(` + hasIdentity + ` OR m.subject = '' AND m.email_key = $3)`
)

// candidates are the members that a person may act as, by the names of their accounts: of
// two in one account the one that has the identity.
func candidates(ctx context.Context, q queries, who hook.Identity, emailKey string) ([]person, error) {
	people, err := persons(ctx, q, personOf, who.Issuer, who.Subject, emailKey)
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, p := range people {
		known[p.Account] = known[p.Account] || p.identity == who
	}
	return slices.DeleteFunc(people, func(p person) bool { return known[p.Account] && p.identity != who }), nil
}

// StartMemberSession implements hook.Sessions.
func (s *Store) StartMemberSession(ctx context.Context, session hook.Session, email string) error {
	session.APIKey, session.Link, session.Role, session.Language, session.Account = "", "", "", "", ""
	session.EmailKey = claimKey(email)
	var refused error // after which what was noted stays
	err := s.db.Tx(ctx, func(tx *sql.Tx) error {
		refused = nil
		session := session
		who := session.Identity
		locked, err := s.lockAccountsOf(ctx, tx, who, session.EmailKey)
		if err != nil {
			return err
		}
		people, err := candidates(ctx, tx, who, session.EmailKey)
		if err != nil {
			return err
		}
		// Those that were added this moment count the next time.
		people = slices.DeleteFunc(people, func(p person) bool { return !locked[p.Account] })
		taken, err := s.noteTaken(ctx, tx, session, locked, people)
		switch {
		case err != nil:
			return err
		case len(people) == 1:
			session.Account = people[0].Account
			if err := s.enter(ctx, tx, &people[0], who); err != nil {
				return err
			}
			return s.insertSession(ctx, tx, session)
		case len(people) > 1:
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

// lockAccountsOf locks the accounts that a person or an address has to do with, in the
// order of their ids, so that two who sign in do not wait for each other.
func (s *Store) lockAccountsOf(ctx context.Context, tx *sql.Tx, who hook.Identity, emailKey string) (locked map[string]bool, err error) {
	ids, err := collect(ctx, tx, func(scan func(...any) error) (id string, err error) { return id, scan(&id) },
		`SELECT DISTINCT a.id FROM members m JOIN accounts a ON a.id = m.account
			WHERE NOT a.deleted AND (`+hasIdentity+` OR m.email_key = $3) ORDER BY a.id`, who.Issuer, who.Subject, emailKey)
	if err != nil {
		return nil, err
	}
	return s.lockAll(ctx, tx, ids)
}

// lockAll locks accounts, which are in order, and tells which of them are there.
func (s *Store) lockAll(ctx context.Context, tx *sql.Tx, ids []string) (locked map[string]bool, err error) {
	locked = make(map[string]bool)
	for _, id := range ids {
		_, err := s.lockAccount(ctx, tx, id)
		if err != nil && !errors.Is(err, hook.ErrNotFound) { // deleted this moment
			return nil, err
		}
		locked[id] = err == nil
	}
	return locked, nil
}

// noteTaken tells the accounts in which the address is of somebody else, and where the
// person is nobody, and reports whether there are any.
func (s *Store) noteTaken(ctx context.Context, tx *sql.Tx, session hook.Session, locked map[string]bool, people []person) (taken bool, err error) {
	others, err := persons(ctx, tx, `m.email_key = $1 AND m.subject <> ''`, session.EmailKey)
	if err != nil {
		return false, err
	}
	for _, p := range others {
		in := slices.ContainsFunc(people, func(own person) bool { return own.Account == p.Account })
		if in || !locked[p.Account] || p.identity == session.Identity {
			continue
		}
		taken = true
		if err := s.auditTaken(ctx, tx, &p, session.Identity); err != nil {
			return false, err
		}
	}
	return taken, nil
}

// enter notes that a person comes to an account, and who its member is if that was not
// known. The account is locked.
func (s *Store) enter(ctx context.Context, tx *sql.Tx, p *person, who hook.Identity) error {
	if p.identity == who {
		return s.auditVisit(ctx, tx, hook.Session{Account: p.Account}, p, "sign-in")
	}
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
