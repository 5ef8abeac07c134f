// Package sqlstore keeps the system of record in PostgreSQL or SQLite: it is
// hook.Accounts, hook.Keys, hook.Webhooks, hook.Publications, hook.Log,
// hook.Recorder, hook.Usages, hook.Streaks, hook.Notifications, hook.ItemSchemas,
// hook.Replays, hook.Replayer, hook.Redriver, hook.NoticeQueue, hook.Members,
// hook.Sessions, hook.Mails, hook.Audits, hook.Stores, hook.Quarantine, hook.Register
// and hook.Eraser on a database.DB. Its tables belong to api and recorder; other services in the same
// database have their own.
package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"time"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

//go:embed migrations
var migrations embed.FS

// Versions is the table in which the schema's version is kept.
const Versions = "hook_versions"

// Migrations are the goose migrations, one folder per dialect.
func Migrations() (fs.FS, error) {
	folders, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("sqlstore: migrations: %w", err)
	}
	return folders, nil
}

// Migrate brings the tables up to date; a second time it does nothing.
func Migrate(ctx context.Context, db *database.DB) error {
	files, err := Migrations()
	if err != nil {
		return err
	}
	return database.Migrate(ctx, db, files, Versions)
}

// Pending reports whether Migrate has something to do.
func Pending(ctx context.Context, db *database.DB) (bool, error) {
	files, err := Migrations()
	if err != nil {
		return false, err
	}
	return db.Pending(ctx, files, Versions)
}

// Store is safe for concurrent use, by several processes too.
type Store struct {
	db  *database.DB
	now func() time.Time
	// rule is that of accounts without one of their own.
	rule hook.StreakRule
	// mails says that notifications are mailed.
	mails bool
	days  days
}

var (
	_ hook.Accounts     = (*Store)(nil)
	_ hook.Keys         = (*Store)(nil)
	_ hook.Webhooks     = (*Store)(nil)
	_ hook.Publications = (*Store)(nil)
	_ hook.Log          = (*Store)(nil)
	_ hook.Recorder     = (*Store)(nil)
	_ hook.Usages       = (*Store)(nil)
	_ hook.Streaks      = (*Store)(nil)

	_ hook.Notifications = (*Store)(nil)

	_ hook.Replays     = (*Store)(nil)
	_ hook.Replayer    = (*Store)(nil)
	_ hook.ItemSchemas = (*Store)(nil)
	_ hook.Members     = (*Store)(nil)
	_ hook.Sessions    = (*Store)(nil)
	_ hook.Audits      = (*Store)(nil)
	_ hook.Stores      = (*Store)(nil)
	_ hook.Quarantine  = (*Store)(nil)
	_ hook.Register    = (*Store)(nil)
	_ hook.Answers     = (*Store)(nil)
	_ hook.Mails       = (*Store)(nil)
	_ hook.Eraser      = (*Store)(nil)
)

// New makes a store on a migrated database, which stays the caller's to close.
// now is the clock; nil means time.Now. Failures in a row lead to what
// hook.DefaultStreakRule says; see WithStreakRule.
func New(db *database.DB, now func() time.Time) *Store {
	if now == nil {
		now = time.Now
	}
	return &Store{db: db, now: now, rule: hook.DefaultStreakRule()}
}

// WithStreakRule is the store with another rule for accounts that have none of their
// own.
func (s *Store) WithStreakRule(rule hook.StreakRule) *Store {
	return &Store{db: s.db, now: s.now, rule: rule, mails: s.mails}
}

// stamp is the time as it is stored.
func (s *Store) stamp() int64 { return database.Micros(s.now()) }

// queries is what *sql.DB and *sql.Tx have in common.
type queries interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// collect reads all rows with scan, which gets each row's Scan.
func collect[T any](ctx context.Context, q queries, scan func(func(...any) error) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // its error is rows.Err's
	var all []T
	for rows.Next() {
		one, err := scan(rows.Scan)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}
