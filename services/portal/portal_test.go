package portal_test

import (
	"context"
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
		Sessions: b.store, Notices: b.store, Seal: keyring,
		Guests: apiauth.New(apiauth.Config{Keys: b.store, Accounts: b.store, Links: b.links, Now: b.clock.Now}),
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
	return browser{b.t, &http.Client{Jar: jar}}
}

// credentials are what a person writes into the provider's page.
func credentials(p page, subject string) (to string, form url.Values) {
	_, request, _ := strings.Cut(p.body, "request ")
	return p.url.String(), url.Values{"username": {subject}, "password": {password}, "id": {request}}
}

// signIn signs a person in, as far as it goes.
func (b *bench) signIn(on browser, subject string) page {
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

func TestAMemberSignsInAndOut(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.member("acme", "mbr_1", "Giulia@example.com", hook.RoleSettings)
	b.provider.has("giulia", "giulia@example.com", true)
	on := b.browser()
	out := on.get(b.url + "/")
	require.Equal(t, "/portal/", out.url.Path, "/ leads there")
	require.Contains(t, out.body, b.url+"/portal/login")

	in := b.signIn(on, "giulia")
	require.Equal(t, http.StatusOK, in.status)
	require.Equal(t, b.url+"/portal/", in.url.String())
	require.Contains(t, in.body, "Giulia Ferri")
	require.Contains(t, in.body, "Giulia@example.com")
	require.Contains(t, in.body, "The acme")
	p, err := b.principal(on)
	require.NoError(t, err)
	require.Equal(t, apiauth.Principal{
		Account: "acme", Scopes: hook.RoleSettings.Scopes(),
		Actor: hook.Actor{Kind: hook.ActorMember, ID: "mbr_1", Name: "Giulia Ferri"},
	}, p)
	entry := b.audit("acme", "sign-in")[0]
	require.Equal(t, p.Actor, entry.Origin.Actor)
	require.Equal(t, "127.0.0.1", entry.Origin.IP)
	require.Equal(t, "Go-http-client/1.1", entry.Origin.UserAgent)

	left := on.post(b.url+"/portal/logout", nil)
	require.Equal(t, "/portal/", left.url.Path)
	b.isOut(on)
	require.Equal(t, p.Actor, b.audit("acme", "sign-out")[0].Origin.Actor)
}

func TestAMemberOfSeveralAccountsSwitches(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.account("zeta")
	b.account("other")
	b.member("acme", "mbr_1", "giulia@example.com", hook.RoleViewer)
	b.member("zeta", "mbr_2", "giulia@example.com", hook.RoleOwner)
	b.provider.has("giulia", "giulia@example.com", true)
	on := b.browser()
	in := b.signIn(on, "giulia")
	require.Contains(t, in.body, "Switch: The zeta")
	require.NotContains(t, in.body, "The other")
	in = on.post(b.url+"/portal/account", url.Values{"account": {"zeta"}})
	require.Contains(t, in.body, "Switch: The acme")
	p, err := b.principal(on)
	require.NoError(t, err)
	require.Equal(t, "zeta", p.Account)
	require.True(t, p.May(hook.ScopePublish))
	for _, strange := range []string{"other", "nobody", "", "\xff\x00"} {
		on.post(b.url+"/portal/account", url.Values{"account": {strange}})
		p, err := b.principal(on)
		require.NoError(t, err)
		require.Equal(t, "zeta", p.Account)
	}

	// Thrown out of that, a change must not meet the other one.
	require.NoError(t, b.store.DeleteAccount(t.Context(), "zeta"))
	_, err = b.principal(on)
	require.ErrorIs(t, err, apiauth.ErrNoAccount)
	require.Contains(t, on.get(b.url+"/portal/").body, "Choose an account")
	on.post(b.url+"/portal/account", url.Values{"account": {"acme"}})
	p, err = b.principal(on)
	require.NoError(t, err)
	require.Equal(t, "acme", p.Account)
	require.NoError(t, b.store.DeleteMember(t.Context(), "acme", "mbr_1"))
	b.isOut(on)
}

// What the provider answers is believed only if all of it is right.
func TestAnAnswerThatIsNotRightLetsNobodyIn(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		tamper func(map[string]any)
		forged bool
		want   string
	}{
		"a forged signature":      {nil, true, "could not be verified"},
		"another audience":        {func(c map[string]any) { c["aud"] = []string{"somebody-else"} }, false, "could not be verified"},
		"an audience beside ours": {func(c map[string]any) { c["aud"], c["azp"] = []string{clientID, "else"}, "else" }, false, "could not be verified"},
		"an expired token":        {func(c map[string]any) { c["exp"] = time.Now().Add(-time.Hour).Unix() }, false, "could not be verified"},
		"another issuer":          {func(c map[string]any) { c["iss"] = "https://id.example.com" }, false, "could not be verified"},
		"another nonce":           {func(c map[string]any) { c["nonce"] = "another" }, false, "could not be verified"},
		"no nonce":                {func(c map[string]any) { delete(c, "nonce") }, false, "could not be verified"},
		"another subject":         {func(c map[string]any) { c["sub"] = "mario" }, false, "could not be verified"},
		"no verification":         {func(c map[string]any) { c["email"] = "giulia@example.com" }, false, "not verified"},
		"a word of verification":  {func(c map[string]any) { c["email"], c["email_verified"] = "giulia@example.com", "perhaps" }, false, "not verified"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.member("acme", "mbr_1", "giulia@example.com", hook.RoleOwner)
			b.provider.has("giulia", "giulia@example.com", true)
			b.provider.has("mario", "mario@example.com", true)
			on := b.browser()
			b.provider.turn(test.tamper, test.forged, false)
			refused := b.signIn(on, "giulia")
			require.Equal(t, http.StatusForbidden, refused.status, refused.body)
			require.Contains(t, refused.body, test.want)
			b.isOut(on)
			require.Empty(t, b.audit("acme", "sign-in"))

			b.provider.turn(nil, false, false)
			require.Equal(t, http.StatusOK, b.signIn(on, "giulia").status, "a good answer does")
		})
	}
}

