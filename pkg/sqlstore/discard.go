package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

// markedAtOnce bounds the arguments of one statement.
const markedAtOnce = 1000

// DiscardQuarantined implements hook.Quarantine.
func (s *Store) DiscardQuarantined(ctx context.Context, account string, f hook.QuarantineFilter, limit int) (discarded int, more bool, err error) {
	err = s.db.Tx(ctx, func(tx *sql.Tx) error {
		discarded, more = 0, false
		where := quarantineConditions(account, f)
		query := `SELECT id, account FROM quarantine WHERE ` + where.text.String() + ` ORDER BY created_at, id LIMIT ` + where.arg(limit+1)
		type entry struct{ id, account string }
		entries, err := collect(ctx, tx, func(scan func(...any) error) (e entry, err error) { return e, scan(&e.id, &e.account) }, query, where.args...)
		if err != nil || len(entries) == 0 {
			return err
		}
		if more = len(entries) > limit; more {
			entries = entries[:limit]
		}
		counts := make(map[string]int)
		var ids, accounts []string
		for _, e := range entries {
			if counts[e.account] == 0 {
				accounts = append(accounts, e.account)
			}
			counts[e.account]++
			ids = append(ids, e.id)
		}
		discarded = len(ids)
		slices.Sort(accounts)
		// The accounts' locks come before those of the rows, as everywhere.
		filter := []field{
			{name: "state", value: f.State}, {name: "reason", value: f.Reason}, {name: "topic", value: f.Topic},
			{name: "from", value: moment(f.From)}, {name: "to", value: moment(f.To)},
		}
		err = s.auditAccounts(ctx, tx, accounts, func(account string) act {
			discarded, _ := diff(nil, []field{{name: "discarded", value: counts[account]}}) // a number: it cannot fail
			return act{operation: "discard-all-quarantined", target: "quarantine", changes: discarded}
		}, filter)
		if err != nil {
			return err
		}
		return s.markQuarantined(ctx, tx, ids, hook.Discarded)
	})
	if err != nil {
		return 0, false, fmt.Errorf("discarding quarantined records: %w", err)
	}
	return discarded, more, nil
}

// markQuarantined notes what became of entries; what is discarded stays so.
func (s *Store) markQuarantined(ctx context.Context, tx *sql.Tx, ids []string, state hook.QuarantineState) error {
	now := s.stamp()
	// In their order, so that no two who do this wait for one another.
	for some := range slices.Chunk(slices.Sorted(slices.Values(ids)), markedAtOnce) {
		var where conditions
		in(&where, "id", some)
		where.add(`state <> 'discarded'`)
		statement := `UPDATE quarantine SET state = ` + where.arg(string(state)) + `, changed_at = ` + where.arg(now) + ` WHERE ` + where.text.String()
		if _, err := tx.ExecContext(ctx, statement, where.args...); err != nil {
			return err
		}
	}
	return nil
}

// quarantineConditions are those of a filter for what an account may see; of all states
// but discarded by default.
func quarantineConditions(account string, f hook.QuarantineFilter) *conditions {
	where := &conditions{}
	if account != "" {
		where.add(`account = ?`, account)
	}
	if f.State != "" {
		where.add(`state = ?`, string(f.State))
	} else {
		where.add(`state <> 'discarded'`)
	}
	if f.Reason != "" {
		where.add(`reason = ?`, f.Reason)
	}
	if f.Topic != "" {
		where.add(`source_topic = ?`, f.Topic)
	}
	if !f.From.IsZero() {
		where.add(`created_at >= ?`, database.Micros(f.From))
	}
	if !f.To.IsZero() {
		where.add(`created_at < ?`, database.Micros(f.To))
	}
	return where
}
