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

const accountColumns = `id, name, version, deleted, created_at, quota_calls, quota_period, streak`

func scanAccount(scan func(...any) error) (hook.Account, error) {
	var a hook.Account
	var created int64
	var calls, period sql.NullInt64
	var rule sql.NullString
	err := scan(&a.ID, &a.Name, &a.Version, &a.Deleted, &created, &calls, &period, &rule)
	if err != nil {
		return a, err
	}
	a.CreatedAt = database.Time(created)
	if calls.Valid && period.Valid {
		a.Quota = &hook.Quota{Calls: calls.Int64, Period: time.Duration(period.Int64) * time.Millisecond}
	}
	if a.Streak, err = parseRule(rule); err != nil {
		return a, fmt.Errorf("streak of account %q: %w", a.ID, err)
	}
	return a, nil
}

// quotaColumns are quota_calls and quota_period of a quota: NULL without one.
func quotaColumns(q *hook.Quota) (calls, period any) {
	if q == nil {
		return nil, nil
	}
	return q.Calls, q.Period.Milliseconds()
}

// CreateAccount implements hook.Accounts. Version is 1 and, if it is zero,
// CreatedAt is now, whatever a says.
func (s *Store) CreateAccount(ctx context.Context, a hook.Account) (hook.Account, error) {
	created := database.Micros(a.CreatedAt)
	if created == 0 {
		created = s.stamp()
	}
	a.Version, a.Deleted, a.CreatedAt = 1, false, database.Time(created)
	calls, period := quotaColumns(a.Quota)
	rule, err := ruleColumn(a.Streak)
	if err != nil {
		return hook.Account{}, fmt.Errorf("creating account %q: %w", a.ID, err)
	}
	err = s.db.Tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO accounts (`+accountColumns+`, published)
			VALUES ($1, $2, 1, FALSE, $3, $4, $5, $6, 0)`, a.ID, a.Name, created, calls, period, rule)
		if err != nil {
			return err
		}
		return s.auditAccount(ctx, tx, nil, &a, "create-account")
	})
	switch {
	case database.IsUnique(err):
		return hook.Account{}, fmt.Errorf("account %q: %w or was deleted: an id is never used again", a.ID, hook.ErrConflict)
	case err != nil:
		return hook.Account{}, fmt.Errorf("creating account %q: %w", a.ID, err)
	}
	return a, nil
}

// Account implements hook.Accounts.
func (s *Store) Account(ctx context.Context, id string) (hook.Account, error) {
	row := s.db.QueryRowContext(ctx, `SELECT `+accountColumns+` FROM accounts WHERE id = $1 AND NOT deleted`, id)
	a, err := scanAccount(row.Scan)
	if err != nil {
		return hook.Account{}, fmt.Errorf("account %q: %w", id, found(err))
	}
	return a, nil
}

// Accounts implements hook.Accounts.
func (s *Store) Accounts(ctx context.Context, p hook.Page) ([]hook.Account, string, error) {
	after, _, err := parseMark(p.After)
	if err != nil {
		return nil, "", err
	}
	list, err := collect(ctx, s.db, scanAccount, `SELECT `+accountColumns+` FROM accounts
		WHERE NOT deleted AND id > $1 ORDER BY id LIMIT $2`, after.id, p.Limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("listing accounts: %w", err)
	}
	list, next := cut(list, p.Limit, func(a hook.Account) mark { return mark{id: a.ID} })
	return list, next, nil
}

// UpdateAccount implements hook.Accounts. What change makes of ID, Version,
// Deleted and CreatedAt does not count. change may run more than once, each
// time with the then current state.
func (s *Store) UpdateAccount(ctx context.Context, id string, change func(*hook.Account) error) (hook.Account, error) {
	var a hook.Account
	err := s.db.Tx(ctx, func(tx *sql.Tx) error {
		before, err := s.lockAccount(ctx, tx, id)
		if err != nil {
			return err
		}
		if a, err = editAccount(before, change); err != nil || a.Version == before.Version {
			return err
		}
		calls, period := quotaColumns(a.Quota)
		rule, err := ruleColumn(a.Streak)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE accounts SET name = $2, quota_calls = $3, quota_period = $4, version = $5, streak = $6
			WHERE id = $1`, id, a.Name, calls, period, a.Version, rule)
		if err != nil {
			return err
		}
		return s.auditAccount(ctx, tx, &before, &a, "update-account")
	})
	if err != nil {
		return hook.Account{}, fmt.Errorf("changing account %q: %w", id, err)
	}
	return a, nil
}

