package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

const auditColumns = `account, number, at, actor, actor_id, actor_name, ip, user_agent, operation, target, reason, changes`

// act is what was done to something of an account, for the audit log.
type act struct {
	// operation, such as "disable-webhook", unless the context names another.
	operation string
	// target is the id of what it was done to.
	target string
	// reason is why the system did it; else empty.
	reason string
	// changes as diff gives them.
	changes []hook.Change
}

// audit writes an entry about a change that is made in the same transaction. The
// account is locked (lockAccount), or was made in it: so its entries are numbered
// in the order of their commits. The context says who makes the change.
func (s *Store) audit(ctx context.Context, tx *sql.Tx, account string, a act) error {
	o := hook.OriginOf(ctx)
	if o.Operation != "" {
		a.operation = o.Operation
	}
	changes, err := json.Marshal(append([]hook.Change{}, a.changes...)) // never null
	if err != nil {
		return fmt.Errorf("changes of %q: %w", a.target, err)
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO audit (`+auditColumns+`)
		SELECT $1, COALESCE(MAX(number), 0) + 1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11 FROM audit WHERE account = $1`,
		account, s.stamp(), string(o.Actor.Kind), o.Actor.ID, storableText(o.Actor.Name), o.IP, storableText(o.UserAgent),
		a.operation, storableText(a.target), a.reason, string(changes))
	return err
}

// Note implements hook.Audits.
func (s *Store) Note(ctx context.Context, account, target string) error {
	err := s.db.Tx(ctx, func(tx *sql.Tx) error {
		if _, err := s.lockAccount(ctx, tx, account); err != nil {
			return err
		}
		return s.audit(ctx, tx, account, act{target: target})
	})
	if err != nil {
		return fmt.Errorf("noting what is done to %q of account %q: %w", target, account, err)
	}
	return nil
}

// Audit implements hook.Audits.
func (s *Store) Audit(ctx context.Context, account string, f hook.AuditFilter, p hook.Page) ([]hook.AuditEntry, string, error) {
	after, more, err := parseMark(p.After)
	if err != nil {
		return nil, "", err
	}
	var where conditions
	where.add(`account = ?`, account)
	if more {
		where.add(`number < ?`, after.at)
	}
	if f.Actor != "" {
		where.add(`(actor_id = ? OR actor_id = '' AND actor = ?)`, f.Actor, f.Actor)
	}
	if f.Operation != "" {
		where.add(`operation = ?`, f.Operation)
	}
	if f.Target != "" {
		where.add(`target = ?`, f.Target)
	}
	if !f.From.IsZero() {
		where.add(`at >= ?`, database.Micros(f.From))
	}
	if !f.To.IsZero() {
		where.add(`at < ?`, database.Micros(f.To))
	}
	query := `SELECT ` + auditColumns + ` FROM audit WHERE ` + where.text.String() + ` ORDER BY number DESC LIMIT ` + where.arg(p.Limit+1)
	list, err := collect(ctx, s.db, scanAudit, query, where.args...)
	if err != nil {
		return nil, "", fmt.Errorf("audit log of account %q: %w", account, err)
	}
	list, next := cut(list, p.Limit, func(e hook.AuditEntry) mark { return mark{at: e.Number, id: strconv.FormatInt(e.Number, 10)} })
	return list, next, nil
}

func scanAudit(scan func(...any) error) (hook.AuditEntry, error) {
	var e hook.AuditEntry
	var at int64
	var changes string
	o := &e.Origin
	err := scan(&e.Account, &e.Number, &at, &o.Actor.Kind, &o.Actor.ID, &o.Actor.Name, &o.IP, &o.UserAgent, &o.Operation,
		&e.Target, &e.Reason, &changes)
	if err != nil {
		return hook.AuditEntry{}, err
	}
	e.At = database.Time(at)
	if err := json.Unmarshal([]byte(changes), &e.Changes); err != nil {
		return hook.AuditEntry{}, fmt.Errorf("changes in entry %d: %w", e.Number, err)
	}
	return e, nil
}
