package upstreamtest

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/upstream"
)

// Site is a domain service without its relay, for the tests of its rules: what it would
// publish stays in its outbox. It acts for the account acme.
type Site struct {
	t       *testing.T
	db      *database.DB
	outbox  string
	handler http.Handler
}

// Open serves the domain service of a name on a database of its own: of the PostgreSQL at
// a URL, or SQLite if that is empty.
func Open(t *testing.T, name, url string, build func(upstream.Config) (*upstream.Service, error),
	migrate func(context.Context, *database.DB) error,
) *Site {
	t.Helper()
	db, err := database.Open(t.Context(), databaseURL(t, url))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	require.NoError(t, migrate(t.Context(), db))
	nowhere, err := bus.Dial(bus.Config{Brokers: []string{"127.0.0.1:1"}}) // nothing is sent
	require.NoError(t, err)
	t.Cleanup(nowhere.Close)
	service, err := build(upstream.Config{Bus: nowhere, DB: db, Authorizer: apiauth.New(apiauth.Config{Keys: keys{}})})
	require.NoError(t, err)
	return &Site{t: t, db: db, outbox: name + "_outbox", handler: service.Handler()}
}

// Answer is what came back.
type Answer struct {
	*httptest.ResponseRecorder
	t *testing.T
}

// Do sends a request; headers are names and values in turn. Requests may overlap.
func (s *Site) Do(method, path, body string, headers ...string) Answer {
	request := httptest.NewRequestWithContext(s.t.Context(), method, path, strings.NewReader(body))
	request.Header.Set("Authorization", "Bearer sk_acme")
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, request)
	return Answer{w, s.t}
}

// Is expects a status and, unless it is empty, that the body has a JSON text in it.
func (a Answer) Is(status int, part string) Answer {
	a.t.Helper()
	require.Equal(a.t, status, a.Code, a.Body)
	require.Contains(a.t, a.Body.String(), part)
	return a
}

// Refused expects 422 with exactly these faults, as "field: rule".
func (a Answer) Refused(faults ...string) {
	a.t.Helper()
	require.Equal(a.t, http.StatusUnprocessableEntity, a.Code, a.Body)
	var p struct {
		Errors []struct{ Field, Rule string }
	}
	a.Into(&p)
	var found []string
	for _, e := range p.Errors {
		found = append(found, e.Field+": "+e.Rule)
	}
	require.Equal(a.t, faults, found)
}

// Into decodes the body.
func (a Answer) Into(v any) {
	a.t.Helper()
	require.NoError(a.t, json.Unmarshal(a.Body.Bytes(), v))
}

// Events empties the outbox, in its order.
func (s *Site) Events() []hook.Event {
	s.t.Helper()
	rows, err := s.db.QueryContext(s.t.Context(), `SELECT value FROM `+s.outbox+` ORDER BY id`)
	require.NoError(s.t, err)
	var all []hook.Event
	for rows.Next() {
		var value []byte
		require.NoError(s.t, rows.Scan(&value))
		e, err := codec.Decode(codec.Input{Value: value})
		require.NoError(s.t, err)
		all = append(all, e)
	}
	require.NoError(s.t, rows.Err())
	require.NoError(s.t, rows.Close())
	_, err = s.db.ExecContext(s.t.Context(), `DELETE FROM `+s.outbox)
	require.NoError(s.t, err)
	return all
}
