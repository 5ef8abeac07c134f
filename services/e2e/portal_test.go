package e2e_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The portal is there beside everything else, and its session opens nothing else.
func TestAPortalLinkOpensThePortalAndNoMore(t *testing.T) {
	t.Parallel()
	s := startSolo(t, t.TempDir())
	a := s.newTenant(t)
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	browser := &http.Client{Jar: jar}
	token := "" // of the forms of the page that was opened last
	visit := func(method, to string) (*url.URL, int, string) {
		t.Helper()
		request, err := http.NewRequest(method, to, http.NoBody)
		require.NoError(t, err)
		request.Header.Set("Staffetta-Form", token)
		request.Header.Set("Sec-Fetch-Site", "same-origin")
		answer, err := browser.Do(request)
		require.NoError(t, err)
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		if _, after, found := strings.Cut(string(body), `data-token="`); found {
			token, _, _ = strings.Cut(after, `"`)
		}
		return answer.Request.URL, answer.StatusCode, string(body)
	}
	root := s.url("api")
	at, status, body := visit(http.MethodGet, root+"/")
	require.Equal(t, root+"/portal/", at.String(), "/ leads there")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, "From an application")

	link := a.api(t, http.MethodPost, "/v1/portal-links", object{"role": "owner"}, http.StatusCreated)["url"].(string)
	require.True(t, strings.HasPrefix(link, root+"/portal/?token=pl_"), link)
	at, status, body = visit(http.MethodGet, link)
	require.Equal(t, root+"/portal/webhooks", at.String())
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, "Account "+a.account)
	require.NotEmpty(t, jar.Cookies(at))

	for _, path := range []string{"/v1/webhooks", "/v1/members", "/v1/accounts", "/contacts", "/v1/nothing"} {
		_, status, _ := visit(http.MethodGet, root+path)
		require.Equal(t, http.StatusUnauthorized, status, path)
	}
	for path, want := range map[string]int{"/openapi.json": 200, "/livez": 200, "/metrics": 200, "/nothing": 404, "/portal/nothing": 404} {
		_, status, _ := visit(http.MethodGet, root+path)
		require.Equal(t, want, status, path)
	}
	list := a.api(t, http.MethodGet, "/v1/audit-log?operation=open-portal-link", nil, http.StatusOK)["items"].([]any)
	require.Len(t, list, 1)
	require.Equal(t, "portal", list[0].(object)["actor"].(object)["type"])

	_, status, _ = visit(http.MethodPost, root+"/portal/logout")
	require.Equal(t, http.StatusOK, status)
	require.Empty(t, jar.Cookies(at))
}