// auditAccount writes what became another in an account; before is nil for a new
// one, after for one that is deleted.
func (s *Store) auditAccount(ctx context.Context, tx *sql.Tx, before, after *hook.Account, operation string) error {
	var was, is []field
	id := ""
	if before != nil {
		was, id = accountFields(before), before.ID
	}
	if after != nil {
		is, id = accountFields(after), after.ID
	}
	changes, err := diff(was, is)
	if err != nil {
		return err
	}
	return s.audit(ctx, tx, id, act{operation: operation, target: id, changes: changes})
}

// editAccount applies a change to a copy; Version is raised if anything differs.
func editAccount(before hook.Account, change func(*hook.Account) error) (hook.Account, error) {
	a := before
	a.Quota, a.Streak = copyOf(before.Quota), copyOfRule(before.Streak)
	if err := change(&a); err != nil {
		return hook.Account{}, err
	}
	edited := before
	edited.Name, edited.Quota, edited.Streak = a.Name, copyOf(a.Quota), copyOfRule(a.Streak)
	if edited.Name != before.Name || !sameQuota(edited.Quota, before.Quota) || !sameRule(edited.Streak, before.Streak) {
		edited.Version++
	}
	return edited, nil
}

// copyOf shares no memory with q: a change may write into what it gets, and
// keep what it gave.
func copyOf(q *hook.Quota) *hook.Quota {
	if q == nil {
		return nil
	}
	own := *q
	return &own
}

func copyOfRule(r *hook.StreakRule) *hook.StreakRule {
	if r == nil {
		return nil
	}
	return &hook.StreakRule{Notify: slices.Clone(r.Notify), Disable: r.Disable}
}

func sameRule(a, b *hook.StreakRule) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Disable == b.Disable && slices.Equal(a.Notify, b.Notify)
}

func sameQuota(a, b *hook.Quota) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// DeleteAccount implements hook.Accounts: the account stays as a tombstone, its
// webhooks as revoked ones without secrets, its keys, members, schemas and stores not
// at all. The rest is for Erase.
func (s *Store) DeleteAccount(ctx context.Context, id string) error {
	err := s.db.Tx(ctx, func(tx *sql.Tx) error {
		a, err := s.lockAccount(ctx, tx, id)
		if err != nil {
			return err
		}
		live, err := collect(ctx, tx, scanWebhook, `SELECT `+webhookColumns+` FROM webhooks
			WHERE account = $1 AND status <> 'revoked'`, id)
		if err != nil {
			return err
		}
		for _, before := range live {
			w := before
			w.Status, w.RevokedAt = hook.Revoked, s.now()
			w.Version++
			if err := s.writeWebhook(ctx, tx, a, w, resumption{}); err != nil {
				return err
			}
			if err := s.auditWebhook(ctx, tx, before, w, act{operation: "delete-account"}); err != nil {
				return err
			}
		}
		for _, table := range []string{"api_keys", "item_schemas", "members", "stores"} {
			if _, err := tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE account = $1`, id); err != nil {
				return err
			}
		}
		if err := s.cancelRedrives(ctx, tx, id); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE accounts SET deleted = TRUE, version = $2, deleted_at = $3, erase_due = $3
			WHERE id = $1`, id, a.Version+1, s.stamp()); err != nil {
			return err
		}
		return s.auditAccount(ctx, tx, &a, nil, "delete-account")
	})
	if err != nil {
		return fmt.Errorf("deleting account %q: %w", id, err)
	}
	return nil
}

// lockAccount reads an account that is not deleted and keeps other writers of
// it and of its webhooks out until the transaction ends. Every write takes this
// lock first, so versions rise in the order of commits and no two deadlock.
func (s *Store) lockAccount(ctx context.Context, tx *sql.Tx, id string) (hook.Account, error) {
	row := tx.QueryRowContext(ctx, `SELECT `+accountColumns+` FROM accounts
		WHERE id = $1 AND NOT deleted`+s.db.ForUpdate(), id)
	a, err := scanAccount(row.Scan)
	return a, found(err)
}

// found gives hook.ErrNotFound for a row that is not there.
func found(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return hook.ErrNotFound
	}
	return err
}
