package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/staffetta/staffetta/pkg/hook"
)

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
