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
	terms     string
	lock      string // clause that locks rows
	dialect   database.Dialect
}

func newStore(db *database.DB, prefix string) store {
	return store{
		items: prefix + "_items", sequences: prefix + "_sequences", terms: prefix + "_terms",
		lock: db.ForUpdate(), dialect: db.Dialect,
	}
}

// seize gives a transaction an account to itself until its end. On SQLite it has the
// whole database.
func (s store) seize(ctx context.Context, tx *sql.Tx, account string) error {
	if s.dialect != database.Postgres {
		return nil
	}
	// Two accounts of the same hash would wait for one another, and no more.
	_, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, s.items+"/"+account)
	if err != nil {
		return fmt.Errorf("items: lock account: %w", err)
	}
	return nil
}

// querier is a database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

const columns = `id, version, data, created_at, updated_at, deleted_at`

// find returns those of the items that exist, deleted ones too, by id.
func (s store) find(ctx context.Context, q querier, c *Collection, account string, ids []int64) (map[int64]*Item, error) {
	return s.some(ctx, q, c, account, ids, "")
}

// take is find, with the rows locked until the end of the transaction. They are
// locked by rising id, so that bulk changes do not deadlock.
func (s store) take(ctx context.Context, tx *sql.Tx, c *Collection, account string, ids []int64) (map[int64]*Item, error) {
	return s.some(ctx, tx, c, account, ids, s.lock)
}

func (s store) some(ctx context.Context, q querier, c *Collection, account string, ids []int64, lock string) (map[int64]*Item, error) {
	var list strings.Builder
	args := []any{account, c.Path}
	for i, id := range ids {
		if i > 0 {
			list.WriteByte(',')
		}
		args = append(args, id)
		list.WriteString("$" + strconv.Itoa(len(args)))
	}
	found, err := s.query(ctx, q, c, nil, `SELECT `+columns+` FROM `+s.items+
		` WHERE account = $1 AND collection = $2 AND id IN (`+list.String()+`) ORDER BY id`+lock, args...)
	if err != nil {
		return nil, err
	}
	index := make(map[int64]*Item, len(found))
	for _, it := range found {
		index[it.id] = it
	}
	return index, nil
}

// page returns live items below an id that keep all conditions, newest first, and
// whether there are more of them: at most limit, and fewer if they are large, but at
// least one.
func (s store) page(ctx context.Context, q querier, c *Collection, account string, conditions []Condition, below int64, limit int) (found []*Item, more bool, err error) {
	size := 0
	room := func(taken int, data string) bool {
		size += len(data)
		more = taken == limit || taken > 0 && size > maxPage
		return !more
	}
	// The row after the last one is read only to know that there is one.
	found, err = s.list(ctx, q, c, account, conditions, below, limit+1, room)
	return found, more, err
}

// list reads live items, newest first, while there is room.
func (s store) list(ctx context.Context, q querier, c *Collection, account string, conditions []Condition,
	below int64, limit int, room func(taken int, data string) bool,
) ([]*Item, error) {
	if len(conditions) == 0 {
		return s.query(ctx, q, c, room, `SELECT `+columns+` FROM `+s.items+
			` WHERE account = $1 AND collection = $2 AND deleted_at IS NULL AND id < $3 ORDER BY id DESC LIMIT $4`,
			account, c.Path, below, limit)
	}
	var ids statement
	s.chosen(&ids, account, c.Path, conditions, below, limit)
	return s.query(ctx, q, c, room, `SELECT `+columns+` FROM `+s.items+
		` WHERE account = $1 AND collection = $2 AND id IN (`+ids.text.String()+`) ORDER BY id DESC`, ids.args...)
}

// query reads items while there is room for the next one's data after those
// taken; a nil room takes all.
func (s store) query(ctx context.Context, q querier, c *Collection, room func(taken int, data string) bool,
	query string, args ...any,
) (found []*Item, err error) {
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
		it := Item{collection: c}
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

// number gives new items of one collection their ids, rising in their order. The
// sequence's row stays locked until the commit: that is what makes the events of
// creations come in the order of the ids.
func (s store) number(ctx context.Context, tx *sql.Tx, account string, items []*Item) error {
	var last int64
	err := tx.QueryRowContext(ctx, `INSERT INTO `+s.sequences+` (account, collection, last) VALUES ($1, $2, $3)
		ON CONFLICT (account, collection) DO UPDATE SET last = `+s.sequences+`.last + excluded.last
		RETURNING last`, account, items[0].collection.Path, len(items)).Scan(&last)
	if err != nil {
		return fmt.Errorf("items: next id: %w", err)
	}
	for i, it := range items {
		it.id = last - int64(len(items)-1-i)
	}
	return nil
}

// insert writes a new item.
func (s store) insert(ctx context.Context, tx *sql.Tx, account string, it *Item) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO `+s.items+
		` (account, collection, id, version, data, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		account, it.collection.Path, it.id, it.version, string(it.fields.appendTo(nil)),
		database.Micros(it.createdAt), database.Micros(it.updatedAt))
	if err != nil {
		return fmt.Errorf("items: insert: %w", err)
	}
	return s.reindex(ctx, tx, account, nil, it)
}

// update writes an item's fields, version and time of change.
func (s store) update(ctx context.Context, tx *sql.Tx, account string, before, it *Item) error {
	_, err := tx.ExecContext(ctx, `UPDATE `+s.items+` SET version = $1, data = $2, updated_at = $3
		WHERE account = $4 AND collection = $5 AND id = $6`,
		it.version, string(it.fields.appendTo(nil)), database.Micros(it.updatedAt), account, it.collection.Path, it.id)
	if err != nil {
		return fmt.Errorf("items: update: %w", err)
	}
	return s.reindex(ctx, tx, account, before, it)
}

// remove marks an item as deleted, under its next version, and forgets its data.
func (s store) remove(ctx context.Context, tx *sql.Tx, account string, it *Item, at time.Time) error {
	_, err := tx.ExecContext(ctx, `UPDATE `+s.items+` SET version = $1, data = '', updated_at = $2, deleted_at = $2
		WHERE account = $3 AND collection = $4 AND id = $5`,
		it.version+1, database.Micros(at), account, it.collection.Path, it.id)
	if err != nil {
		return fmt.Errorf("items: delete: %w", err)
	}
	return s.reindex(ctx, tx, account, it, nil)
}
