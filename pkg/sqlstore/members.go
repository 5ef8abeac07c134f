package sqlstore

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

const memberColumns = `id, account, email, name, role, language, created_at`

func scanMember(scan func(...any) error) (hook.Member, error) {
	var m hook.Member
	var created int64
	err := scan(&m.ID, &m.Account, &m.Email, &m.Name, &m.Role, &m.Language, &created)
	m.CreatedAt = database.Time(created)
	return m, err
}

// CreateMember implements hook.Members. If it is zero, CreatedAt is now.
func (s *Store) CreateMember(ctx context.Context, m hook.Member) (hook.Member, error) {
	if m.CreatedAt.IsZero() {
		m.CreatedAt = s.now()
	}
	m.CreatedAt = database.Time(database.Micros(m.CreatedAt))
	err := s.db.Tx(ctx, func(tx *sql.Tx) error {
		if _, err := s.lockAccount(ctx, tx, m.Account); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO members (`+memberColumns+`, email_key) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			m.ID, m.Account, m.Email, m.Name, string(m.Role), string(m.Language), database.Micros(m.CreatedAt), m.EmailKey())
		if err != nil {
			return err
		}
		return s.auditMember(ctx, tx, nil, &m, "create-member")
	})
	if database.IsUnique(err) {
		err = hook.ErrConflict
	}
	if err != nil {
		return hook.Member{}, fmt.Errorf("adding member %q to account %q: %w", m.ID, m.Account, err)
	}
	return m, nil
}

// Member implements hook.Members.
func (s *Store) Member(ctx context.Context, account, id string) (hook.Member, error) {
	m, err := readMember(ctx, s.db, account, id)
	if err != nil {
		return hook.Member{}, fmt.Errorf("member %q of account %q: %w", id, account, err)
	}
	return m, nil
}

func readMember(ctx context.Context, q queries, account, id string) (hook.Member, error) {
	row := q.QueryRowContext(ctx, `SELECT `+memberColumns+` FROM members WHERE account = $1 AND id = $2`, account, id)
	m, err := scanMember(row.Scan)
	return m, found(err)
}

// Members implements hook.Members.
func (s *Store) Members(ctx context.Context, account string, p hook.Page) ([]hook.Member, string, error) {
	var where conditions
	where.add(`account = ?`, account)
	list, next, err := newest(ctx, s.db, `members`, memberColumns, &where, p, scanMember,
		func(m hook.Member) mark { return mark{at: database.Micros(m.CreatedAt), id: m.ID} })
	if err != nil {
		return nil, "", fmt.Errorf("listing members of account %q: %w", account, err)
	}
	return list, next, nil
}

// UpdateMember implements hook.Members. What change makes of ID, Account and
// CreatedAt does not count. It may run more than once, each time with the then
// current state.
func (s *Store) UpdateMember(ctx context.Context, account, id string, change func(*hook.Member) error) (hook.Member, error) {
	var m hook.Member
	err := s.db.Tx(ctx, func(tx *sql.Tx) error {
		before, err := s.lockMember(ctx, tx, account, id)
		if err != nil {
			return err
		}
		m = before
		if err := change(&m); err != nil {
			return err
		}
		m.ID, m.Account, m.CreatedAt = before.ID, before.Account, before.CreatedAt
		if m == before {
			return nil
		}
		if m.Role != hook.RoleOwner {
			if err := spare(ctx, tx, before); err != nil {
				return err
			}
		}
		// Who has another address is to be another person, who signs in first.
		_, err = tx.ExecContext(ctx, `UPDATE members SET email = $2, email_key = $3, name = $4, role = $5, language = $6,
				issuer = CASE WHEN email_key = $3 THEN issuer ELSE '' END, subject = CASE WHEN email_key = $3 THEN subject ELSE '' END
			WHERE id = $1`,
			id, m.Email, m.EmailKey(), m.Name, string(m.Role), string(m.Language))
		if err != nil {
			return err
		}
		return s.auditMember(ctx, tx, &before, &m, "update-member")
	})
	if database.IsUnique(err) {
		err = hook.ErrConflict
	}
	if err != nil {
		return hook.Member{}, fmt.Errorf("changing member %q of account %q: %w", id, account, err)
	}
	return m, nil
}

// DeleteMember implements hook.Members.
func (s *Store) DeleteMember(ctx context.Context, account, id string) error {
	err := s.db.Tx(ctx, func(tx *sql.Tx) error {
		before, err := s.lockMember(ctx, tx, account, id)
		if err != nil {
			return err
		}
		if err := spare(ctx, tx, before); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM members WHERE id = $1`, id); err != nil {
			return err
		}
		return s.auditMember(ctx, tx, &before, nil, "delete-member")
	})
	if err != nil {
		return fmt.Errorf("removing member %q of account %q: %w", id, account, err)
	}
	return nil
}

// lockMember reads one, and keeps others from changing the account's members.
func (s *Store) lockMember(ctx context.Context, tx *sql.Tx, account, id string) (hook.Member, error) {
	if _, err := s.lockAccount(ctx, tx, account); err != nil {
		return hook.Member{}, err
	}
	return readMember(ctx, tx, account, id)
}

// spare says whether the account can do without an owner.
func spare(ctx context.Context, tx *sql.Tx, m hook.Member) error {
	if m.Role != hook.RoleOwner {
		return nil
	}
	var others int
	row := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM members WHERE account = $1 AND role = 'owner' AND id <> $2`, m.Account, m.ID)
	if err := row.Scan(&others); err != nil {
		return err
	}
	if others == 0 {
		return hook.ErrLastOwner
	}
	return nil
}

// auditMember writes what became another in a member; before is nil for a new one,
// after for one that is removed.
func (s *Store) auditMember(ctx context.Context, tx *sql.Tx, before, after *hook.Member, operation string) error {
	var was, is []field
	m := after
	if before != nil {
		was, m = memberFields(before), before
	}
	if after != nil {
		is = memberFields(after)
	}
	changes, err := diff(was, is)
	if err != nil {
		return err
	}
	return s.audit(ctx, tx, m.Account, act{operation: operation, target: m.ID, changes: changes})
}
