package portal_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/seal"
	"github.com/staffetta/staffetta/pkg/sqlstore"
	"github.com/staffetta/staffetta/pkg/sqlstore/sqlstoretest"
	"github.com/staffetta/staffetta/services/portal"
	"github.com/staffetta/staffetta/services/portal/portaltest"
)

const encryptionKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

// bench is a portal with an account "acme", before which stands a provider.
type bench struct {
	t        *testing.T
	db       *database.DB
	store    *sqlstore.Store
	links    apiauth.Links
	clock    *clock
	provider *provider
	service  *portal.Service
	// url is the portal's, without a slash.
	url string
}

func newBench(t *testing.T, changes ...func(*portal.Config)) *bench {
	t.Helper()
	b := &bench{t: t, clock: &clock{now: time.Now()}}
	b.db = sqlstoretest.SQLite(t)
	b.store = sqlstore.New(b.db, b.clock.Now)
	b.links = apiauth.NewLinks(apiauth.LinkKey{ID: [4]byte{1}, Key: [32]byte{1}})
	keyring, err := seal.ParseKeys(encryptionKey)
	require.NoError(t, err)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { b.service.Handler().ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	b.url = server.URL
	b.provider = newProvider(t, b.url)
	cfg := portal.Config{
		Sessions: b.store, API: portaltest.API(t, b.store, b.links).Handler(), Seal: keyring,
		Guests: apiauth.New(apiauth.Config{Keys: b.store, Accounts: b.store, AdminKey: portaltest.AdminKey, Links: b.links, Now: b.clock.Now}),
		OIDC:   &portal.OIDC{Issuer: b.provider.URL, ClientID: clientID, ClientSecret: clientSecret}, PublicURL: b.url,
		Log: zap.NewNop(), Now: b.clock.Now,
	}
	for _, change := range changes {
		change(&cfg)
	}
	b.service, err = portal.New(cfg)
	require.NoError(t, err)
	b.account("acme")
	return b
}

func (b *bench) account(id string) {
	b.t.Helper()
	_, err := b.store.CreateAccount(b.t.Context(), hook.Account{ID: id, Name: "The " + id})
	require.NoError(b.t, err)
}

func (b *bench) member(account, id, email string, role hook.Role) {
	b.t.Helper()
	_, err := b.store.CreateMember(b.t.Context(), hook.Member{
		ID: id, Account: account, Email: email, Name: "Giulia Ferri", Role: role, Language: hook.English,
	})
	require.NoError(b.t, err)
}

func (b *bench) browser() browser {
	jar, err := cookiejar.New(nil)
	require.NoError(b.t, err)
	return browser{b.t, &http.Client{Jar: jar}, new(string)}
}

// credentials are what a person writes into the provider's page.
func credentials(p answer, subject string) (to string, form url.Values) {
	_, request, _ := strings.Cut(p.body, "request ")
	return p.url.String(), url.Values{"username": {subject}, "password": {password}, "id": {request}}
}

// signIn signs a person in, as far as it goes.
func (b *bench) signIn(on browser, subject string) answer {
	b.t.Helper()
	asked := on.get(b.url + "/portal/login")
	require.Equal(b.t, http.StatusOK, asked.status, asked.body)
	require.Equal(b.t, b.provider.URL, asked.url.Scheme+"://"+asked.url.Host)
	return on.post(credentials(asked, subject))
}

// principal is who a browser is to the portal.
func (b *bench) principal(of browser) (apiauth.Principal, error) {
	r := httptest.NewRequest(http.MethodGet, b.url+"/portal/", http.NoBody)
	u, err := url.Parse(b.url)
	require.NoError(b.t, err)
	for _, cookie := range of.client.Jar.Cookies(u) {
		r.AddCookie(cookie)
	}
	return b.service.Principal(r)
}

func (b *bench) isOut(of browser) {
	b.t.Helper()
	_, err := b.principal(of)
	require.ErrorIs(b.t, err, apiauth.ErrUnauthorized)
	require.Contains(b.t, of.get(b.url+"/portal/").body, "See what your webhooks do")
}

// audit lists the operations of an account's log, newest first.
func (b *bench) audit(account, operation string) []hook.AuditEntry {
	b.t.Helper()
	entries, _, err := b.store.Audit(b.t.Context(), account, hook.AuditFilter{Operation: operation}, hook.Page{Limit: 50})
	require.NoError(b.t, err)
	return entries
}

// guest opens a portal link of a role.
func (b *bench) guest(role hook.Role, language hook.Language) browser {
	b.t.Helper()
	_, token, err := b.links.New(apiauth.Link{Account: "acme", Role: role, Language: language, ExpiresAt: b.clock.Now().Add(time.Hour)})
	require.NoError(b.t, err)
	on := b.browser()
	require.Equal(b.t, http.StatusOK, on.get(b.url+"/portal/?token="+url.QueryEscape(token)).status)
	return on
}
