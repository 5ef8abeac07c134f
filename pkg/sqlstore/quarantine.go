package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

// quarantineColumns are those of the table quarantine.
var quarantineColumns = []column{
	{"id", text}, {"account", text}, {"reason", text}, {"detail", text},
	{"source_topic", text}, {"source_partition", number}, {"source_offset", number},
	{"topic", text}, {"partition_number", number}, {"record_offset", number},
	{"bytes", number}, {"state", text}, {"created_at", number}, {"changed_at", number},
}

var quarantineNames = strings.Join(names(quarantineColumns), ", ")

func quarantineValues(q *hook.Quarantined) []any {
	return []any{
		q.ID, storableText(q.Account), storableText(q.Reason), storableText(q.Detail),
		storableText(q.Source.Topic), int64(q.Source.Partition), q.Source.Offset,
		q.At.Topic, int64(q.At.Partition), q.At.Offset,
		q.Bytes, string(q.State), database.Micros(q.CreatedAt), database.Micros(q.ChangedAt),
	}
}

func scanQuarantined(scan func(...any) error) (hook.Quarantined, error) {
	var q hook.Quarantined
	var created, changed int64
	err := scan(&q.ID, &q.Account, &q.Reason, &q.Detail, &q.Source.Topic, &q.Source.Partition, &q.Source.Offset,
		&q.At.Topic, &q.At.Partition, &q.At.Offset, &q.Bytes, &q.State, &created, &changed)
	q.CreatedAt, q.ChangedAt = database.Time(created), database.Time(changed)
	return q, err
}

// QuarantineEntries implements hook.Quarantine.
func (s *Store) QuarantineEntries(ctx context.Context, account string, f hook.QuarantineFilter, p hook.Page) ([]hook.Quarantined, string, error) {
	where := quarantineConditions(account, f)
	list, next, err := newest(ctx, s.db, `quarantine`, quarantineNames, where, p, scanQuarantined,
		func(q hook.Quarantined) mark { return mark{at: database.Micros(q.CreatedAt), id: q.ID} })
	if err != nil {
		return nil, "", fmt.Errorf("listing quarantine: %w", err)
	}
	return list, next, nil
}

// QuarantineEntry implements hook.Quarantine.
func (s *Store) QuarantineEntry(ctx context.Context, account, id string) (hook.Quarantined, error) {
	q, err := s.quarantined(ctx, s.db, account, id, "")
	if err != nil {
		return hook.Quarantined{}, fmt.Errorf("quarantined record %q: %w", id, err)
	}
	return q, nil
}

func (s *Store) quarantined(ctx context.Context, q queries, account, id, lock string) (hook.Quarantined, error) {
	row := q.QueryRowContext(ctx, `SELECT `+quarantineNames+` FROM quarantine
		WHERE id = $1 AND (account = $2 OR $2 = '')`+lock, id, account)
	entry, err := scanQuarantined(row.Scan)
	return entry, found(err)
}

// SetQuarantined implements hook.Quarantine.
func (s *Store) SetQuarantined(ctx context.Context, account, id string, state hook.QuarantineState) (hook.Quarantined, error) {
	var q hook.Quarantined
	err := s.db.Tx(ctx, func(tx *sql.Tx) (err error) {
		if q, err = s.quarantined(ctx, tx, account, id, ""); err != nil {
			return err
		}
		// A record may name an account that is not there, or none: nobody's log then.
		_, err = s.lockAccount(ctx, tx, q.Account)
		logged := err == nil
		if err != nil && !errors.Is(err, hook.ErrNotFound) {
			return err
		}
		if q, err = s.quarantined(ctx, tx, account, id, s.db.ForUpdate()); err != nil || q.State == hook.Discarded {
			return err
		}
		before := q.State
		q.State, q.ChangedAt = state, database.Time(s.stamp())
		_, err = tx.ExecContext(ctx, `UPDATE quarantine SET state = $2, changed_at = $3 WHERE id = $1`,
			id, string(state), database.Micros(q.ChangedAt))
		if err != nil || !logged {
			return err
		}
		return s.auditQuarantined(ctx, tx, &q, before)
	})
	if err != nil {
		return hook.Quarantined{}, fmt.Errorf("changing quarantined record %q: %w", id, err)
	}
	return q, nil
}

func (s *Store) auditQuarantined(ctx context.Context, tx *sql.Tx, q *hook.Quarantined, before hook.QuarantineState) error {
	operation := "redrive-quarantined"
	if q.State == hook.Discarded {
		operation = "discard-quarantined"
	}
	changes, err := diff([]field{{name: "state", value: before}}, []field{{name: "state", value: q.State}})
	if err != nil {
		return err
	}
	return s.audit(ctx, tx, q.Account, act{operation: operation, target: q.ID, changes: changes})
}
