package api_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// token makes a portal link and gives its token.
func token(t *testing.T, c caller, body string) string {
	t.Helper()
	link := c.post("/v1/portal-links", body).requires(http.StatusCreated)
	u, err := url.Parse(link.text("url"))
	require.NoError(t, err)
	require.Equal(t, "https://hooks.example.com/portal/", u.Scheme+"://"+u.Host+u.Path)
	require.NotEmpty(t, u.Query().Get("token"))
	require.Regexp(t, `^lnk_`, link.text("id"))
	return u.Query().Get("token")
}

func TestAPortalLinkOpensTheAPIForItsRole(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for role, may := range map[string][]int{ // GET, PUT, api-keys, events
		"viewer":   {200, 403, 403, 403},
		"settings": {200, 200, 200, 403},
		"owner":    {200, 200, 200, 202},
	} {
		guest := b.as(token(t, b.acme(), `{"role": "`+role+`", "ttl": "5m", "language": "it"}`))
		guest.get("/v1/webhooks").requires(may[0])
		guest.put("/v1/stores/7", `{"name": "Bari"}`).requires(may[1])
		guest.get("/v1/api-keys").requires(may[2])
		guest.post("/v1/events", `{"eventType": "update", "itemType": "Contact", "items": [{"id": 7}]}`).requires(may[3])
		guest.get("/v1/accounts").requires(403)
		guest.post("/v1/portal-links", `{"role": "viewer"}`).requires(403)
	}
	guest := b.as(token(t, b.acme(), `{"role": "owner"}`))
	b.as(adminKey).delete("/v1/accounts/acme").requires(204)
	require.Eventually(t, func() bool { return guest.get("/v1/webhooks").code == 401 }, time.Minute, 10*time.Millisecond,
		"it ends with its account")
}

func TestAPortalLinkMayNoMoreThanItsMaker(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, test := range []struct {
		scopes []string
		role   string
		want   int
	}{
		{[]string{"settings"}, "viewer", 403},
		{[]string{"settings", "read"}, "viewer", 201},
		{[]string{"settings", "read"}, "settings", 403},
		{[]string{"settings", "read", "write"}, "settings", 201},
		{[]string{"settings", "read", "write"}, "owner", 403},
		{[]string{"settings", "read", "write", "publish"}, "owner", 201},
	} {
		b.as(b.newKey("acme", test.scopes...)).post("/v1/portal-links", `{"role": "`+test.role+`"}`).requires(test.want)
	}
	b.as(adminKey).with("Staffetta-Account", "acme").post("/v1/portal-links", `{"role": "owner"}`).requires(201)
}

func TestPortalLinksAreChecked(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for body, want := range map[string][]string{
		`{}`:                                   {"role: is required"},
		`{"role": "admin"}`:                    {"role: must be owner, settings or viewer (admin)"},
		`{"role": "viewer", "ttl": "25h"}`:     {"ttl: must be a duration of whole seconds from 10s to 24h (25h)"},
		`{"role": "viewer", "ttl": 60}`:        {"ttl: must be a duration of whole seconds from 10s to 24h (60)"},
		`{"role": "viewer", "language": "de"}`: {"language: must be en or it (de)"},
		`{"role": "viewer", "account": "x"}`:   {"account: is not a known field; known are role, ttl, language"},
	} {
		require.Equal(t, want, b.acme().post("/v1/portal-links", body).requires(422).faults(), body)
	}
	made, err := time.Parse(time.RFC3339, b.acme().post("/v1/portal-links", `{"role": "viewer"}`).requires(201).text("expiresAt"))
	require.NoError(t, err)
	require.WithinRange(t, made, time.Now().Add(50*time.Minute), time.Now().Add(time.Hour), "an hour by default")
	require.NotContains(t, b.log.String(), "pl_")
}
