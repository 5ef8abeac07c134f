package database_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/database"
)

var errEnough = errors.New("enough")

// counters is a database with the table of that name.
func counters(t *testing.T, open func() *database.DB) *database.DB {
	t.Helper()
	db := open()
	require.NoError(t, database.Migrate(t.Context(), db, migrations, versions))
	return db
}

func add(ctx context.Context, db *database.DB, name string) error {
	return db.Tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO counters (name, n) VALUES ($1, 1)`, name)
		return err
	})
}

func count(ctx context.Context, t *testing.T, db *database.DB) (n int) {
	t.Helper()
	require.NoError(t, db.QueryRowContext(ctx, `SELECT count(*) FROM counters`).Scan(&n))
	return n
}

func TestAJoinedTransactionHoldsAllThatIsDoneWithItsContext(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, open func() *database.DB) {
		db := counters(t, open)
		ctx := t.Context()
		write := func(ctx context.Context) {
			require.NoError(t, add(ctx, db, "a"))
			require.NoError(t, db.Write(ctx, func(w *database.Writer) error {
				return w.Insert(ctx, "counters", []string{"name", "n"}, [][]any{{"b", int64(1)}, {"c", int64(1)}})
			}))
			_, err := db.ExecContext(ctx, `UPDATE counters SET n = n + 1`)
			require.NoError(t, err)
			require.Equal(t, 3, count(ctx, t, db), "it sees itself")
			require.NoError(t, db.View(ctx, func(tx *sql.Tx) error {
				var n int
				err := tx.QueryRowContext(ctx, `SELECT sum(n) FROM counters`).Scan(&n)
				require.Equal(t, 6, n)
				return err
			}))
			require.Zero(t, count(t.Context(), t, db), "nobody else does")
		}
		require.ErrorIs(t, db.Join(ctx, func(ctx context.Context) error {
			write(ctx)
			return errEnough
		}), errEnough)
		require.Zero(t, count(ctx, t, db), "nothing is left")

		require.NoError(t, db.Join(ctx, func(ctx context.Context) error {
			write(ctx)
			return nil
		}))
		require.Equal(t, 3, count(ctx, t, db))
	})
}

func TestAPartOfAJoinedTransactionFailsAlone(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, open func() *database.DB) {
		db := counters(t, open)
		require.NoError(t, db.Join(t.Context(), func(ctx context.Context) error {
			require.NoError(t, add(ctx, db, "a"))
			require.True(t, database.IsUnique(add(ctx, db, "a")))
			require.ErrorIs(t, db.Tx(ctx, func(tx *sql.Tx) error {
				_, err := tx.ExecContext(ctx, `INSERT INTO counters (name, n) VALUES ('b', 1)`)
				require.NoError(t, err)
				return errEnough
			}), errEnough)
			return add(ctx, db, "c")
		}))
		require.Equal(t, 2, count(t.Context(), t, db), "a and c")
	})
}

func TestAJoinedTransactionIsOfOneDatabase(t *testing.T) {
	t.Parallel()
	one, other := open(t, "sqlite:"+t.TempDir()+"/one.db"), open(t, "sqlite:"+t.TempDir()+"/other.db")
	require.NoError(t, database.Migrate(t.Context(), one, migrations, versions))
	require.NoError(t, database.Migrate(t.Context(), other, migrations, versions))
	require.ErrorIs(t, one.Join(t.Context(), func(ctx context.Context) error {
		require.NoError(t, add(ctx, one, "a"))
		require.NoError(t, add(ctx, other, "a"))
		return errEnough
	}), errEnough)
	require.Zero(t, count(t.Context(), t, one))
	require.Equal(t, 1, count(t.Context(), t, other))
}
