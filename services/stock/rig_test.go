package stock_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/stock"
)

// byName lets in whoever names an account as the key: each test has its own.
type byName struct{}

func (byName) Authorize(r *http.Request, scope hook.Scope) (apiauth.Principal, error) {
	account := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if scope == hook.ScopeWrite && strings.HasSuffix(account, "-reader") {
		return apiauth.Principal{}, apiauth.ErrForbidden
	}
	return apiauth.Principal{Account: account}, nil
}

// shop is an account of the service.
type shop struct {
	account string
	handler http.Handler
}

// open serves stock on a database of its own: PostgreSQL if there is one. Its relay
// does not run.
func open(t *testing.T) http.Handler {
	t.Helper()
	url := os.Getenv("STAFFETTA_TEST_DATABASE")
	if url == "" {
		url = "sqlite:" + filepath.Join(t.TempDir(), "test.db")
	} else {
		admin, err := database.Open(t.Context(), url)
		require.NoError(t, err)
		schema := "stock_" + strings.ReplaceAll(uuid.NewString(), "-", "")
		_, err = admin.ExecContext(t.Context(), `CREATE SCHEMA `+schema)
		require.NoError(t, err)
		require.NoError(t, admin.Close())
		separator := "?"
		if strings.Contains(url, "?") {
			separator = "&"
		}
		url += separator + "search_path=" + schema
	}
	db, err := database.Open(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	require.NoError(t, stock.Migrate(t.Context(), db))
	require.NoError(t, stock.Migrate(t.Context(), db), "a second time")
	client, err := bus.Dial(bus.Config{Brokers: []string{"127.0.0.1:1"}})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	service, err := stock.New(stock.Config{Bus: client, DB: db, Authorizer: byName{}})
	require.NoError(t, err)
	return service.Handler()
}

func newShop(t *testing.T) shop {
	t.Helper()
	return shop{"acme", open(t)}
}

func (s shop) do(method, target, body string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(method, target, strings.NewReader(body))
	request.Header.Set("Authorization", "Bearer "+s.account)
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, request)
	return w
}

// tester is a *testing.T or a *rapid.T.
type tester interface {
	require.TestingT
	Helper()
}

// must expects a status.
func (s shop) must(t tester, status int, method, target, body string) string {
	t.Helper()
	w := s.do(method, target, body)
	require.Equal(t, status, w.Code, "%s %s %s: %s", method, target, body, w.Body)
	return strings.TrimSpace(w.Body.String())
}

// refused expects a problem with exactly this fault.
func (s shop) refused(t tester, status int, method, target, body, field, value, rule string) {
	t.Helper()
	var p struct {
		Errors []struct{ Field, Value, Rule string }
	}
	require.NoError(t, json.Unmarshal([]byte(s.must(t, status, method, target, body)), &p))
	require.Len(t, p.Errors, 1)
	require.Equal(t, []string{field, value}, []string{p.Errors[0].Field, p.Errors[0].Value})
	require.Contains(t, p.Errors[0].Rule, rule)
}

// levels are those of the shop as "equipment/store": quantity, read in pages of two.
func (s shop) levels(t tester) map[string]string {
	t.Helper()
	found := make(map[string]string)
	for cursor := ""; ; {
		var page struct {
			Items []struct {
				Ref      string
				Store    *string
				Quantity json.Number
			}
			Next *string
		}
		require.NoError(t, json.Unmarshal([]byte(s.must(t, http.StatusOK, "GET", "/stock-levels?limit=2&cursor="+cursor, "")), &page))
		for _, l := range page.Items {
			store := "-"
			if l.Store != nil {
				store = *l.Store
			}
			at := strings.TrimPrefix(l.Ref, "/equipment/") + "/" + store
			require.NotContains(t, found, at, "once")
			found[at] = l.Quantity.String()
		}
		if page.Next == nil {
			return found
		}
		cursor = *page.Next
	}
}
