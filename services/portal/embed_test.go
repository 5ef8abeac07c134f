package portal_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/services/portal"
)

// framed is a portal that https://app.example.com may embed.
func framed(t *testing.T) *bench {
	t.Helper()
	return newBench(t, func(cfg *portal.Config) {
		cfg.PublicURL, cfg.FrameAncestors, cfg.OIDC = "https://hooks.example.com", []string{"https://app.example.com"}, nil
	})
}

// embedded is a browser that shows the portal in a frame of another site: it sends the
// cookies which it was given there, however little the test's server looks like https.
type embedded struct {
	*bench
	cookies map[string]*http.Cookie
	token   string
}

// send does as the frame does: headers say where a request comes from.
func (e *embedded) send(method, path string, form url.Values, headers ...string) answer {
	e.t.Helper()
	if e.token != "" && form != nil && !form.Has("token") {
		form.Set("token", e.token)
	}
	r, err := http.NewRequestWithContext(e.t.Context(), method, e.url+path, strings.NewReader(form.Encode()))
	require.NoError(e.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Dest", "iframe")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	for _, cookie := range e.cookies {
		r.AddCookie(cookie)
	}
	got := e.browser().stays().send(r)
	for _, line := range got.header.Values("Set-Cookie") {
		cookie, err := http.ParseSetCookie(line)
		require.NoError(e.t, err)
		// What a browser takes in a frame of another site, and keeps for that site alone.
		require.Equal(e.t, http.SameSiteNoneMode, cookie.SameSite, line)
		require.True(e.t, cookie.Secure && cookie.Partitioned && cookie.HttpOnly && cookie.Path == "/" && cookie.Domain == "", line)
		require.True(e.t, strings.HasPrefix(cookie.Name, "__Host-"), line)
		e.cookies[cookie.Name] = cookie
		if cookie.MaxAge < 0 {
			delete(e.cookies, cookie.Name)
		}
	}
	if _, after, found := strings.Cut(got.body, `data-token="`); found {
		e.token, _, _ = strings.Cut(after, `"`)
	}
	return got
}

func TestThePortalWorksInAFrameOfAnotherSite(t *testing.T) {
	t.Parallel()
	e := &embedded{bench: framed(t), cookies: map[string]*http.Cookie{}}
	_, token := e.link("acme", time.Hour)
	fromHost := []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"}
	in := e.send(http.MethodGet, "/portal/?token="+token, nil, fromHost...)
	require.Equal(t, http.StatusSeeOther, in.status)
	page := e.send(http.MethodGet, "/portal/session", nil, fromHost...)
	require.Equal(t, http.StatusOK, page.status)
	require.Contains(t, page.header.Get("Content-Security-Policy"), "frame-ancestors 'self' https://app.example.com")
	require.NotContains(t, page.header, "X-Frame-Options", "which knows no origins")
	require.NotContains(t, page.body, `class="brand"`, "the host has a head of its own")

	// Forms of the frame come from the portal's own origin.
	fromFrame := []string{"Sec-Fetch-Site", "same-origin", "Origin", "https://hooks.example.com"}
	look := e.send(http.MethodPost, "/portal/look", url.Values{"language": {"en"}, "theme": {"dark"}, "to": {"/portal/session"}}, fromFrame...)
	require.Equal(t, "/portal/session", look.header.Get("Location"))
	require.Contains(t, e.cookies, "__Host-staffetta_portal_language")
	require.Contains(t, e.send(http.MethodGet, "/portal/session", nil).body, `<html lang="en" data-theme="dark">`)

	// Pages that embed it change nothing by themselves, and nobody else embeds it.
	for _, headers := range [][]string{
		{"Sec-Fetch-Site", "cross-site", "Origin", "https://app.example.com"}, {"Origin", "https://app.example.com"}, {"Origin", "null"},
	} {
		require.Equal(t, http.StatusForbidden, e.send(http.MethodPost, "/portal/logout", url.Values{}, headers...).status)
	}
	require.NotContains(t, page.header.Get("Content-Security-Policy"), "evil")
	require.Equal(t, http.StatusSeeOther, e.send(http.MethodPost, "/portal/logout", url.Values{}, fromFrame...).status)
	require.NotContains(t, e.cookies, "__Host-staffetta_portal", "signed out")
	out := e.send(http.MethodGet, "/portal/", nil)
	require.Equal(t, http.StatusOK, out.status)
	require.Contains(t, out.body, `action="/portal/key"`)
}

func TestWhatWasDoneIsToldInAFrameToo(t *testing.T) {
	t.Parallel()
	e := &embedded{bench: framed(t), cookies: map[string]*http.Cookie{}}
	text := e.key("key_1", 0, "read", "write", "settings")
	fromFrame := []string{"Sec-Fetch-Site", "same-origin", "Origin", "https://hooks.example.com"}
	require.Equal(t, http.StatusSeeOther, e.send(http.MethodPost, "/portal/key", url.Values{"key": {text}}, fromFrame...).status)
	e.send(http.MethodGet, "/portal/settings/stores", nil)
	named := e.send(http.MethodPost, "/portal/settings/stores", url.Values{"id": {"7"}, "name": {"Roma"}, "dialog": {"new"}}, fromFrame...)
	require.Equal(t, "/portal/settings/stores", named.header.Get("Location"))
	require.Contains(t, e.send(http.MethodGet, "/portal/settings/stores", nil).body, "The store was saved.")
	require.NotContains(t, e.send(http.MethodGet, "/portal/settings/stores", nil).body, "The store was saved.", "once")
}

func TestWithoutAllowedOriginsNobodyEmbedsThePortal(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, path := range []string{"/portal/", "/portal/assets/portal.css", "/portal/nothing"} {
		require.Contains(t, b.browser().get(b.url+path).header.Get("Content-Security-Policy"), "frame-ancestors 'none'", path)
	}
}

// The provider shows its page in no frame, and what is signed in beside the frame is
// not in it.
func TestInAFrameOneSignsInBesideIt(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.url+"/portal/", http.NoBody)
	require.NoError(t, err)
	require.NotContains(t, b.browser().send(r).body, `target="_blank"`)
	r.Header.Set("Sec-Fetch-Dest", "iframe")
	require.Contains(t, b.browser().send(r).body, `target="_blank" rel="noopener"`)
}
