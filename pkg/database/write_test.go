package database_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/database"
)

var wide = fstest.MapFS{
	"sqlite/00001_wide.sql":   {Data: []byte("-- +goose Up\nCREATE TABLE things (id BIGINT PRIMARY KEY, name TEXT, data BLOB, key BIGINT);\n")},
	"postgres/00001_wide.sql": {Data: []byte("-- +goose Up\nCREATE TABLE things (id BIGINT PRIMARY KEY, name TEXT, data BYTEA, key BIGINT);\n")},
}

func things(from, to int) [][]any {
	var rows [][]any
	for n := from; n < to; n++ {
		rows = append(rows, []any{int64(n), fmt.Sprint("é", n), []byte{0, byte(n)}, nil})
	}
	return rows
}

func TestManyRowsAreWrittenInOneTransaction(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, open func() *database.DB) {
		db := open()
		require.NoError(t, database.Migrate(t.Context(), db, wide, versions))
		write := func(ctx context.Context, rows [][]any, end error) error {
			return db.Write(ctx, func(w *database.Writer) error {
				return errors.Join(w.Insert(ctx, "things", []string{"id", "name", "data", "key"}, rows), end)
			})
		}
		count := func() (n int) {
			require.NoError(t, db.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM things`).Scan(&n))
			return n
		}
		require.NoError(t, write(t.Context(), things(0, 123), nil)) // some full statements and a rest
		require.NoError(t, write(t.Context(), nil, nil))
		require.Equal(t, 123, count())
		var name string
		var data []byte
		var key *int64
		require.NoError(t, db.QueryRowContext(t.Context(), `SELECT name, data, key FROM things WHERE id = 122`).Scan(&name, &data, &key))
		require.Equal(t, "é122", name)
		require.Equal(t, []byte{0, 122}, data)
		require.Nil(t, key)

		own := errors.New("own")
		require.ErrorIs(t, write(t.Context(), things(200, 300), own), own)
		err := write(t.Context(), append(things(300, 400), things(7, 8)...), nil)
		require.True(t, database.IsUnique(err), "%v", err)
		require.Equal(t, 123, count(), "nothing of what failed")

		ctx, cancel := context.WithCancel(t.Context())
		require.Error(t, db.Write(ctx, func(w *database.Writer) error {
			cancel()
			return w.Insert(ctx, "things", []string{"id"}, [][]any{{int64(500)}})
		}))
		require.NoError(t, write(t.Context(), things(500, 501), nil), "another one follows it")
		require.Equal(t, 124, count())
	})
}

func TestSQLComputesTheSameKeys(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, open func() *database.DB) {
		db := open()
		key := `key64($1)`
		if db.Dialect == database.Postgres {
			key = `('x' || left(encode(sha256(convert_to($1, 'UTF8')), 'hex'), 16))::bit(64)::bigint`
		}
		for _, text := range []string{"", "dlv_1", "acme/é"} {
			var got int64
			require.NoError(t, db.QueryRowContext(t.Context(), `SELECT `+key, text).Scan(&got))
			require.Equal(t, database.Key(text), got)
		}
	})
}
