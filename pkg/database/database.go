// Package database opens the system of record, PostgreSQL or SQLite, behind
// one *sql.DB, and brings its schema up to date. It is the one package that
// knows the drivers; SQL text above it is the same for both:
//
//   - placeholders are $1, $2, … (SQLite's driver binds those by number too);
//   - times are BIGINT, Unix microseconds (Micros, Time), because the two have
//     no time type with one meaning;
//   - booleans are BOOLEAN, lists are JSON text;
//   - what differs all the same asks DB.Dialect, or ForUpdate.
package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Dialect is the kind of SQL; also the name of the folder of its migrations.
type Dialect string

// The dialects.
const (
	Postgres Dialect = "postgres"
	SQLite   Dialect = "sqlite"
)

// ErrURL says that a database URL is of no known form.
var ErrURL = errors.New("STAFFETTA_DATABASE_URL must be postgres://… or sqlite:PATH")

// DB is a pool of connections. Write through Tx: it queues the writers of this
// process on SQLite, and repeats what the server asks to have repeated.
type DB struct {
	*sql.DB
	Dialect Dialect

	// writer is nil on PostgreSQL. SQLite has one writer at a time; those of one
	// process wait here in turn, since its own way of waiting is to sleep and
	// try again, which starves some. What they take in turn is a connection of
	// their own, nil until there is one: SQLite forgets all cached pages of a
	// connection when another one has written.
	writer chan *sql.Conn
}

// Open connects to "postgres://…" (also "postgresql://…") or "sqlite:PATH",
// whose file it creates, and waits for the first answer until ctx ends. An URL
// of another form gives ErrURL. No error shows the URL's password.
func Open(ctx context.Context, url string) (*DB, error) {
	scheme, rest, _ := strings.Cut(url, ":")
	var db *DB
	var err error
	switch scheme {
	case "postgres", "postgresql":
		db, err = openPostgres(url)
	case "sqlite":
		db, err = openSQLite(rest)
	default:
		// Not even the scheme is shown: without a colon it is all of the text.
		return nil, ErrURL
	}
	if err != nil {
		return nil, err
	}
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("database: %w", err), db.Close())
	}
	return db, nil
}

// ForUpdate is the clause that locks the rows of a SELECT inside Tx; SQLite
// needs none, as its transactions exclude one another.
func (db *DB) ForUpdate() string {
	if db.Dialect == Postgres {
		return " FOR UPDATE"
	}
	return ""
}

// Unprepared are the arguments of a query that PostgreSQL plans anew each time, for the
// values that it has: a plan that suits most values may be a thousand times as slow
// for a rare one. On SQLite they are as they were.
func (db *DB) Unprepared(args []any) []any {
	if db.Dialect == Postgres {
		return append([]any{pgx.QueryExecModeCacheDescribe}, args...)
	}
	return args
}

// Micros is a time as it is stored; 0 for the zero time.
func Micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// Time is the inverse of Micros, in UTC.
func Time(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}
