package database

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"

	"github.com/pressly/goose/v3"
)

// migrateTries bounds how often Migrate begins anew on SQLite after another
// process was quicker.
const migrateTries = 10

// Migrate brings a schema to its newest version. migrations has one folder of
// goose's SQL files for each dialect; table keeps the version that was reached,
// one table for each set of migrations. Several processes may do it at once,
// and a second time it does nothing.
func Migrate(ctx context.Context, db *DB, migrations fs.FS, table string) error {
	provider, err := newProvider(db, migrations, table)
	if err != nil {
		return err
	}
	if db.Dialect == Postgres {
		unlock, err := lockMigrations(ctx, db, table)
		if err != nil {
			return err
		}
		defer unlock()
		return up(ctx, provider, table)
	}
	// SQLite has no lock that outlives a transaction, and goose makes one for
	// each migration: the slower process finds the table there already, begins
	// anew and skips it. As long as the version moves, that is what happened.
	reached := int64(-1)
	for range migrateTries {
		if err = up(ctx, provider, table); err == nil || ctx.Err() != nil {
			return err
		}
		version, versionErr := provider.GetDBVersion(ctx)
		if versionErr == nil && version == reached {
			return err
		}
		reached = version
	}
	return err
}

// Pending reports whether Migrate would do something: a service then refuses
// to start and names `staffetta migrate`.
func (db *DB) Pending(ctx context.Context, migrations fs.FS, table string) (bool, error) {
	provider, err := newProvider(db, migrations, table)
	if err != nil {
		return false, err
	}
	pending, err := provider.HasPending(ctx)
	if err != nil {
		return false, fmt.Errorf("version of the schema %s: %w", table, err)
	}
	return pending, nil
}

func newProvider(db *DB, migrations fs.FS, table string) (*goose.Provider, error) {
	folder, err := fs.Sub(migrations, string(db.Dialect))
	if err != nil {
		return nil, fmt.Errorf("migrations %s of %s: %w", table, db.Dialect, err)
	}
	dialect := goose.DialectPostgres
	if db.Dialect == SQLite {
		dialect = goose.DialectSQLite3
	}
	provider, err := goose.NewProvider(dialect, db.DB, folder,
		goose.WithTableName(table),
		// Go migrations that something else registered are none of ours.
		goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return nil, fmt.Errorf("migrations %s of %s: %w", table, db.Dialect, err)
	}
	return provider, nil
}

func up(ctx context.Context, provider *goose.Provider, table string) error {
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrating %s: %w", table, err)
	}
	return nil
}

// lockMigrations takes an advisory lock of PostgreSQL on a connection of its
// own, waiting while another process has it; should this process die, the
// server lets go of it.
func lockMigrations(ctx context.Context, db *DB, table string) (unlock func(), err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("lock for migrating %s: %w", table, err)
	}
	key := lockKey(table)
	if _, err := conn.ExecContext(ctx, `SELECT pg_advisory_lock($1)`, key); err != nil {
		return nil, errors.Join(fmt.Errorf("lock for migrating %s: %w", table, err), conn.Close())
	}
	return func() {
		// Also when ctx has ended. If the server does not hear of it, the
		// connection is broken and the lock gone with it.
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, key)
		_ = conn.Close()
	}, nil
}

func lockKey(table string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte("staffetta migrate " + table))
	return int64(h.Sum64())
}
