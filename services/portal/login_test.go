package portal_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal"
)

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
	require.Equal(t, b.url+"/portal/webhooks", in.url.String())
	in = on.get(b.url + "/portal/session")
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
	require.Contains(t, in.body, "Choose an account")
	require.NotContains(t, in.body, "The other")
	_, err := b.principal(on)
	require.ErrorIs(t, err, apiauth.ErrNoAccount)
	on.post(b.url+"/portal/account", url.Values{"account": {"acme"}})
	require.Contains(t, on.get(b.url+"/portal/session").body, "Switch: The zeta")
	require.Empty(t, b.audit("zeta", "sign-in"), "it is told when somebody comes")
	on.post(b.url+"/portal/account", url.Values{"account": {"zeta"}})
	require.Contains(t, on.get(b.url+"/portal/session").body, "Switch: The acme")
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
	stale := func(p answer) {
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
