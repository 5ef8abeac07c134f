package database

import (
	"context"
	"database/sql"
)

// View runs fn in a transaction that only reads, and in which all statements
// see the same state.
func (db *DB) View(ctx context.Context, fn func(*sql.Tx) error) error {
	if j := db.joined(ctx); j != nil {
		return j.note(fn(j.tx))
	}
	opts := &sql.TxOptions{ReadOnly: true}
	if db.Dialect == Postgres {
		// SQLite's transactions see one state by themselves.
		opts.Isolation = sql.LevelRepeatableRead
	}
	tx, err := db.BeginTx(ctx, opts)
	if err != nil {
		return err
	}
	// A rollback ends a transaction that wrote nothing just as well.
	defer func() { _ = tx.Rollback() }()
	return fn(tx)
}
