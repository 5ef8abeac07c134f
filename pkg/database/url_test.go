package database_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/database"
)

func TestNoErrorShowsThePassword(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"postgres://u:s3cret@127.0.0.1:1/db?connect_timeout=2", // nobody listens there
		"postgres://u:s3cret@127.0.0.1:port/db",
		"postgres://u:s3cret%zz@127.0.0.1/db",
		"postgres://u:s3cret@127.0.0.1/db?sslmode=perhaps",
		"postgres://u:s3cret @host",
		"mysql://u:s3cret@127.0.0.1/db",
		"s3cret",
		"",
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		_, err := database.Open(ctx, text)
		cancel()
		require.Error(t, err, text)
		require.NotContains(t, err.Error(), "s3cret")
	}
}

func TestAnUnknownURLNamesTheRule(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "sqlite:", "mysql://x", "postgres://h:port/db", "/var/lib/x.db"} {
		_, err := database.Open(t.Context(), text)
		require.ErrorIs(t, err, database.ErrURL, text)
		require.ErrorContains(t, err, "STAFFETTA_DATABASE_URL must be postgres://… or sqlite:PATH")
	}
}

func TestAFileThatCannotBeOpenedIsAnError(t *testing.T) {
	t.Parallel()
	_, err := database.Open(t.Context(), "sqlite:"+t.TempDir()+"/missing/folder/x.db")
	require.Error(t, err)
}

var schemas atomic.Int64

// emptySchema makes a schema of its own and returns the URL that uses it.
func emptySchema(t *testing.T, text string) string {
	t.Helper()
	admin := open(t, text)
	name := fmt.Sprintf("test_%d_%d", time.Now().UnixNano(), schemas.Add(1))
	exec(t, admin.DB, `CREATE SCHEMA `+name)
	t.Cleanup(func() { exec(t, admin.DB, `DROP SCHEMA `+name+` CASCADE`) })
	u, err := url.Parse(text)
	require.NoError(t, err)
	query := u.Query()
	query.Set("search_path", name)
	u.RawQuery = query.Encode()
	return u.String()
}

// exec works in clean-ups too, when the test's context has ended.
func exec(t *testing.T, db *sql.DB, statement string) {
	t.Helper()
	_, err := db.ExecContext(context.WithoutCancel(t.Context()), statement)
	require.NoError(t, err)
}
