package page

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
)

func TestAReaderChoosesLanguageAndColours(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.visitor.Language = hook.Italian
	h := b.Read("", b.shows)
	for _, test := range []struct{ cookie, accept, want string }{
		{"", "en", `<html lang="it">`}, // the member's
		{"staffetta_portal_language=en", "it", `<html lang="en">`},
		{"staffetta_portal_language=en; staffetta_portal_theme=dark", "", `<html lang="en" data-theme="dark">`},
		{`staffetta_portal_language=de; staffetta_portal_theme=x"onload=`, "", `<html lang="it">`},
		{"staffetta_portal_theme=light", "", `<html lang="it" data-theme="light">`},
	} {
		require.Contains(t, b.get(h, "Cookie", test.cookie, "Accept-Language", test.accept).Body.String(), test.want)
	}
	for _, test := range []struct {
		form url.Values
		want string
	}{
		{url.Values{"language": {"it"}}, "staffetta_portal_language=it"}, {url.Values{"theme": {"dark"}}, "staffetta_portal_theme=dark"},
		{url.Values{"theme": {""}}, "staffetta_portal_theme="}, {url.Values{"language": {"de"}}, ""}, {url.Values{"theme": {"pink"}}, ""}, {nil, ""},
	} {
		chosen := b.post(b.ChooseLook, test.form)
		require.Equal(t, http.StatusSeeOther, chosen.Code)
		require.True(t, strings.HasPrefix(chosen.Header().Get("Set-Cookie"), test.want), chosen.Header().Get("Set-Cookie"))
		if test.want == "" {
			require.Empty(t, chosen.Header().Values("Set-Cookie"))
		}
	}
}

func TestAChoiceLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for to, want := range map[string]string{
		"": "/portal/", "/portal/": "/portal/", "/portal/log?status=failed&cursor=a%2Fb": "/portal/log?status=failed&cursor=a%2Fb",
		"/portal/webhooks/wh_1": "/portal/webhooks/wh_1", "/elsewhere": "/portal/", "portal/log": "/portal/", "/portal": "/portal/",
		"https://evil.example.com/portal/": "/portal/", "//evil.example.com/portal/": "/portal/", `/\evil.example.com/portal/`: "/portal/",
		`\\evil.example.com/portal/`: "/portal/", `/portal/\\evil.example.com`: "/portal/", "/portal/../..//evil.example.com": "/portal/",
		"/portal/%2e%2e/%2e%2e//evil.example.com": "/portal/", "https:/portal/log": "/portal/", "https:portal": "/portal/",
		"javascript:alert(1)//portal/": "/portal/", "/portal/log\r\nSet-Cookie: a=b": "/portal/", "\t//evil.example.com": "/portal/", "%zz": "/portal/",
		"/portal/@evil.example.com": "/portal/@evil.example.com", "/portal//evil.example.com": "/portal/evil.example.com",
	} {
		led := b.post(b.ChooseLook, url.Values{"language": {"it"}, "to": {to}})
		require.Equal(t, http.StatusSeeOther, led.Code, to)
		require.Equal(t, want, led.Header().Get("Location"), to)
	}
}

func TestWhatWasDoneIsToldOnceAndOnlyInTextsOfThePage(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	h := b.Read("", b.shows)
	done := b.post(func(w http.ResponseWriter, r *http.Request) {
		require.NoError(t, b.Done(w, r, "page", "done.something"))
	}, nil)
	require.Equal(t, "/portal/page", done.Header().Get("Location"))
	cookie, _, _ := strings.Cut(done.Header().Get("Set-Cookie"), ";")
	told := b.get(h, "Cookie", cookie)
	require.Contains(t, told.Body.String(), `role="status"`)
	require.Contains(t, told.Body.String(), "Something was done.")
	require.Equal(t, "staffetta_portal_done=", told.Header().Get("Set-Cookie"))
	for _, other := range []string{"hello", "done.", "done.else", "notice.not-found.title", "<script>", "done.something%0a"} {
		page := b.get(h, "Cookie", "staffetta_portal_done="+other)
		require.Equal(t, http.StatusOK, page.Code, other)
		require.NotContains(t, page.Body.String(), `role="status"`, other)
		require.Equal(t, "staffetta_portal_done=", page.Header().Get("Set-Cookie"), other)
	}
	require.Empty(t, b.get(h).Header().Values("Set-Cookie"))
}

func TestAPageInAFrameLeavesItsHeadOut(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	h := b.Read("", b.shows)
	require.Contains(t, b.get(h, "Sec-Fetch-Dest", "document").Body.String(), `class="brand"`)
	framed := b.get(h, "Sec-Fetch-Dest", "iframe")
	require.NotContains(t, framed.Body.String(), `class="brand"`)
	require.Contains(t, framed.Body.String(), `action="/portal/logout"`)
	require.Contains(t, framed.Body.String(), `class="menu"`)
	require.Contains(t, framed.Header().Get("Vary"), "Sec-Fetch-Dest")
}
