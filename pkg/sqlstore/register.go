package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

// RegisterPosition implements hook.Register.
func (s *Store) RegisterPosition(ctx context.Context, topic string, partition int) (int64, error) {
	var next int64
	row := s.db.QueryRowContext(ctx, `SELECT next_offset FROM register_offsets
		WHERE topic = $1 AND partition_number = $2`, topic, partition)
	if err := row.Scan(&next); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("position in partition %d of %s: %w", partition, topic, err)
	}
	return next, nil
}

// Register implements hook.Register.
func (s *Store) Register(ctx context.Context, r hook.Registration) (refused map[string]int, err error) {
	// In one order, so that no two recorders wait for each other.
	spans := slices.SortedFunc(slices.Values(r.Spans), func(a, b hook.Span) int {
		return cmp.Or(strings.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	err = s.db.Write(ctx, func(w *database.Writer) error {
		for _, span := range spans {
			if err := moveSpan(ctx, w.Tx, span); err != nil {
				return fmt.Errorf("partition %d of %s, offsets %d to %d: %w", span.Partition, span.Topic, span.From, span.To, err)
			}
		}
		quarantined, err := ofLive(ctx, w, r.Quarantined)
		if err != nil {
			return err
		}
		if err := addQuarantined(ctx, w, quarantined); err != nil {
			return err
		}
		refused, err = s.addSeen(ctx, w, r.Seen)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("registering: %w", err)
	}
	return refused, nil
}

// moveSpan also keeps other writers of the partition out until the transaction ends.
func moveSpan(ctx context.Context, tx *sql.Tx, span hook.Span) error {
	move := `UPDATE register_offsets SET next_offset = $4 WHERE topic = $1 AND partition_number = $2 AND next_offset = $3`
	if span.From == 0 {
		move = `INSERT INTO register_offsets AS o (topic, partition_number, next_offset) VALUES ($1, $2, $4)
			ON CONFLICT (topic, partition_number) DO UPDATE SET next_offset = excluded.next_offset WHERE o.next_offset = $3`
	}
	result, err := tx.ExecContext(ctx, move, span.Topic, span.Partition, span.From, span.To)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return hook.ErrStale
}

// addQuarantined adds the entries that are not there.
func addQuarantined(ctx context.Context, w *database.Writer, entries []hook.Quarantined) error {
	rows := make([][]any, len(entries))
	for i := range entries {
		rows[i] = quarantineValues(&entries[i])
	}
	err := insertNew(ctx, w, "quarantine", quarantineColumns, "id", rows)
	if err != nil {
		return fmt.Errorf("adding %d entries of quarantine: %w", len(rows), err)
	}
	return nil
}

// insertNew adds the rows of a table whose key is not there.
func insertNew(ctx context.Context, w *database.Writer, table string, columns []column, key string, rows [][]any) error {
	marks := make([]string, len(columns))
	for i := range marks {
		marks[i] = fmt.Sprintf("$%d", i+1)
	}
	into, unless := `INSERT INTO `+table+` (`+strings.Join(names(columns), ", ")+`) `, ` ON CONFLICT (`+key+`) DO NOTHING`
	return execEach(ctx, w, columns, rows,
		func(unnest string) string { return into + `SELECT * FROM ` + unnest + ` AS new` + unless },
		into+`VALUES (`+strings.Join(marks, ", ")+`)`+unless)
}

// seenColumns are those of a store that an event had: its id is its name.
var seenColumns = []column{{"account", text}, {"id", text}, {"name", text}, {"created_at", number}}

// addSeen adds the stores that are not there.
func (s *Store) addSeen(ctx context.Context, w *database.Writer, seen []hook.Sighting) (refused map[string]int, err error) {
	stores := make(map[string]map[string]bool)
	for _, sighting := range seen {
		account := storableText(sighting.Account)
		if stores[account] == nil {
			stores[account] = make(map[string]bool)
		}
		stores[account][storableText(sighting.Store)] = true
	}
	refused = make(map[string]int)
	for _, account := range slices.Sorted(maps.Keys(stores)) {
		left, err := s.addStores(ctx, w, account, slices.Sorted(maps.Keys(stores[account])))
		if err != nil {
			return nil, fmt.Errorf("adding stores of account %q: %w", account, err)
		}
		if left > 0 {
			refused[account] = left
		}
	}
	return refused, nil
}

// addStores adds those of an account for which there is room, and returns how many were
// left out. That nearly all are there already costs a look at each.
func (s *Store) addStores(ctx context.Context, w *database.Writer, account string, stores []string) (left int, err error) {
	for some := range slices.Chunk(stores, keyChunk) {
		var where conditions
		where.add(`account = ?`, account)
		in(&where, "id", some)
		there, err := collect(ctx, w, func(scan func(...any) error) (id string, err error) { return id, scan(&id) },
			`SELECT id FROM stores WHERE `+where.text.String(), where.args...)
		if err != nil {
			return 0, err
		}
		if len(there) == len(some) {
			continue
		}
		missing := slices.DeleteFunc(slices.Clone(some), func(id string) bool { return slices.Contains(there, id) })
		room, live, err := roomForStores(ctx, w, account)
		if err != nil || !live {
			return 0, err
		}
		left += max(0, len(missing)-room)
		rows := make([][]any, min(room, len(missing)))
		for i := range rows {
			rows[i] = []any{account, missing[i], missing[i], s.stamp()}
		}
		if err := insertNew(ctx, w, "stores", seenColumns, "account, id", rows); err != nil {
			return 0, err
		}
	}
	return left, nil
}

// roomForStores is how many more an account may have from events, and whether it is
// there.
func roomForStores(ctx context.Context, w *database.Writer, account string) (room int, live bool, err error) {
	var accounts, count int
	row := w.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM accounts WHERE id = $1 AND NOT deleted),
		(SELECT COUNT(*) FROM stores WHERE account = $1)`, account)
	if err := row.Scan(&accounts, &count); err != nil {
		return 0, false, err
	}
	return max(0, hook.MaxStores-count), accounts > 0, nil
}
