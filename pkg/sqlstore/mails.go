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

// WithMails is the store with letters to members: what it writes of notifications is
// also to be mailed. Without it nobody is.
func (s *Store) WithMails() *Store {
	return &Store{db: s.db, now: s.now, rule: s.rule, mails: true}
}

// informed are the roles that notifications are for.
const informed = `('owner', 'settings')`

// writeMails has the notifications with these numbers mailed, those that were written,
// to the members that there are now.
func (s *Store) writeMails(ctx context.Context, w *database.Writer, from, to int64) error {
	if !s.mails {
		return nil
	}
	members, err := collect(ctx, w, func(scan func(...any) error) (member string, err error) { return member, scan(&member) },
		`INSERT INTO mails (member, number, created_at)
		SELECT m.id, n.number, n.created_at FROM notifications n JOIN members m ON m.account = n.account
		WHERE n.number BETWEEN $1 AND $2 AND m.role IN `+informed+` RETURNING member`, from, to)
	if err != nil {
		return fmt.Errorf("mails of the notifications %d to %d: %w", from, to, err)
	}
	slices.Sort(members)
	now := s.stamp()
	var rows [][]any
	for _, member := range slices.Compact(members) {
		rows = append(rows, []any{member, now})
	}
	const (
		head = `INSERT INTO mailboxes AS b (member, due_at, free_at, tries, claim, letter) `
		set  = ` ON CONFLICT (member) DO UPDATE
			SET due_at = COALESCE(b.due_at, CASE WHEN b.free_at > excluded.due_at THEN b.free_at ELSE excluded.due_at END)`
	)
	err = execEach(ctx, w, []column{{"member", text}, {"due_at", number}}, rows,
		func(unnest string) string {
			return head + `SELECT n.member, n.due_at, 0, 0, 0, 0 FROM ` + unnest + ` AS n (member, due_at)` + set
		},
		head+`VALUES ($1, $2, 0, 0, 0, 0)`+set)
	if err != nil {
		return fmt.Errorf("mailboxes of %d members: %w", len(rows), err)
	}
	return nil
}

// forgetMails deletes what nobody sends any more: letters are no longer sent, or the
// member is gone.
func (s *Store) forgetMails(ctx context.Context, before time.Time) error {
	_, err := s.db.ExecContext(ctx, `DELETE FROM mails WHERE created_at < $1`, database.Micros(before))
	if err == nil {
		_, err = s.db.ExecContext(ctx, `DELETE FROM mailboxes WHERE due_at IS NULL
			AND NOT EXISTS (SELECT 1 FROM members m WHERE m.id = mailboxes.member)`)
	}
	return err
}

// ClaimLetter implements hook.Mails.
func (s *Store) ClaimLetter(ctx context.Context, lease time.Duration) (hook.Letter, error) {
	for {
		l, dropped, err := s.claimLetter(ctx, lease)
		if err != nil {
			return hook.Letter{}, fmt.Errorf("claiming a letter: %w", err)
		}
		if !dropped {
			return l, nil
		}
	}
}

// claimLetter claims one, or drops it: the member is gone, or is none to be told.
func (s *Store) claimLetter(ctx context.Context, lease time.Duration) (l hook.Letter, dropped bool, err error) {
	skip := ""
	if s.db.Dialect == database.Postgres {
		skip = ` FOR UPDATE SKIP LOCKED`
	}
	now := s.now()
	err = s.db.Tx(ctx, func(tx *sql.Tx) error {
		l, dropped = hook.Letter{}, false
		var member string
		row := tx.QueryRowContext(ctx, `SELECT member, tries, claim + 1, letter FROM mailboxes WHERE due_at <= $1
			ORDER BY due_at LIMIT 1`+skip, database.Micros(now))
		if err := row.Scan(&member, &l.Tries, &l.Claim, &l.Number); err != nil {
			return found(err)
		}
		row = tx.QueryRowContext(ctx, `SELECT m.id, m.account, m.email, m.name, m.role, m.language, m.created_at, a.name
			FROM members m JOIN accounts a ON a.id = m.account WHERE m.id = $1 AND m.role IN `+informed, member)
		l.Member, err = scanMember(func(targets ...any) error { return row.Scan(append(targets, &l.AccountName)...) })
		if errors.Is(err, sql.ErrNoRows) {
			dropped = true
			return dropMailbox(ctx, tx, member)
		}
		if err != nil {
			return err
		}
		if err := readLetter(ctx, tx, &l, now.Add(-hook.LetterLife)); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE mailboxes SET due_at = $2, claim = $3, letter = $4 WHERE member = $1`,
			member, database.Micros(now.Add(lease)), l.Claim, l.Number)
		return err
	})
	return l, dropped, err
}

// dropMailbox forgets what waits for somebody. The row stays if somebody adds
// something meanwhile, as it is locked.
func dropMailbox(ctx context.Context, tx *sql.Tx, member string) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM mails WHERE member = $1`, member); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `UPDATE mailboxes SET due_at = NULL, tries = 0, letter = 0 WHERE member = $1`, member)
	return err
}

