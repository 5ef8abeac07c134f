package database

import (
	"context"
	"database/sql"
	"errors"
)

// joined is a transaction that a context carries.
type joined struct {
	db   *DB
	tx   *sql.Tx
	conn *sql.Conn
	// broken is why the server broke it off for the sake of another: it has to be
	// repeated as a whole.
	broken error
}

type joinedKey struct{}

// Join runs fn in a transaction that writes, as Tx does, and that the context that fn
// gets carries: whatever is read and written through the DB with it, by QueryContext,
// ExecContext, Tx, View and Write, is part of it. It is committed if fn returns nil,
// else rolled back, and fn's error is returned as it is. fn may run more than once.
// What a Tx within writes is undone if that Tx fails, and the rest goes on. The context
// is for one goroutine at a time. On SQLite no other writer of the process gets its
// turn meanwhile.
func (db *DB) Join(ctx context.Context, fn func(context.Context) error) error {
	return db.repeat(ctx, func() error {
		conn, done, err := db.writing(ctx)
		if err != nil {
			return err
		}
		defer done()
		return transact(ctx, conn, func(tx *sql.Tx) error {
			j := &joined{db: db, tx: tx, conn: conn}
			err := fn(context.WithValue(ctx, joinedKey{}, j))
			if j.broken != nil {
				return j.broken
			}
			return err
		})
	})
}

// joined is the transaction of this DB that a context carries; nil for none.
func (db *DB) joined(ctx context.Context) *joined {
	if j, ok := ctx.Value(joinedKey{}).(*joined); ok && j.db == db {
		return j
	}
	return nil
}

// step runs fn as a part that can fail alone.
func (j *joined) step(ctx context.Context, fn func(*sql.Tx) error) error {
	if _, err := j.tx.ExecContext(ctx, `SAVEPOINT step`); err != nil {
		return j.note(err)
	}
	err := fn(j.tx)
	end := `RELEASE SAVEPOINT step`
	if err != nil {
		end = `ROLLBACK TO SAVEPOINT step`
	}
	if _, failed := j.tx.ExecContext(ctx, end); failed != nil {
		err = errors.Join(err, failed)
	}
	return j.note(err)
}

// note keeps the first error because of which all has to be repeated.
func (j *joined) note(err error) error {
	if j.broken == nil && retriable(err) {
		j.broken = err
	}
	return err
}

// QueryContext is that of sql.DB, within the transaction that ctx carries (see Join).
func (db *DB) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if j := db.joined(ctx); j != nil {
		rows, err := j.tx.QueryContext(ctx, query, args...)
		return rows, j.note(err)
	}
	return db.DB.QueryContext(ctx, query, args...)
}

// QueryRowContext is that of sql.DB, within the transaction that ctx carries.
func (db *DB) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if j := db.joined(ctx); j != nil {
		return j.tx.QueryRowContext(ctx, query, args...)
	}
	return db.DB.QueryRowContext(ctx, query, args...)
}

// ExecContext is that of sql.DB, within the transaction that ctx carries.
func (db *DB) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if j := db.joined(ctx); j != nil {
		result, err := j.tx.ExecContext(ctx, query, args...)
		return result, j.note(err)
	}
	return db.DB.ExecContext(ctx, query, args...)
}
