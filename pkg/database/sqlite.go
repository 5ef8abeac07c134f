package database

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// sqliteConns bounds the connections of one process: one writes at a time, the
// rest read beside it (WAL).
const sqliteConns = 8

// sqliteSettings hold for every connection:
//
//   - WAL: readers and the writer do not wait for one another;
//   - busy_timeout: processes that share the file wait 10 s for each other;
//   - synchronous FULL: a commit survives a loss of power, not only a kill of
//     the process (as NORMAL would have it); one fsync, 1–2 ms on an SSD, for
//     each commit, of which the recorder makes at most some tens a second;
//   - txlock immediate: a transaction takes the write lock at its start, where
//     waiting helps, instead of failing at its first write.
var sqliteSettings = url.Values{
	"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)"},
	"_txlock": {"immediate"},
	"_dqs":    {"0"},
}

func openSQLite(path string) (*DB, error) {
	if path == "" {
		return nil, fmt.Errorf("%w, and PATH must not be empty", ErrURL)
	}
	if errKey64 != nil {
		return nil, fmt.Errorf("registering key64: %w", errKey64)
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("database file %q: %w", path, err)
	}
	file := url.URL{Scheme: "file", Path: absolute, RawQuery: sqliteSettings.Encode()}
	pool, err := sql.Open("sqlite", file.String())
	if err != nil {
		return nil, fmt.Errorf("database file %q: %w", path, err)
	}
	pool.SetMaxOpenConns(sqliteConns)
	pool.SetMaxIdleConns(sqliteConns)
	db := &DB{DB: pool, Dialect: SQLite, writer: make(chan *sql.Conn, 1)}
	db.writer <- nil
	return db, nil
}

func sqliteCode(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return sqlite3.SQLITE_OK
}

func sqliteUnique(code int) bool {
	return code == sqlite3.SQLITE_CONSTRAINT_UNIQUE || code == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
}

// sqliteBusy reports whether another process had the lock for longer than the
// busy timeout; the low byte is the primary code.
func sqliteBusy(code int) bool {
	return code&0xff == sqlite3.SQLITE_BUSY || code&0xff == sqlite3.SQLITE_LOCKED
}
