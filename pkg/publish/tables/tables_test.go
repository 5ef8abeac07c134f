package tables_test

import (
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/publish/tables"
)

func TestEveryPlaceholderIsReplaced(t *testing.T) {
	t.Parallel()
	fsys := tables.Prefixed(fstest.MapFS{
		"sqlite/1.sql": {Data: []byte("CREATE TABLE {{prefix}}_a; CREATE INDEX {{prefix}}_b ON {{prefix}}_a;")},
	}, "stock")
	text, err := fs.ReadFile(fsys, "sqlite/1.sql")
	require.NoError(t, err)
	require.Equal(t, "CREATE TABLE stock_a; CREATE INDEX stock_b ON stock_a;", string(text))

	info, err := fs.Stat(fsys, "sqlite/1.sql")
	require.NoError(t, err)
	require.EqualValues(t, len(text), info.Size())

	found, err := fs.Glob(fsys, "sqlite/*.sql")
	require.NoError(t, err)
	require.Equal(t, []string{"sqlite/1.sql"}, found)

	_, err = fs.ReadFile(fsys, "sqlite/2.sql")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestOnlyNamesOfTablesArePrefixes(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"a", "receipts", "till_2", "abcdefghijklmnopqrstuvwxyz0123"} {
		require.NoError(t, tables.CheckPrefix(good))
	}
	for _, bad := range []string{"", "2a", "_a", "A", "a-b", "a;DROP TABLE x", "abcdefghijklmnopqrstuvwxyz01234"} {
		require.ErrorIs(t, tables.CheckPrefix(bad), tables.ErrPrefix)
	}
}