// Some providers put the address into the token, and its verification as a string.
func TestTheAddressMayBeInTheToken(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.member("acme", "mbr_1", "giulia@example.com", hook.RoleOwner)
	b.provider.has("giulia", "", false)
	b.provider.turn(func(c map[string]any) { c["email"], c["email_verified"] = "giulia@example.com", "true" }, false, false)
	require.Contains(t, b.signIn(b.browser(), "giulia").body, "Giulia Ferri")
}

func TestWhoMayNotIsTold(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.member("acme", "mbr_1", "giulia@example.com", hook.RoleOwner)
	b.provider.has("nobody", "nobody@example.com", true)
	on := b.browser()
	refused := b.signIn(on, "nobody")
	require.Equal(t, http.StatusForbidden, refused.status)
	require.Contains(t, refused.body, "You are not a member yet")
	require.Contains(t, refused.body, "nobody@example.com")
	require.Contains(t, refused.body, b.url+"/portal/login?as=another")
	b.isOut(on)
	asks := func(to string) string {
		u, err := url.Parse(on.stays().get(b.url + to).header.Get("Location"))
		require.NoError(t, err)
		return u.Query().Get("prompt")
	}
	require.Equal(t, "login", asks("/portal/login?as=another"), "who it is, although the provider knows somebody")
	require.Empty(t, asks("/portal/login"))

	b.provider.has("liar", "giulia@example.com", false)
	refused = b.signIn(on, "liar")
	require.Equal(t, http.StatusForbidden, refused.status)
	require.Contains(t, refused.body, "is not verified")
	b.isOut(on)

	b.provider.has("giulia", "giulia@example.com", true)
	require.Equal(t, http.StatusOK, b.signIn(on, "giulia").status)
	b.provider.has("mario", "giulia@example.com", true)
	thief := b.browser()
	refused = b.signIn(thief, "mario")
	require.Equal(t, http.StatusForbidden, refused.status)
	require.Contains(t, refused.body, "belonged to somebody else")
	b.isOut(thief)
	entries := b.audit("acme", "refuse-sign-in")
	require.Len(t, entries, 1)
	require.Equal(t, "mbr_1", entries[0].Target)
	require.Equal(t, "127.0.0.1", entries[0].Origin.IP)
	_, err := b.principal(on)
	require.NoError(t, err, "the member's own session goes on")
}

