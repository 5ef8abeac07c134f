package database_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/database"
)

var migrations = fstest.MapFS{
	"sqlite/00001_first.sql":    {Data: []byte("-- +goose Up\nCREATE TABLE counters (name TEXT PRIMARY KEY, n BIGINT NOT NULL);\n")},
	"sqlite/00002_second.sql":   {Data: []byte("-- +goose Up\nALTER TABLE counters ADD COLUMN note TEXT;\n")},
	"postgres/00001_first.sql":  {Data: []byte("-- +goose Up\nCREATE TABLE counters (name TEXT PRIMARY KEY, n BIGINT NOT NULL);\n")},
	"postgres/00002_second.sql": {Data: []byte("-- +goose Up\nALTER TABLE counters ADD COLUMN note TEXT;\n")},
}

const versions = "counters_version"

// eachDatabase runs a test on the database that there is: PostgreSQL if
// STAFFETTA_TEST_DATABASE names one, else SQLite. CI runs all on both. open gives a new
// pool on the same empty database each time.
func eachDatabase(t *testing.T, test func(t *testing.T, open func() *database.DB)) {
	t.Helper()
	url := os.Getenv("STAFFETTA_TEST_DATABASE")
	if url == "" {
		url = "sqlite:" + filepath.Join(t.TempDir(), "with space & ?#%.db")
	} else {
		url = emptySchema(t, url)
	}
	test(t, func() *database.DB { return open(t, url) })
}

func open(t *testing.T, url string) *database.DB {
	t.Helper()
	db, err := database.Open(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func TestMigrationsRunOnceHoweverManyProcessesStartThem(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, open func() *database.DB) {
		first := open()
		pending, err := first.Pending(t.Context(), migrations, versions)
		require.NoError(t, err)
		require.True(t, pending)

		errs := make(chan error)
		const processes = 4
		for range processes {
			db := open()
			go func() { errs <- database.Migrate(t.Context(), db, migrations, versions) }()
		}
		for range processes {
			require.NoError(t, <-errs)
		}
		pending, err = first.Pending(t.Context(), migrations, versions)
		require.NoError(t, err)
		require.False(t, pending)
		_, err = first.ExecContext(t.Context(), `INSERT INTO counters (name, n, note) VALUES ('a', 1, 'x')`)
		require.NoError(t, err)
	})
}

func TestABrokenMigrationIsNamed(t *testing.T) {
	t.Parallel()
	broken := fstest.MapFS{
		"sqlite/00001_bad.sql":   {Data: []byte("-- +goose Up\nCREATE TABEL x (y INT);\n")},
		"postgres/00001_bad.sql": {Data: []byte("-- +goose Up\nCREATE TABEL x (y INT);\n")},
	}
	eachDatabase(t, func(t *testing.T, open func() *database.DB) {
		require.ErrorContains(t, database.Migrate(t.Context(), open(), broken, versions), "migrating "+versions)
	})
}

func TestWritersOfManyProcessesLoseNoUpdate(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, open func() *database.DB) {
		db := open()
		require.NoError(t, database.Migrate(t.Context(), db, migrations, versions))
		_, err := db.ExecContext(t.Context(), `INSERT INTO counters (name, n) VALUES ('a', 0)`)
		require.NoError(t, err)

		const processes, writers, times = 2, 3, 10
		var wg sync.WaitGroup
		errs := make(chan error, processes*writers*times)
		for range processes {
			db := open()
			for range writers {
				wg.Go(func() {
					for range times {
						errs <- db.Tx(t.Context(), func(tx *sql.Tx) error {
							var n int64
							row := tx.QueryRowContext(t.Context(), `SELECT n FROM counters WHERE name = $1`+db.ForUpdate(), "a")
							if err := row.Scan(&n); err != nil {
								return err
							}
							_, err := tx.ExecContext(t.Context(), `UPDATE counters SET n = $2 WHERE name = $1`, "a", n+1)
							return err
						})
					}
				})
			}
		}
		wg.Wait()
		close(errs)
		for err := range errs {
			require.NoError(t, err)
		}
		var n int
		require.NoError(t, db.QueryRowContext(t.Context(), `SELECT n FROM counters WHERE name = 'a'`).Scan(&n))
		require.Equal(t, processes*writers*times, n)
	})
}

func TestAFailedTransactionLeavesNothing(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, open func() *database.DB) {
		db := open()
		require.NoError(t, database.Migrate(t.Context(), db, migrations, versions))
		own := errors.New("own")
		insert := func(tx *sql.Tx) error {
			_, err := tx.ExecContext(t.Context(), `INSERT INTO counters (name, n) VALUES ('a', 1)`)
			return err
		}
		err := db.Tx(t.Context(), func(tx *sql.Tx) error { return errors.Join(insert(tx), own) })
		require.ErrorIs(t, err, own)
		require.False(t, database.IsUnique(err))
		require.NoError(t, db.Tx(t.Context(), insert), "the row of the failed one is not there")
		require.True(t, database.IsUnique(db.Tx(t.Context(), insert)), "and now it is")
	})
}

func TestAWriterThatWaitsHearsItsContext(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, open func() *database.DB) {
		db := open()
		require.NoError(t, database.Migrate(t.Context(), db, migrations, versions))
		_, err := db.ExecContext(t.Context(), `INSERT INTO counters (name, n) VALUES ('a', 0)`)
		require.NoError(t, err)
		update := func(ctx context.Context) func(*sql.Tx) error {
			return func(tx *sql.Tx) error {
				_, err := tx.ExecContext(ctx, `UPDATE counters SET n = n + 1 WHERE name = 'a'`)
				return err
			}
		}
		require.NoError(t, db.Tx(t.Context(), func(tx *sql.Tx) error {
			if err := update(t.Context())(tx); err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			require.Error(t, db.Tx(ctx, update(ctx)), "the row is locked by the outer transaction")
			return nil
		}))
	})
}

func TestTimesAreKeptToTheMicrosecond(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 678_901_000, time.UTC)
	require.Equal(t, at, database.Time(database.Micros(at)))
	require.Zero(t, database.Micros(time.Time{}))
	require.True(t, database.Time(0).IsZero())
}
