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

// CreateRedrive implements hook.Redrives.
func (s *Store) CreateRedrive(ctx context.Context, r hook.Redrive) (hook.Redrive, error) {
	r.State, r.Revision, r.CreatedAt = hook.RedriveRunning, 1, database.Time(s.stamp())
	r.UpdatedAt, r.EndedAt = r.CreatedAt, time.Time{}
	asked := r
	err := s.db.Tx(ctx, func(tx *sql.Tx) error {
		r = asked
		if r.Account != "" {
			if _, err := s.lockAccount(ctx, tx, r.Account); err != nil {
				return err
			}
		}
		var running int
		row := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM redrives WHERE state = 'running' AND account = $1`, r.Account)
		switch err := row.Scan(&running); {
		case err != nil:
			return err
		case running > 0:
			return hook.ErrConflict
		}
		accounts, err := boundRedrive(ctx, tx, &r)
		if err != nil {
			return err
		}
		values, err := rowOfRedrive(&r)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO redrives (`+redriveColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, values...)
		if err != nil {
			return err
		}
		return s.auditAccounts(ctx, tx, accounts, func(string) act {
			return act{operation: "create-quarantine-redrive", target: r.ID}
		}, redriveFields(&r))
	})
	if database.IsUnique(err) {
		err = hook.ErrConflict
	}
	if err != nil {
		return hook.Redrive{}, fmt.Errorf("creating redrive %q of account %q: %w", r.ID, r.Account, err)
	}
	return r, nil
}

// boundRedrive looks what a redrive means: the records that are open now, by the time of
// the newest. What comes later, or comes back, is not among them. It returns the accounts
// whose they are, in order.
func boundRedrive(ctx context.Context, tx *sql.Tx, r *hook.Redrive) ([]string, error) {
	type share struct {
		account   string
		n, newest int64
		there     int // 1 if there is such an account
	}
	where := quarantineConditions(r.Account, redriveFilter(r))
	shares, err := collect(ctx, tx, func(scan func(...any) error) (s share, err error) {
		return s, scan(&s.account, &s.n, &s.newest, &s.there)
	},
		`SELECT account, COUNT(*), MAX(created_at), (SELECT COUNT(*) FROM accounts a WHERE a.id = quarantine.account AND NOT a.deleted)
			FROM quarantine WHERE `+where.text.String()+` GROUP BY account ORDER BY account`, where.args...)
	if err != nil {
		return nil, err
	}
	accounts := make([]string, 0, len(shares)+1)
	var newest int64
	for _, some := range shares {
		r.Progress.Total += some.n
		newest = max(newest, some.newest)
		if some.there > 0 { // a record may name any number of others
			accounts = append(accounts, some.account)
		}
	}
	if len(shares) > 0 {
		r.To = database.Time(newest + 1)
		return accounts, nil
	}
	r.State, r.EndedAt = hook.RedriveDone, r.CreatedAt
	if r.To.IsZero() {
		r.To = r.CreatedAt
	}
	return append(accounts, r.Account), nil
}

// redriveFilter finds what a redrive means.
func redriveFilter(r *hook.Redrive) hook.QuarantineFilter {
	return hook.QuarantineFilter{Reason: r.Reason, Topic: r.Topic, State: hook.Open, From: r.From, To: r.To}
}

func redriveFields(r *hook.Redrive) []field {
	return []field{
		{name: "state", value: r.State}, {name: "reason", value: r.Reason}, {name: "topic", value: r.Topic},
		{name: "from", value: moment(r.From)}, {name: "to", value: moment(r.To)}, secretField("patch", r.Patch), {name: "rate", value: r.Rate},
	}
}

// auditAccounts writes an entry, of a new thing with these fields, into the log of each
// of these accounts, which are in order: so no two who do this wait for one another. A record may name an account that is
// not there, or none: nobody's log then.
func (s *Store) auditAccounts(ctx context.Context, tx *sql.Tx, accounts []string, what func(account string) act, fields []field) error {
	changes, err := diff(nil, fields)
	if err != nil {
		return err
	}
	for _, account := range accounts {
		switch _, err := s.lockAccount(ctx, tx, account); {
		case errors.Is(err, hook.ErrNotFound):
			continue
		case err != nil:
			return err
		}
		a := what(account)
		a.changes = slices.Concat(changes, a.changes)
		if err := s.audit(ctx, tx, account, a); err != nil {
			return err
		}
	}
	return nil
}

// Redrive implements hook.Redrives.
func (s *Store) Redrive(ctx context.Context, account, id string) (hook.Redrive, error) {
	r, err := readRedrive(ctx, s.db, account, id, "")
	if err != nil {
		return hook.Redrive{}, fmt.Errorf("redrive %q of account %q: %w", id, account, err)
	}
	return r, nil
}

func readRedrive(ctx context.Context, q queries, account, id, lock string) (hook.Redrive, error) {
	row := q.QueryRowContext(ctx, `SELECT `+redriveColumns+` FROM redrives WHERE id = $1 AND (account = $2 OR $2 = '')`+lock, id, account)
	r, err := scanRedrive(row.Scan)
	return r, found(err)
}