// comeBack signs in at the provider and gives the URL that leads back from there.
func (b *bench) comeBack(on browser, subject string) string {
	b.t.Helper()
	asked := on.get(b.url + "/portal/login")
	to, form := credentials(asked, subject)
	answer := on.stays().post(to, form)
	back := on.stays().get(b.provider.URL + strings.TrimPrefix(answer.header.Get("Location"), b.provider.URL)).header.Get("Location")
	require.True(b.t, strings.HasPrefix(back, b.url+"/portal/callback?"), back)
	return back
}

// A login is ended once, by the browser that began it, in time.
func TestALoginIsEndedOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.member("acme", "mbr_1", "giulia@example.com", hook.RoleOwner)
	b.provider.has("giulia", "giulia@example.com", true)
	stale := func(p page) {
		t.Helper()
		require.Equal(t, http.StatusBadRequest, p.status)
		require.Contains(t, p.body, "Please sign in again")
	}
	on := b.browser()
	back := b.comeBack(on, "giulia")
	stale(b.browser().get(back)) // another browser
	stale(on.get(strings.Replace(back, "state=", "state=x", 1)))
	stale(on.get(b.url + "/portal/callback"))
	u, err := url.Parse(b.url)
	require.NoError(t, err)
	kept := on.client.Jar.Cookies(u)
	require.Equal(t, http.StatusOK, on.get(back).status)
	stale(on.get(back)) // the cookie is gone
	replay := b.browser()
	replay.client.Jar.SetCookies(u, kept) // as a thief or the Back button would
	stale(replay.get(back))
	b.isOut(replay)
	require.Len(t, b.audit("acme", "sign-in"), 1)

	on = b.browser()
	back = b.comeBack(on, "giulia")
	b.clock.pass(10 * time.Minute)
	on.client.Jar.SetCookies(u, kept)
	stale(on.get(back))

	on = b.browser()
	on.client.Jar.SetCookies(u, []*http.Cookie{{Name: "staffetta_portal_login", Value: "AQID"}})
	stale(on.get(back))

	on = b.browser()
	back = b.comeBack(on, "giulia")
	state, _, _ := strings.Cut(back[strings.Index(back, "state="):], "&")
	refused := on.get(b.url + "/portal/callback?error=access_denied&" + state)
	require.Equal(t, http.StatusForbidden, refused.status)
	require.Contains(t, refused.body, "You were not signed in")
	stale(on.get(back)) // that ended it
}

// Without the verifier of PKCE a stolen code is worth nothing; nor is a code of one
// browser in another.
func TestACodeIsWorthNothingElsewhere(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.member("acme", "mbr_1", "giulia@example.com", hook.RoleOwner)
	b.provider.has("giulia", "giulia@example.com", true)
	stolen, err := url.Parse(b.comeBack(b.browser(), "giulia"))
	require.NoError(t, err)
	thief := b.browser()
	own, err := url.Parse(b.comeBack(thief, "giulia"))
	require.NoError(t, err)
	query := own.Query()
	query.Set("code", stolen.Query().Get("code"))
	own.RawQuery = query.Encode()
	refused := thief.get(own.String())
	require.Equal(t, http.StatusForbidden, refused.status)
	b.isOut(thief)
}

func TestAProviderThatIsAwayIsLookedForAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.member("acme", "mbr_1", "giulia@example.com", hook.RoleOwner)
	b.provider.has("giulia", "giulia@example.com", true)
	b.provider.turn(nil, false, true)
	on := b.browser()
	away := on.get(b.url + "/portal/login")
	require.Equal(t, http.StatusBadGateway, away.status)
	require.Contains(t, away.body, "does not answer")
	require.Error(t, b.service.ProviderKnown(t.Context()))

	b.provider.turn(nil, false, false)
	require.Equal(t, http.StatusOK, b.signIn(on, "giulia").status)
	require.NoError(t, b.service.ProviderKnown(t.Context()))

	// It goes away while somebody signs in.
	back := b.comeBack(b.browser(), "giulia")
	b.provider.turn(nil, false, true)
	require.Equal(t, http.StatusBadRequest, b.browser().get(back).status)
	other := b.browser()
	b.provider.turn(nil, false, false)
	back = b.comeBack(other, "giulia")
	b.provider.turn(nil, false, true)
	away = other.get(back)
	require.Equal(t, http.StatusBadGateway, away.status)
	b.isOut(other)

	// What it said of itself holds on.
	b.clock.pass(time.Hour)
	require.Equal(t, http.StatusServiceUnavailable, other.get(b.url+"/portal/login").status, "the provider's own page")
}

