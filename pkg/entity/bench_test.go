package entity_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// BenchmarkFilteredList pages through one in a thousand, one in two and all of many items,
// and through the days of a month among three years. STAFFETTA_TEST_DATABASE as in the tests.
func BenchmarkFilteredList(b *testing.B) {
	const items = 200_000
	url := os.Getenv("STAFFETTA_TEST_DATABASE")
	if url == "" {
		url = "sqlite:" + filepath.Join(b.TempDir(), "bench.db")
	}
	domain := tables
	domain.Prefix = "b" + uuid.NewString()[:8]
	r := newRigOf(b, url, domain)
	r.do("POST", "/rooms", `{"seats": 1}`)
	text := `WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < %d) `
	insert := func(query string, args ...any) {
		_, err := r.db.ExecContext(b.Context(), fmt.Sprintf(text, items)+fmt.Sprintf(query, r.prefix), args...)
		require.NoError(b, err)
	}
	now := time.Now().UnixMicro()
	insert(`INSERT INTO %s_items (account, collection, id, version, data, created_at, updated_at)
		SELECT 'acme', 'bookings', id, 1, '{"seats":1,"room":1}', $1, $1 FROM n`, now)
	insert(`INSERT INTO %s_terms (account, collection, field, value, id)
		SELECT 'acme', 'bookings', 'room', CAST(id %% 1000 AS TEXT), id FROM n`)
	insert(`INSERT INTO %s_terms (account, collection, field, value, id)
		SELECT 'acme', 'bookings', 'store', CAST(id %% 2 AS TEXT), id FROM n`)
	day := `(2024 + id * 3 / %d) || '-' || substr('0' || (1 + id * 36 / %d %%%% 12), -2) || '-15'`
	if r.db.Dialect == "postgres" {
		day = `(2024 + id * 3 / %d) || '-' || lpad((1 + id * 36 / %d %%%% 12)::text, 2, '0') || '-15'`
	}
	insert(`INSERT INTO %s_terms (account, collection, field, value, id) SELECT 'acme', 'bookings', 'day', ` +
		fmt.Sprintf(day, items+1, items+1) + `, id FROM n`)
	_, err := r.db.ExecContext(b.Context(), "ANALYZE")
	require.NoError(b, err)
	for _, query := range []string{"", "room=7", "store=1", "room=7&store=1", "room=7&store=0", "dayFrom=2024-02-01&dayTo=2024-03-01", "dayFrom=2024-02-01", "store=1&dayFrom=2024-02-01&dayTo=2024-03-01"} {
		b.Run(query, func(b *testing.B) {
			for b.Loop() {
				require.Equal(b, http.StatusOK, r.do("GET", "/bookings?"+query, "").Code)
			}
		})
	}
}