// Redrives implements hook.Redrives.
func (s *Store) Redrives(ctx context.Context, account string, p hook.Page) ([]hook.Redrive, string, error) {
	var where conditions
	if account != "" {
		where.add(`account = ?`, account)
	} else {
		where.add(`1 = 1`)
	}
	list, next, err := newest(ctx, s.db, `redrives`, redriveColumns, &where, p, scanRedrive,
		func(r hook.Redrive) mark { return mark{at: database.Micros(r.CreatedAt), id: r.ID} })
	if err != nil {
		return nil, "", fmt.Errorf("listing redrives of account %q: %w", account, err)
	}
	return list, next, nil
}

// CancelRedrive implements hook.Redrives.
func (s *Store) CancelRedrive(ctx context.Context, account, id string) (hook.Redrive, error) {
	var r hook.Redrive
	err := s.db.Tx(ctx, func(tx *sql.Tx) (err error) {
		if r, err = readRedrive(ctx, tx, account, id, ""); err != nil {
			return err
		}
		if r.Account != "" { // else it is nobody's, and in nobody's log
			if _, err = s.lockAccount(ctx, tx, r.Account); err != nil && !errors.Is(err, hook.ErrNotFound) {
				return err
			}
		}
		logged := err == nil && r.Account != ""
		if r, err = readRedrive(ctx, tx, account, id, s.db.ForUpdate()); err != nil || r.State != hook.RedriveRunning {
			return err
		}
		before := redriveFields(&r)
		r.State = hook.RedriveCancelled
		if err = s.writeRedrive(ctx, tx, &r); err != nil || !logged {
			return err
		}
		changes, err := diff(before, redriveFields(&r))
		if err != nil {
			return err
		}
		return s.audit(ctx, tx, r.Account, act{operation: "cancel-quarantine-redrive", target: r.ID, changes: changes})
	})
	if err != nil {
		return hook.Redrive{}, fmt.Errorf("cancelling redrive %q: %w", id, err)
	}
	return r, nil
}

// cancelRedrives ends what runs of an account that is locked, and goes.
func (s *Store) cancelRedrives(ctx context.Context, tx *sql.Tx, account string) error {
	_, err := tx.ExecContext(ctx, `UPDATE redrives SET state = 'cancelled', updated_at = $2, ended_at = $2
		WHERE account = $1 AND state = 'running'`, account, s.stamp())
	return err
}

// writeRedrive updates what changes of one whose row is locked.
func (s *Store) writeRedrive(ctx context.Context, tx *sql.Tx, r *hook.Redrive) error {
	r.UpdatedAt = database.Time(s.stamp())
	if r.State != hook.RedriveRunning && r.EndedAt.IsZero() {
		r.EndedAt = r.UpdatedAt
	}
	progress, err := marshalRedriveProgress(r)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE redrives SET state = $2, progress = $3, revision = $4, updated_at = $5, ended_at = $6 WHERE id = $1`,
		r.ID, string(r.State), progress, r.Revision, database.Micros(r.UpdatedAt), database.Micros(r.EndedAt))
	return err
}

// RunningRedrives implements hook.Redriver.
func (s *Store) RunningRedrives(ctx context.Context) ([]hook.Redrive, error) {
	list, err := collect(ctx, s.db, scanRedrive, `SELECT `+redriveColumns+` FROM redrives WHERE state = 'running' ORDER BY created_at, id`)
	if err != nil {
		return nil, fmt.Errorf("reading running redrives: %w", err)
	}
	return list, nil
}

// RedriveEntries implements hook.Redriver.
func (s *Store) RedriveEntries(ctx context.Context, r hook.Redrive, limit int) ([]hook.Quarantined, error) {
	where := quarantineConditions(r.Account, redriveFilter(&r))
	if p := r.Progress; p.Entry != "" {
		where.add(`(created_at, id) > (?, ?)`, database.Micros(p.At), p.Entry)
	}
	query := `SELECT ` + quarantineNames + ` FROM quarantine WHERE ` + where.text.String() + ` ORDER BY created_at, id LIMIT ` + where.arg(limit)
	list, err := collect(ctx, s.db, scanQuarantined, query, where.args...)
	if err != nil {
		return nil, fmt.Errorf("reading the records of redrive %q: %w", r.ID, err)
	}
	return list, nil
}

// AdvanceRedrive implements hook.Redriver.
func (s *Store) AdvanceRedrive(ctx context.Context, r hook.Redrive, sent []string) (hook.Redrive, error) {
	var after hook.Redrive
	cancelled := false
	err := s.db.Tx(ctx, func(tx *sql.Tx) error {
		before, err := readRedrive(ctx, tx, r.Account, r.ID, s.db.ForUpdate())
		if err != nil {
			return err
		}
		cancelled = before.State == hook.RedriveCancelled
		if before.Revision != r.Revision || before.State != hook.RedriveRunning && !cancelled {
			return hook.ErrStale
		}
		after = r
		if cancelled {
			after.State, after.EndedAt = before.State, before.EndedAt
		}
		after.Revision++
		if err := s.markQuarantined(ctx, tx, sent, hook.Redriven); err != nil {
			return err
		}
		return s.writeRedrive(ctx, tx, &after)
	})
	if err == nil && cancelled {
		err = hook.ErrStale
	}
	if err != nil {
		return hook.Redrive{}, fmt.Errorf("noting the progress of redrive %q: %w", r.ID, err)
	}
	return after, nil
}