func TestWithoutAProviderNobodySignsIn(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(cfg *portal.Config) { cfg.OIDC = nil })
	on := b.browser()
	require.NotContains(t, on.get(b.url+"/portal/").body, "/portal/login")
	require.Equal(t, http.StatusNotFound, on.get(b.url+"/portal/login").status)
	require.Equal(t, http.StatusNotFound, on.get(b.url+"/portal/callback").status)
	require.NoError(t, b.service.ProviderKnown(t.Context()))
}

// link makes a portal link to an account.
func (b *bench) link(account string, ttl time.Duration) (apiauth.Link, string) {
	b.t.Helper()
	link, token, err := b.links.New(apiauth.Link{
		Account: account, Role: hook.RoleViewer, Language: hook.Italian, ExpiresAt: b.clock.Now().Add(ttl),
	})
	require.NoError(b.t, err)
	return link, token
}

func TestAPortalLinkOpensASession(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	link, token := b.link("acme", time.Hour)
	on := b.browser()
	in := on.get(b.url + "/portal/?token=" + token)
	require.Equal(t, b.url+"/portal/", in.url.String(), "the token is in no URL")
	require.Contains(t, in.body, "The acme")
	require.Contains(t, in.body, `<html lang="it">`)
	p, err := b.principal(on)
	require.NoError(t, err)
	require.Equal(t, apiauth.Principal{
		Account: "acme", Scopes: hook.RoleViewer.Scopes(), Actor: hook.Actor{Kind: hook.ActorPortal, ID: link.ID}, Link: &link,
	}, p)
	require.Equal(t, p.Actor, b.audit("acme", "open-portal-link")[0].Origin.Actor)

	_, again := b.link("acme", time.Hour)
	on.get(b.url + "/portal/?token=" + again)
	require.Len(t, b.audit("acme", "sign-out"), 1, "one session a browser")
	b.clock.pass(time.Hour)
	b.isOut(on)
}

// What only looks at a URL, as chats and scanners of mail do, uses nothing up.
func TestALookAtAURLDoesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.member("acme", "mbr_1", "giulia@example.com", hook.RoleOwner)
	b.provider.has("giulia", "giulia@example.com", true)
	_, token := b.link("acme", time.Hour)
	on := b.browser()
	back := b.comeBack(on, "giulia")
	for _, to := range []string{b.url + "/portal/?token=" + token, b.url + "/portal/login", back} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodHead, to, http.NoBody)
		require.NoError(t, err)
		looked := on.stays().send(r)
		require.Equal(t, "/portal/", looked.header.Get("Location"))
		require.Empty(t, looked.header.Values("Set-Cookie"))
	}
	require.Empty(t, b.audit("acme", "open-portal-link"))
	require.Equal(t, http.StatusOK, on.get(back).status)
}

