package database

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

const (
	// txTries bounds how often Tx repeats a transaction that the server broke
	// off for the sake of another.
	txTries = 5
	// txPause is the wait before the second try; it doubles (10 … 80 ms).
	txPause = 10 * time.Millisecond
)

// Tx runs fn in a transaction that writes: committed if fn returns nil, else
// rolled back, and fn's error is returned as it is. Where the server breaks it
// off for the sake of another (serialization failure, deadlock, SQLite's lock)
// fn runs again, at most 5 times in all, so it must leave nothing behind but
// its last result. On SQLite fn must not use the DB itself to write: it would
// wait for its own lock.
func (db *DB) Tx(ctx context.Context, fn func(*sql.Tx) error) error {
	if j := db.joined(ctx); j != nil {
		return j.step(ctx, fn)
	}
	return db.repeat(ctx, func() error { return db.tryTx(ctx, fn) })
}

func (db *DB) repeat(ctx context.Context, transact func() error) error {
	pause := txPause
	for try := 1; ; try++ {
		err := transact()
		if err == nil || try == txTries || !retriable(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		case <-time.After(pause):
			pause *= 2
		}
	}
}

// beginner is what *sql.DB and *sql.Conn have in common.
type beginner interface {
	BeginTx(ctx context.Context, opts *sql.TxOptions) (*sql.Tx, error)
}

func (db *DB) tryTx(ctx context.Context, fn func(*sql.Tx) error) error {
	if db.writer == nil {
		return transact(ctx, db, fn)
	}
	conn, done, err := db.writing(ctx)
	if err != nil {
		return err
	}
	defer done()
	return transact(ctx, conn, fn)
}

func transact(ctx context.Context, on beginner, fn func(*sql.Tx) error) error {
	tx, err := on.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	// Also when fn panics; after Commit it does nothing.
	defer func() { _ = tx.Rollback() }()
	if err := fn(tx); err != nil {
		return err
	}
	return tx.Commit()
}

func retriable(err error) bool {
	code := postgresCode(err)
	return code == serializationFailure || code == deadlockDetected || sqliteBusy(sqliteCode(err))
}

// IsUnpartitioned reports whether a row has a value for which PostgreSQL's table has
// no partition.
func IsUnpartitioned(err error) bool { return postgresCode(err) == checkViolation }

// IsUnique reports whether a statement failed because a row with the same key
// is there already.
func IsUnique(err error) bool {
	return postgresCode(err) == uniqueViolation || sqliteUnique(sqliteCode(err))
}
