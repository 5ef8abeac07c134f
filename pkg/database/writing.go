package database

import (
	"context"
	"database/sql"
	"fmt"
)

// writerSettings are those of SQLite's writing connection. The cache, 32 MiB,
// holds the parts of the log's indexes that a transaction touches while they
// have a few million rows; with the default of 2 MiB a row costs half as much
// again. A checkpoint only every 8,000 pages, 32 MiB, writes a page that each of
// some transactions changed once: a tenth of the whole cost.
const writerSettings = `PRAGMA cache_size(-32768); PRAGMA wal_autocheckpoint(8000)`

// writing gives the connection to write on; call done when the transaction has
// ended. On SQLite it is everybody's, in turn.
func (db *DB) writing(ctx context.Context) (conn *sql.Conn, done func(), err error) {
	if db.writer == nil {
		if conn, err = db.Conn(ctx); err != nil {
			return nil, nil, err
		}
		return conn, func() { _ = conn.Close() }, nil // back to the pool
	}
	select {
	case <-ctx.Done():
		return nil, nil, context.Cause(ctx)
	case conn = <-db.writer:
	}
	if conn == nil {
		if conn, err = db.newWriter(ctx); err != nil {
			db.writer <- nil
			return nil, nil, err
		}
	}
	return conn, func() {
		if ctx.Err() != nil {
			// database/sql ends the transaction on its own then, perhaps later
			// than now: the next one shall not meet it.
			_ = conn.Close()
			conn = nil
		}
		db.writer <- conn
	}, nil
}

func (db *DB) newWriter(ctx context.Context) (*sql.Conn, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := conn.ExecContext(ctx, writerSettings); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("preparing the connection to write on: %w", err)
	}
	return conn, nil
}

// Close closes all connections, once the transaction that writes has ended.
func (db *DB) Close() error {
	if db.writer != nil {
		if conn := <-db.writer; conn != nil {
			_ = conn.Close() // back to the pool, which reports its faults
		}
		db.writer <- nil
	}
	return db.DB.Close()
}
