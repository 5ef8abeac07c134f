package page

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/hook"
)

func TestWhoMayComeIn(t *testing.T) {
	t.Parallel()
	type way struct {
		scope  hook.Scope
		change bool
	}
	viewer, strange, chooses := owner(), owner(), owner()
	viewer.Role, viewer.Principal.Scopes = hook.RoleViewer, hook.RoleViewer.Scopes()
	strange.Role, strange.Principal.Scopes = "strange", hook.Role("strange").Scopes()
	chooses.Account, chooses.Principal = "", apiauth.Principal{}
	for name, test := range map[string]struct {
		who  *Visitor
		way  way
		want int
	}{
		"an owner":                       {owner(), way{hook.ScopeSettings, true}, http.StatusOK},
		"a viewer reads":                 {viewer, way{hook.ScopeRead, false}, http.StatusOK},
		"a viewer changes nothing":       {viewer, way{hook.ScopeWrite, true}, http.StatusForbidden},
		"a viewer sees no settings":      {viewer, way{hook.ScopeSettings, false}, http.StatusForbidden},
		"a strange role may be there":    {strange, way{"", false}, http.StatusOK},
		"a strange role reads nothing":   {strange, way{hook.ScopeRead, false}, http.StatusForbidden},
		"nobody":                         {nil, way{"", false}, http.StatusSeeOther},
		"nobody changes anything":        {nil, way{hook.ScopeWrite, true}, http.StatusSeeOther},
		"without an account one chooses": {chooses, way{hook.ScopeRead, false}, http.StatusSeeOther},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.visitor = test.who
			var came bool
			h := func(w http.ResponseWriter, r *http.Request, v *Visitor) error {
				came = true
				require.NotNil(t, v.API)
				return b.shows(w, r, v)
			}
			var code int
			if test.way.change {
				form := url.Values{}
				if test.who != nil {
					form.Set("token", token(test.who))
				}
				code = b.post(b.Change(test.way.scope, h), form).Code
			} else {
				code = b.get(b.Read(test.way.scope, h)).Code
			}
			require.Equal(t, test.want, code)
			require.Equal(t, test.want == http.StatusOK, came)
		})
	}
	b := newBench(t)
	b.broken = errors.New("the database is away")
	require.Equal(t, http.StatusServiceUnavailable, b.get(b.Read("", b.shows)).Code)
	require.Equal(t, http.StatusServiceUnavailable, b.post(b.Stay(b.shows), nil).Code)
}

func TestRequestsOfTheAPIAreTheVisitors(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	verifier := apiauth.New(apiauth.Config{})
	var asked int
	b.api = func(w http.ResponseWriter, r *http.Request) {
		asked++
		p, err := verifier.Identify(r)
		require.NoError(t, err)
		require.Equal(t, b.visitor.Principal, p)
		require.Equal(t, "192.0.2.7:1234", r.RemoteAddr)
		require.Equal(t, []string{"198.51.100.9"}, r.Header["X-Forwarded-For"])
		require.Equal(t, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", r.Header.Get("Traceparent"))
		require.Equal(t, "Some browser", r.UserAgent())
		for _, header := range []string{"Cookie", "Authorization", "Staffetta-Account"} {
			require.NotContains(t, r.Header, header)
		}
		require.Equal(t, "/v1/account", r.URL.Path)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"id": "acme", "name": "<b>"}`))
	}
	h := b.Read("", func(w http.ResponseWriter, r *http.Request, v *Visitor) error {
		got, err := Call(v.API.GetOwnAccountWithResponse(r.Context()))
		require.NoError(t, err)
		return b.Show(w, r, v, b.page, got.JSON200.Name)
	})
	page := b.get(func(w http.ResponseWriter, r *http.Request) {
		r.RemoteAddr = "192.0.2.7:1234"
		h(w, r)
	}, "X-Forwarded-For", "198.51.100.9", "User-Agent", "Some browser", "Cookie", "staffetta_portal=secret", "Authorization", "Bearer sk_x",
		"Staffetta-Account", "other", "Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	require.Equal(t, 1, asked)
	require.Contains(t, page.Body.String(), "&lt;b&gt;")
}

func TestRefusalsOfTheAPIAreShown(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]int{
		401: http.StatusSeeOther, 403: http.StatusForbidden, 404: http.StatusNotFound, 409: http.StatusConflict,
		422: http.StatusUnprocessableEntity, 500: http.StatusServiceUnavailable, 503: http.StatusServiceUnavailable, 429: http.StatusServiceUnavailable,
	} {
		b := newBench(t)
		b.api = func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(`{"title": "Title", "detail": "<script>alert(1)</script>", "errors": [{"field": "<script>f", "rule": "<script>r"}]}`))
		}
		page := b.get(b.Read("", func(_ http.ResponseWriter, r *http.Request, v *Visitor) error {
			_, err := Call(v.API.GetOwnAccountWithResponse(r.Context()))
			return err
		}))
		require.Equal(t, want, page.Code, status)
		require.NotContains(t, page.Body.String(), "<script>alert", status)
		require.NotContains(t, page.Body.String(), "<script>f", status)
	}
}

func TestHtmxIsLedByAHeader(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.visitor = nil
	led := b.get(b.Read("", b.shows), "HX-Request", "true")
	require.Equal(t, http.StatusNoContent, led.Code)
	require.Equal(t, "/portal/", led.Header().Get("HX-Redirect"))
	require.Equal(t, http.StatusSeeOther, b.get(b.Read("", b.shows), "HX-Request", "true", "HX-Boosted", "true").Code)
}

func TestNoticesAreInBothLanguagesAndShowWhatTheyAreAbout(t *testing.T) {
	t.Parallel()
	const about = `"><script>alert(1)</script>`
	for key := range noticeWords {
		id, ok := strings.CutSuffix(strings.TrimPrefix(key, "notice."), ".title")
		if !ok {
			continue
		}
		for at, lang := range hook.Languages {
			for _, remedy := range []Remedy{None, Again, Another} {
				b := newBench(t)
				b.visitor.Language = lang
				page := b.get(func(w http.ResponseWriter, r *http.Request) {
					b.Tell(w, r, Notice{ID: id, Status: 418, Remedy: remedy}, about)
				})
				require.Equal(t, 418, page.Code)
				body := strings.ReplaceAll(page.Body.String(), "&#39;", "'")
				require.Contains(t, body, noticeWords[key][at])
				require.Contains(t, body, noticeWords["notice."+id+".text"][at])
				require.Contains(t, body, "&lt;script&gt;alert(1)&lt;/script&gt;")
				require.NotContains(t, body, "<script>alert")
				require.Equal(t, remedy != None, strings.Contains(body, "https://hooks.example.com/portal/login"))
			}
		}
	}
}
