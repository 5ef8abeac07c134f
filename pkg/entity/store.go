package entity

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/staffetta/staffetta/pkg/database"
)

// store is the items in SQL.
type store struct {
	items     string // table names
	sequences string
	lock      string // clause that locks rows
}

func newStore(db *database.DB, prefix string) store {
	return store{items: prefix + "_items", sequences: prefix + "_sequences", lock: db.ForUpdate()}
}

// querier is a database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// key names a collection of an account.
type key struct {
	account    string
	collection string
}

const columns = `id, version, data, created_at, updated_at, deleted_at`

// find returns those of the items that exist, deleted ones too, by id.
func (s store) find(ctx context.Context, q querier, k key, ids []int64) (map[int64]*item, error) {
	return s.some(ctx, q, k, ids, "")
}

// take is find, with the rows locked until the end of the transaction. They are
// locked by rising id, so that bulk changes do not deadlock.
func (s store) take(ctx context.Context, tx *sql.Tx, k key, ids []int64) (map[int64]*item, error) {
	return s.some(ctx, tx, k, ids, s.lock)
}

func (s store) some(ctx context.Context, q querier, k key, ids []int64, lock string) (map[int64]*item, error) {
	var list strings.Builder
	args := []any{k.account, k.collection}
	for i, id := range ids {
		if i > 0 {
			list.WriteByte(',')
		}
		args = append(args, id)
		list.WriteString("$" + strconv.Itoa(len(args)))
	}
	found, err := s.query(ctx, q, nil, `SELECT `+columns+` FROM `+s.items+
		` WHERE account = $1 AND collection = $2 AND id IN (`+list.String()+`) ORDER BY id`+lock, args...)
	if err != nil {
		return nil, err
	}
	index := make(map[int64]*item, len(found))
	for _, it := range found {
		index[it.id] = it
	}
	return index, nil
}

// page returns live items below an id, newest first, and whether there are more
// of them: at most limit, and fewer if they are large, but at least one.
func (s store) page(ctx context.Context, q querier, k key, below int64, limit int) (found []*item, more bool, err error) {
	size := 0
	room := func(taken int, data string) bool {
		size += len(data)
		more = taken == limit || taken > 0 && size > maxPage
		return !more
	}
	// The row after the last one is read only to know that there is one.
	found, err = s.query(ctx, q, room, `SELECT `+columns+` FROM `+s.items+
		` WHERE account = $1 AND collection = $2 AND deleted_at IS NULL AND id < $3 ORDER BY id DESC LIMIT $4`,
		k.account, k.collection, below, limit+1)
	return found, more, err
}

// query reads items while there is room for the next one's data after those
// taken; a nil room takes all.
func (s store) query(ctx context.Context, q querier, room func(taken int, data string) bool,
	query string, args ...any,
) (found []*item, err error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("items: read: %w", err)
	}
	defer func() {
		if closeErr := rows.Close(); closeErr != nil && err == nil {
			err = fmt.Errorf("items: read: %w", closeErr)
		}
	}()
	for rows.Next() {
		var it item
		var data string
		var created, updated int64
		var deleted sql.NullInt64
		if err := rows.Scan(&it.id, &it.version, &data, &created, &updated, &deleted); err != nil {
			return nil, fmt.Errorf("items: read: %w", err)
		}
		if room != nil && !room(len(found), data) {
			break
		}
		it.createdAt, it.updatedAt, it.deleted = database.Time(created), database.Time(updated), deleted.Valid
		if !it.deleted {
			if it.fields, err = knownObject([]byte(data)); err != nil {
				return nil, fmt.Errorf("items: %s has id %d with data that are none: %w", s.items, it.id, err)
			}
		}
		found = append(found, &it)
	}
	return found, rows.Err()
}

// insert gives new items their ids, rising in their order, and writes them. The
// sequence's row stays locked until the commit: that is what makes the events
// of creations come in the order of the ids.
func (s store) insert(ctx context.Context, tx *sql.Tx, k key, items []*item) error {
	var last int64
	err := tx.QueryRowContext(ctx, `INSERT INTO `+s.sequences+` (account, collection, last) VALUES ($1, $2, $3)
		ON CONFLICT (account, collection) DO UPDATE SET last = `+s.sequences+`.last + excluded.last
		RETURNING last`, k.account, k.collection, len(items)).Scan(&last)
	if err != nil {
		return fmt.Errorf("items: next id: %w", err)
	}
	statement, err := tx.PrepareContext(ctx, `INSERT INTO `+s.items+
		` (account, collection, id, version, data, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`)
	if err != nil {
		return fmt.Errorf("items: insert: %w", err)
	}
	// The transaction's end closes it too.
	defer func() { _ = statement.Close() }()
	for i, it := range items {
		it.id = last - int64(len(items)-1-i)
		_, err := statement.ExecContext(ctx, k.account, k.collection, it.id, it.version, string(it.fields.appendTo(nil)),
			database.Micros(it.createdAt), database.Micros(it.updatedAt))
		if err != nil {
			return fmt.Errorf("items: insert: %w", err)
		}
	}
	return nil
}

// update writes an item's fields, version and time of change.
func (s store) update(ctx context.Context, tx *sql.Tx, k key, it *item) error {
	_, err := tx.ExecContext(ctx, `UPDATE `+s.items+` SET version = $1, data = $2, updated_at = $3
		WHERE account = $4 AND collection = $5 AND id = $6`,
		it.version, string(it.fields.appendTo(nil)), database.Micros(it.updatedAt), k.account, k.collection, it.id)
	if err != nil {
		return fmt.Errorf("items: update: %w", err)
	}
	return nil
}

// remove marks an item as deleted and forgets its data.
func (s store) remove(ctx context.Context, tx *sql.Tx, k key, id, version int64, at time.Time) error {
	_, err := tx.ExecContext(ctx, `UPDATE `+s.items+` SET version = $1, data = '', updated_at = $2, deleted_at = $2
		WHERE account = $3 AND collection = $4 AND id = $5`,
		version, database.Micros(at), k.account, k.collection, id)
	if err != nil {
		return fmt.Errorf("items: delete: %w", err)
	}
	return nil
}
