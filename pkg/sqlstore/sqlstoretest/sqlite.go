// Package sqlstoretest gives tests databases.
package sqlstoretest

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/sqlstore"
)

// SQLite opens a new database with all tables, which is closed when the test ends. It
// is a copy of one that is made once: most tests would else spend most of their time on
// that, above all under the race detector.
func SQLite(t testing.TB) *database.DB {
	t.Helper()
	empty, err := template()
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "test.db")
	require.NoError(t, os.WriteFile(path, empty, 0o600))
	db, err := database.Open(t.Context(), "sqlite:"+path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// template is the file of a database with all tables.
var template = sync.OnceValues(func() ([]byte, error) {
	folder, err := os.MkdirTemp("", "sqlstoretest")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "empty.db")
	ctx := context.Background()
	db, err := database.Open(ctx, "sqlite:"+path)
	if err != nil {
		return nil, err
	}
	err = sqlstore.Migrate(ctx, db)
	// Closing writes all into the one file.
	if closed := db.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})
