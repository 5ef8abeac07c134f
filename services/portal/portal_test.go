package portal_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/services/portal"
)

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
	for _, answer := range []answer{
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

func TestEveryPageHasItsHeaders(t *testing.T) {
	t.Parallel()
	const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors "
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
