package entity_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/entity"
	"github.com/staffetta/staffetta/pkg/hook"
)

// The service under test: companies, and people who belong to them.
var collections = []entity.Collection{
	{
		Path: "companies", ItemType: "Company",
		Fields: []entity.Field{
			{Name: "name", Required: true, Rule: entity.Text(1, 20)},
			{Name: "email", Rule: entity.Email()},
			{Name: "size", Rule: entity.OneOf("small", "large")},
			{Name: "founded", Rule: entity.Date()},
			{Name: "seats", Rule: entity.Integer(0, 100)},
			{Name: "active", Rule: entity.Boolean()},
			{Name: "lines", Rule: entity.List(2, entity.Object(entity.Field{Name: "price", Required: true, Rule: entity.Unsigned(9, 2)}))},
		},
	},
	{
		Path: "contact-persons", ItemType: "ContactPerson",
		Fields: []entity.Field{{Name: "name", Required: true, Rule: entity.Text(1, 20)}},
		Parent: &entity.Parent{Field: "company", Collection: "companies"},
	},
}

// keys of the accounts: sk_<account>_<scopes>.
type keys map[[32]byte]hook.Key

func (k keys) KeyByHash(_ context.Context, hash [32]byte) (hook.Key, error) {
	if key, ok := k[hash]; ok {
		return key, nil
	}
	return hook.Key{}, hook.ErrNotFound
}

func (k keys) add(text, account string, scopes ...hook.Scope) {
	hash := sha256.Sum256([]byte(text))
	k[hash] = hook.Key{Account: account, Scopes: scopes, Hash: hash}
}

// rig is a service on a database of its own.
type rig struct {
	t       testing.TB
	db      *database.DB
	prefix  string
	handler http.Handler
}

// backends runs a test on the database that there is: PostgreSQL if
// STAFFETTA_TEST_DATABASE names one, else SQLite. CI runs all on both. A prefix of its
// own keeps tests apart on one database.
func backends(t *testing.T, test func(t *testing.T, r *rig)) {
	t.Helper()
	backendsOf(t, entity.Domain{Collections: collections}, test)
}

// backendsOf is backends with another service under test.
func backendsOf(t *testing.T, domain entity.Domain, test func(t *testing.T, r *rig)) {
	t.Helper()
	t.Parallel()
	url, prefix := os.Getenv("STAFFETTA_TEST_DATABASE"), "t"+strings.ReplaceAll(uuid.NewString(), "-", "")[:20]
	if url == "" {
		url = "sqlite:" + filepath.Join(t.TempDir(), "test.db")
	}
	domain.Prefix = prefix
	test(t, newRigOf(t, url, domain))
}

func newRig(t *testing.T, url, prefix string) *rig {
	t.Helper()
	return newRigOf(t, url, entity.Domain{Prefix: prefix, Collections: collections})
}

func newRigOf(t testing.TB, url string, domain entity.Domain) *rig {
	t.Helper()
	db, err := database.Open(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	require.ErrorIs(t, domain.CheckMigrated(t.Context(), db), entity.ErrUnmigrated)
	require.NoError(t, domain.Migrate(t.Context(), db))
	require.NoError(t, domain.Migrate(t.Context(), db), "a second time")
	require.NoError(t, domain.CheckMigrated(t.Context(), db))
	return &rig{t: t, db: db, prefix: domain.Prefix, handler: serve(t, db, domain)}
}

func serve(t testing.TB, db *database.DB, domain entity.Domain) http.Handler {
	t.Helper()
	known := keys{}
	known.add("sk_acme", "acme", hook.ScopeRead, hook.ScopeWrite)
	known.add("sk_acme_read", "acme", hook.ScopeRead)
	known.add("sk_other", "other", hook.ScopeRead, hook.ScopeWrite)
	service, err := entity.New(entity.Config{
		Domain: domain, Topic: "events.test", DB: db,
		Authorizer: apiauth.New(apiauth.Config{Keys: known, AdminKey: "the-admin-key-of-the-test-is-long"}),
		Now:        func() time.Time { return time.Date(2023, 2, 2, 12, 7, 1, 0, time.UTC) },
	})
	require.NoError(t, err)
	return service.Handler()
}

// answer is what came back.
type answer struct {
	*httptest.ResponseRecorder
	t testing.TB
}

// do sends a request as acme; headers are "Name: value" and override.
func (r *rig) do(method, target, body string, headers ...string) answer {
	r.t.Helper()
	request := httptest.NewRequest(method, target, strings.NewReader(body))
	request.Header.Set("Authorization", "Bearer sk_acme")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		request.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	r.handler.ServeHTTP(w, request)
	return answer{w, r.t}
}

func (a answer) is(status int, body string) {
	a.t.Helper()
	require.Equal(a.t, status, a.Code, a.Body)
	require.JSONEq(a.t, body, a.Body.String())
}

// refused expects a problem with exactly these faults, as "field: rule".
func (a answer) refused(status int, faults ...string) {
	a.t.Helper()
	require.Equal(a.t, status, a.Code, a.Body)
	require.Equal(a.t, "application/problem+json", a.Header().Get("Content-Type"))
	var p struct {
		Status int
		Errors []struct{ Field, Rule string }
	}
	require.NoError(a.t, json.Unmarshal(a.Body.Bytes(), &p))
	require.Equal(a.t, status, p.Status)
	var found []string
	for _, e := range p.Errors {
		found = append(found, e.Field+": "+e.Rule)
	}
	require.Equal(a.t, faults, found)
}

// event is a row of the outbox.
type event struct {
	Topic, Key, Trace string
	Value             string
}

// events empties the outbox.
func (r *rig) events() []event {
	r.t.Helper()
	rows, err := r.db.QueryContext(r.t.Context(), fmt.Sprintf(`SELECT topic, key, traceparent, value FROM %s_outbox ORDER BY id`, r.prefix))
	require.NoError(r.t, err)
	var all []event
	for rows.Next() {
		var e event
		var value []byte
		require.NoError(r.t, rows.Scan(&e.Topic, &e.Key, &e.Trace, &value))
		e.Value = string(value)
		all = append(all, e)
	}
	require.NoError(r.t, rows.Err())
	require.NoError(r.t, rows.Close())
	_, err = r.db.ExecContext(r.t.Context(), fmt.Sprintf(`DELETE FROM %s_outbox`, r.prefix))
	require.NoError(r.t, err)
	return all
}

// event expects exactly one event, whose id is of no interest.
func (r *rig) event(want string) {
	r.t.Helper()
	all := r.events()
	require.Len(r.t, all, 1)
	require.JSONEq(r.t, want, withoutID(r.t, all[0].Value))
}

func withoutID(t testing.TB, value string) string {
	t.Helper()
	var fields map[string]json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(value), &fields))
	require.Len(t, fields["id"], 38, "a UUID in quotes")
	delete(fields, "id")
	text, err := json.Marshal(fields)
	require.NoError(t, err)
	return string(text)
}