func TestTheServiceLooksForTheProviderAndForgetsOldSessions(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	_, token := b.link("acme", time.Minute)
	on := b.browser()
	on.get(b.url + "/portal/?token=" + token)
	require.Error(t, b.service.ProviderKnown(t.Context()), "it did nothing yet")
	b.clock.pass(time.Minute)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.service.Run(ctx) }()
	require.Eventually(t, func() bool {
		var left int
		err := b.db.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM portal_sessions`).Scan(&left)
		return err == nil && left == 0 && b.service.ProviderKnown(t.Context()) == nil
	}, 10*time.Second, 10*time.Millisecond)
	stop()
	require.NoError(t, <-ended)
}

// The database is away: nobody is let in or thrown out for that.
func TestWithoutItsStoreThePortalSaysSo(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	_, token := b.link("acme", time.Hour)
	on := b.browser()
	on.get(b.url + "/portal/?token=" + token)
	require.NoError(t, b.db.Close())
	for _, answer := range []page{
		on.get(b.url + "/portal/"), on.get(b.url + "/portal/?token=" + token), on.post(b.url+"/portal/logout", nil),
		on.post(b.url+"/portal/account", url.Values{"account": {"acme"}}),
	} {
		require.Equal(t, http.StatusServiceUnavailable, answer.status)
		require.Contains(t, answer.body, "cannot answer just now")
		require.Empty(t, answer.header.Values("Set-Cookie"))
	}
	_, err := b.principal(on)
	require.Error(t, err)
	require.NotErrorIs(t, err, apiauth.ErrUnauthorized)
}

func TestALinkThatIsNotValidOpensNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	_, expired := b.link("acme", time.Minute)
	b.clock.pass(time.Minute)
	_, good := b.link("acme", time.Hour)
	_, gone := b.link("nobody", time.Hour)
	for token, want := range map[string]string{
		expired: "This link has expired", good[:len(good)-1] + "*": "This link is not valid", good + "A": "This link is not valid",
		gone: "This link is not valid", "": "This link is not valid", "sk_key": "This link is not valid",
	} {
		on := b.browser()
		refused := on.get(b.url + "/portal/?token=" + url.QueryEscape(token))
		require.Equal(t, http.StatusUnauthorized, refused.status, token)
		require.Contains(t, refused.body, want, token)
		b.isOut(on)
	}
	on := b.browser()
	on.get(b.url + "/portal/?token=" + good)
	_, err := b.principal(on)
	require.NoError(t, err)
	require.NoError(t, b.store.DeleteAccount(t.Context(), "acme"))
	b.isOut(on)
}

func TestASessionExpires(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.member("acme", "mbr_1", "giulia@example.com", hook.RoleOwner)
	b.provider.has("giulia", "giulia@example.com", true)
	used, idle := b.browser(), b.browser()
	for _, on := range []browser{used, idle} {
		require.Equal(t, http.StatusOK, b.signIn(on, "giulia").status)
	}
	u, err := url.Parse(b.url)
	require.NoError(t, err)
	cookies := used.client.Jar.Cookies(u) // which the browser would drop by its own clock
	for at := time.Hour; at < hook.SessionMax; at += time.Hour {
		b.clock.pass(time.Hour)
		_, err := b.principal(used)
		require.NoError(t, err, at)
	}
	b.isOut(idle)
	b.clock.pass(time.Hour)
	used.client.Jar.SetCookies(u, cookies)
	b.isOut(used)
}

func TestOtherSitesChangeNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.account("zeta")
	b.member("acme", "mbr_1", "giulia@example.com", hook.RoleOwner)
	b.member("zeta", "mbr_2", "giulia@example.com", hook.RoleOwner)
	b.provider.has("giulia", "giulia@example.com", true)
	on := b.browser()
	b.signIn(on, "giulia")
	for _, headers := range [][]string{
		{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"},
		{"Sec-Fetch-Site", "", "Origin", "https://evil.example.com"}, {"Sec-Fetch-Site", "", "Origin", "null"},
	} {
		for _, path := range []string{"/portal/logout", "/portal/account"} {
			refused := on.post(b.url+path, url.Values{"account": {"zeta"}}, headers...)
			require.Equal(t, http.StatusForbidden, refused.status)
			require.Contains(t, refused.body, "another site")
		}
	}
	p, err := b.principal(on)
	require.NoError(t, err)
	require.Equal(t, "acme", p.Account)
	// By its public origin the portal is itself, whatever Host a proxy makes of it.
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+"/portal/logout", http.NoBody)
	require.NoError(t, err)
	u, err := url.Parse(b.url)
	require.NoError(t, err)
	for _, cookie := range on.client.Jar.Cookies(u) {
		r.AddCookie(cookie) // the jar goes by Host
	}
	r.Host = "api.internal:8080"
	r.Header.Set("Origin", b.url)
	require.Equal(t, http.StatusSeeOther, on.stays().send(r).status)
	b.isOut(on)
	require.Equal(t, http.StatusNotFound, on.get(b.url+"/portal/logout").status, "a link signs nobody out")
}

func TestEveryPageHasItsHeaders(t *testing.T) {
	t.Parallel()
	const policy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors "
	b := newBench(t)
	framed := newBench(t, func(cfg *portal.Config) {
		cfg.PublicURL, cfg.FrameAncestors = "https://hooks.example.com", []string{"https://app.example.com", "https://*.example.org"}
	})
	for of, ancestors := range map[*bench]string{b: "'none'", framed: "'self' https://app.example.com https://*.example.org"} {
		on := of.browser().stays()
		for _, path := range []string{"/", "/portal", "/portal/", "/portal/login", "/portal/callback", "/portal/nothing", "/portal/?token=pl_x"} {
			header := on.get(of.url + path).header
			require.Equal(t, policy+ancestors, header.Get("Content-Security-Policy"), path)
			referrer := "same-origin"
			if path == "/portal/callback" || strings.Contains(path, "token") {
				referrer = "no-referrer"
			}
			require.Equal(t, referrer, header.Get("Referrer-Policy"), path)
			require.Equal(t, "nosniff", header.Get("X-Content-Type-Options"), path)
			require.Equal(t, "no-store", header.Get("Cache-Control"), path)
		}
		require.Equal(t, "no-store", on.post(of.url+"/portal/logout", nil, "Sec-Fetch-Site", "cross-site").header.Get("Cache-Control"))
		css := on.get(of.url + "/portal/assets/portal.css")
		require.Equal(t, "text/css; charset=utf-8", css.header.Get("Content-Type"))
		require.NotEmpty(t, css.header.Get("ETag"))
		require.Equal(t, http.StatusNotFound, on.get(of.url+"/portal/assets/..%2Fportal.go").status)
	}
}

func TestCookiesAreOutOfReach(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		public    string
		ancestors []string
		want      string
	}{
		"by http":  {"", nil, "staffetta_portal=TOKEN; Path=/; Expires=WHEN; HttpOnly; SameSite=Lax"},
		"by https": {"https://hooks.example.com", nil, "__Host-staffetta_portal=TOKEN; Path=/; Expires=WHEN; HttpOnly; Secure; SameSite=Lax"},
		"embedded": {"https://hooks.example.com", []string{"https://app.example.com"},
			"__Host-staffetta_portal=TOKEN; Path=/; Expires=WHEN; HttpOnly; Secure; SameSite=None; Partitioned"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, func(cfg *portal.Config) {
				cfg.PublicURL, cfg.FrameAncestors = test.public, test.ancestors
				cfg.OIDC = nil
			})
			link, token := b.link("acme", time.Hour)
			in := b.browser().stays().get(b.url + "/portal/?token=" + token)
			require.Equal(t, http.StatusSeeOther, in.status)
			require.Equal(t, "/portal/", in.header.Get("Location"))
			cookie, err := http.ParseSetCookie(in.header.Get("Set-Cookie"))
			require.NoError(t, err)
			require.Len(t, cookie.Value, 43)
			want := strings.NewReplacer("TOKEN", cookie.Value, "WHEN", link.ExpiresAt.UTC().Format(http.TimeFormat)).Replace(test.want)
			require.Equal(t, want, in.header.Get("Set-Cookie"))
		})
	}
}

// A portal behind a path keeps people there.
func TestThePortalMayBeBehindAPath(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(cfg *portal.Config) { cfg.PublicURL = "https://example.com/hooks" })
	on := b.browser().stays()
	require.Equal(t, "/hooks/portal/", on.get(b.url+"/portal").header.Get("Location"))
	body := on.get(b.url + "/portal/").body
	require.Contains(t, body, `href="/hooks/portal/assets/portal.css"`)
	require.Contains(t, body, `href="https://example.com/hooks/portal/login"`)
	require.Contains(t, body, `href="/hooks/openapi.json"`)
}

func TestThePortalSpeaksTheBrowsersLanguage(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for accept, want := range map[string]string{"": "en", "de, fr": "en", "it-CH, en;q=0.5": "it", "en, it": "en", "nonsense;;": "en"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.url+"/portal/", http.NoBody)
		require.NoError(t, err)
		r.Header.Set("Accept-Language", accept)
		require.Contains(t, b.browser().send(r).body, `<html lang="`+want+`">`, accept)
	}
}
