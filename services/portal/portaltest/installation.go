// Package portaltest gives tests of the portal's pages a portal with the API behind it,
// on SQLite and an embedded Redis, and a browser without scripts. What would be in Kafka
// is in memory.
package portaltest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/egress"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/redisstore"
	"github.com/staffetta/staffetta/pkg/seal"
	"github.com/staffetta/staffetta/pkg/sqlstore"
	"github.com/staffetta/staffetta/pkg/sqlstore/sqlstoretest"
	"github.com/staffetta/staffetta/services/api"
	"github.com/staffetta/staffetta/services/portal"
)

// EncryptionKey is that of every Installation.
const EncryptionKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

// Account is there from the beginning.
const Account = "acme"

// Installation is a portal with an API.
type Installation struct {
	t testing.TB
	// URL is the portal's, without a slash at the end.
	URL      string
	DB       *database.DB
	Store    *sqlstore.Store
	Circuits *redisstore.Circuits
	Filters  *redisstore.FilterErrors
	Kafka    *Kafka
	API      *api.Service
	Links    apiauth.Links
}

// New starts one, with the account Account; it ends with the test.
func New(t testing.TB, changes ...func(*portal.Config)) *Installation {
	t.Helper()
	db := sqlstoretest.SQLite(t)
	i := &Installation{
		t: t, DB: db, Store: sqlstore.New(db, time.Now), Kafka: newKafka(),
		Links: apiauth.NewLinks(apiauth.LinkKey{ID: [4]byte{1}, Key: [32]byte{1}}),
	}
	i.serveAPI()
	keyring, err := seal.ParseKeys(EncryptionKey)
	require.NoError(t, err)
	var service *portal.Service
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { service.Handler().ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	i.URL = server.URL
	cfg := portal.Config{
		Sessions: i.Store, API: i.API.Handler(), Seal: keyring,
		Guests: apiauth.New(apiauth.Config{Keys: i.Store, Accounts: i.Store, Links: i.Links}),
		Log:    zap.NewNop(),
	}
	for _, change := range changes {
		change(&cfg)
	}
	service, err = portal.New(cfg)
	require.NoError(t, err)
	_, err = i.Store.CreateAccount(t.Context(), hook.Account{ID: Account, Name: "The ACME"})
	require.NoError(t, err)
	return i
}

// API gives one on a store, for tests that make a portal themselves.
func API(t testing.TB, store *sqlstore.Store, links apiauth.Links) *api.Service {
	t.Helper()
	i := &Installation{t: t, Store: store, Kafka: newKafka(), Links: links}
	i.serveAPI()
	return i.API
}

func (i *Installation) serveAPI() {
	i.t.Helper()
	redis, err := redisstore.Open("redis://" + miniredis.RunT(i.t).Addr())
	require.NoError(i.t, err)
	i.t.Cleanup(func() { require.NoError(i.t, redis.Close()) })
	i.Circuits, i.Filters = redisstore.NewCircuits(redis), redisstore.NewFilterErrors(redis)
	ring, err := seal.ParseKeys(EncryptionKey)
	require.NoError(i.t, err)
	i.API, err = api.New(api.Config{
		Store: i.Store, Cache: redisstore.NewStore(redis, zap.NewNop()), Seal: ring,
		Ingest: i.Kafka, Payloads: i.Kafka, Reruns: i.Kafka, Tests: i.Kafka, Redrives: i.Kafka, Topics: i.Kafka,
		Circuits: i.Circuits, Filters: i.Filters,
		Links: i.Links, PublicURL: "https://hooks.example.com", CheckURL: egress.Policy{}.CheckURL, Log: zap.NewNop(),
		PollInterval: 20 * time.Millisecond,
	})
	require.NoError(i.t, err)
	ctx, stop := context.WithCancel(context.WithoutCancel(i.t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- i.API.Run(ctx) }()
	i.t.Cleanup(func() {
		stop()
		require.NoError(i.t, <-ended)
	})
}

// Visit gives a browser that has opened a portal link of Account, for a role.
func (i *Installation) Visit(role hook.Role) *Browser { return i.VisitAs(Account, role, hook.English) }

// VisitAs gives a browser that has opened a portal link.
func (i *Installation) VisitAs(account string, role hook.Role, language hook.Language) *Browser {
	i.t.Helper()
	_, token, err := i.Links.New(apiauth.Link{Account: account, Role: role, Language: language, ExpiresAt: time.Now().Add(time.Hour)})
	require.NoError(i.t, err)
	b := newBrowser(i.t, i.URL)
	require.Equal(i.t, http.StatusOK, b.Get("/portal/?token="+token).Status)
	return b
}

// Stranger gives a browser that nobody has signed in with.
func (i *Installation) Stranger() *Browser { return newBrowser(i.t, i.URL) }
