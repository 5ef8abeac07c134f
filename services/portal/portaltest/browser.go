package portaltest

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Browser keeps cookies and follows redirects; it runs no scripts.
type Browser struct {
	t      testing.TB
	base   string
	client *http.Client
	token  string
}

// Page is what a browser was answered.
type Page struct {
	Status int
	// URL is where it is, after redirects.
	URL    *url.URL
	Header http.Header
	Body   string
}

func newBrowser(t testing.TB, base string) *Browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &Browser{t: t, base: base, client: &http.Client{Jar: jar}}
}

// Get opens a path, such as "/portal/webhooks"; headers are names and values in turn.
func (b *Browser) Get(path string, headers ...string) Page {
	b.t.Helper()
	return b.send(http.MethodGet, path, http.NoBody, headers)
}

// Post sends a form as a page of the portal does, with the token of the page that was
// opened last.
func (b *Browser) Post(path string, form url.Values, headers ...string) Page {
	b.t.Helper()
	sent := url.Values{}
	for name, values := range form {
		sent[name] = values
	}
	if !sent.Has("token") {
		sent.Set("token", b.token)
	}
	headers = append([]string{"Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin"}, headers...)
	return b.send(http.MethodPost, path, strings.NewReader(sent.Encode()), headers)
}

var tokenOf = regexp.MustCompile(`data-token="([^"]+)"`)

func (b *Browser) send(method, path string, body io.Reader, headers []string) Page {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.base+path, body)
	require.NoError(b.t, err)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := b.client.Do(r)
	require.NoError(b.t, err)
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	require.NoError(b.t, err)
	if found := tokenOf.FindSubmatch(content); found != nil {
		b.token = string(found[1])
	}
	return Page{Status: answer.StatusCode, URL: answer.Request.URL, Header: answer.Header, Body: string(content)}
}