// readLetter reads what is in a letter. If it has no number yet, it gets that of the
// newest notification that waits.
func readLetter(ctx context.Context, tx *sql.Tx, l *hook.Letter, before time.Time) error {
	expired, err := tx.ExecContext(ctx, `DELETE FROM mails WHERE member = $1 AND created_at < $2`, l.Member.ID, database.Micros(before))
	if err != nil {
		return err
	}
	if l.Expired, err = expired.RowsAffected(); err != nil {
		return err
	}
	if l.Number == 0 {
		row := tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(number), 0) FROM mails WHERE member = $1`, l.Member.ID)
		if err := row.Scan(&l.Number); err != nil {
			return err
		}
	}
	row := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM mails WHERE member = $1 AND number <= $2`, l.Member.ID, l.Number)
	if err := row.Scan(&l.More); err != nil {
		return err
	}
	l.Notices, err = collect(ctx, tx, scanLetterNotice, `SELECT n.id, n.account, n.kind, n.webhook, n.amount, n.detail, n.created_at, w.settings
		FROM mails JOIN notifications n ON n.number = mails.number LEFT JOIN webhooks w ON w.id = n.webhook AND w.account = n.account
		WHERE mails.member = $1 AND mails.number <= $2 ORDER BY mails.number DESC LIMIT $3`, l.Member.ID, l.Number, hook.MaxLetterNotices)
	l.More -= int64(len(l.Notices))
	return err
}

func scanLetterNotice(scan func(...any) error) (n hook.LetterNotice, err error) {
	var created int64
	var text sql.NullString
	if err := scan(&n.ID, &n.Account, &n.Notice, &n.Webhook, &n.Count, &n.Detail, &created, &text); err != nil {
		return n, err
	}
	n.CreatedAt = database.Time(created)
	if text.Valid {
		var w hook.Webhook
		if err := unmarshalSettings(text.String, &w); err != nil {
			return n, err
		}
		n.Description, n.URL = w.Description, shownURL(w.URL)
	}
	return n, nil
}

// LetterDone implements hook.Mails.
func (s *Store) LetterDone(ctx context.Context, l hook.Letter, next time.Time) error {
	free := database.Micros(next)
	err := s.db.Tx(ctx, func(tx *sql.Tx) error {
		if err := endClaim(ctx, tx, l, `due_at = NULL, free_at = $3, tries = 0, letter = 0`, free); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM mails WHERE member = $1 AND number <= $2`, l.Member.ID, l.Number); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE mailboxes SET due_at = $2
			WHERE member = $1 AND EXISTS (SELECT 1 FROM mails WHERE member = $1)`, l.Member.ID, free)
		return err
	})
	if err != nil {
		return fmt.Errorf("the letter to member %q is done: %w", l.Member.ID, err)
	}
	return nil
}

// PostponeLetter implements hook.Mails.
func (s *Store) PostponeLetter(ctx context.Context, l hook.Letter, until time.Time) error {
	err := s.db.Tx(ctx, func(tx *sql.Tx) error {
		return endClaim(ctx, tx, l, `due_at = $3, tries = tries + 1`, database.Micros(until))
	})
	if err != nil {
		return fmt.Errorf("putting off the letter to member %q: %w", l.Member.ID, err)
	}
	return nil
}

// endClaim changes a mailbox if the claim is its newest one. The next one has another
// number even if that one is never ended.
func endClaim(ctx context.Context, tx *sql.Tx, l hook.Letter, set string, at int64) error {
	result, err := tx.ExecContext(ctx, `UPDATE mailboxes SET `+set+`, claim = claim + 1 WHERE member = $1 AND claim = $2`, l.Member.ID, l.Claim, at)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return hook.ErrStale
}
