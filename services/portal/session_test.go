package portal_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal"
)

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
	on.post(b.url+"/portal/account", url.Values{"account": {"acme"}})
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
	r.Header.Set("Staffetta-Form", *on.token)
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
