package audit_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/portaltest"
)

const hostile = `<script>alert(1)</script>`

// on gives a browser of an owner, who has added a member with a hostile name.
func on(t *testing.T, i *portaltest.Installation, language hook.Language) *portaltest.Browser {
	t.Helper()
	b := i.VisitAs(portaltest.Account, hook.RoleOwner, language)
	b.Get("/portal/settings")
	added := b.Post("/portal/settings/members", url.Values{"email": {"giulia@example.com"}, "name": {hostile}, "role": {"viewer"}, "language": {"en"}})
	require.Equal(t, http.StatusOK, added.Status)
	return b
}

func TestTheAuditLogTellsWhoChangedWhat(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	b := on(t, i, hook.English)
	member := regexp.MustCompile(`mbr_[a-z0-9]{26}`).FindString(b.Get("/portal/settings").Body)
	b.Post("/portal/settings/members/change", url.Values{
		"id": {member}, "email": {"giulia@example.com"}, "name": {hostile}, "role": {"owner"}, "language": {"en"},
	}, "User-Agent", `agent "<b>`)
	page := b.Get("/portal/audit")
	require.Equal(t, http.StatusOK, page.Status)
	for _, shown := range []string{
		"Member added", "Member changed", "Portal link opened", "Guest (portal link)", "127.0.0.1", "agent &#34;&lt;b&gt;",
		"<dt>Role</dt><dd><del>Viewer</del>", "<ins>Owner</ins>", "<dt>Role</dt><dd><ins>Viewer</ins></dd>", "&lt;script&gt;alert(1)&lt;/script&gt;", "Staffetta",
	} {
		require.Contains(t, page.Body, shown)
	}
	require.NotContains(t, page.Body, hostile)

	i.Failing(portaltest.Account, "wh_till", "Till", 1)
	require.Contains(t, b.Get("/portal/audit").Body, `href="/portal/webhooks/wh_till"`)
	require.Contains(t, i.VisitAs(portaltest.Account, hook.RoleSettings, hook.Italian).Get("/portal/audit").Body, "<dt>Ruolo</dt><dd><del>Lettore</del>")
}

func TestTheAuditLogIsNarrowed(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	b := on(t, i, hook.English)
	const entry = `<td data-label="When">`
	count := func(query string) int {
		page := b.Get("/portal/audit" + query)
		require.Equal(t, http.StatusOK, page.Status, query)
		return strings.Count(page.Body, entry)
	}
	require.Equal(t, 3, count(""))
	require.Equal(t, 1, count("?operation=create-member"))
	require.Equal(t, 2, count("?actor="+regexp.MustCompile(`lnk_[a-z0-9]{16}`).FindString(b.Get("/portal/audit").Body)))
	require.Equal(t, 1, count("?target="+regexp.MustCompile(`mbr_[a-z0-9]{26}`).FindString(b.Get("/portal/settings").Body)))
	require.Equal(t, 0, count("?to=2020-01-01T00:00"))
	require.Equal(t, 3, count("?from=2020-01-01T00:00&to="))
	require.Equal(t, 0, count("?operation="+url.QueryEscape(hostile)))
	require.Contains(t, b.Get("/portal/audit?operation=test-webhook").Body, "No change is like that.")
	for _, strange := range []string{"?from=yesterday", "?to=" + url.QueryEscape(hostile), "?actor=" + strings.Repeat("a", 101), "?target=%ff%00"} {
		page := b.Get("/portal/audit" + strange)
		require.Equal(t, http.StatusUnprocessableEntity, page.Status, strange)
		require.Contains(t, page.Body, "This filter was not understood", strange)
		require.NotContains(t, page.Body, hostile, strange)
	}
	require.Equal(t, http.StatusNotFound, b.Get("/portal/audit?cursor=none").Status)
}

func TestTheAuditLogHasPages(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	for range 60 {
		require.NoError(t, i.Store.Note(hook.WithOrigin(t.Context(), hook.Origin{Actor: hook.Actor{Kind: hook.ActorAdmin}, Operation: "test-webhook"}), portaltest.Account, "wh_1"))
	}
	b := i.Visit(hook.RoleOwner)
	first := b.Get("/portal/audit?operation=test-webhook")
	require.Equal(t, 50, strings.Count(first.Body, "<strong>Test sent</strong>"))
	older := regexp.MustCompile(`href="(/portal/audit\?cursor=[^"]+)" rel="next"`).FindStringSubmatch(first.Body)
	require.NotNil(t, older)
	second := b.Get(strings.ReplaceAll(older[1], "&amp;", "&"))
	require.Equal(t, 10, strings.Count(second.Body, "<strong>Test sent</strong>"))
	require.Contains(t, second.Body, `href="/portal/audit?operation=test-webhook"`, "back to the newest of the same")
}

func TestTheAuditLogIsForThoseWithAccessToSettings(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	i.NewAccount("other")
	b := on(t, i, hook.English)
	require.Contains(t, b.Get("/portal/audit").Body, "giulia@example.com")
	require.NotContains(t, i.VisitAs("other", hook.RoleOwner, hook.English).Get("/portal/audit").Body, "giulia@example.com")
	refused := i.Visit(hook.RoleViewer).Get("/portal/audit")
	require.Equal(t, http.StatusForbidden, refused.Status)
	require.Equal(t, "/portal/", i.Stranger().Get("/portal/audit").URL.Path)
}
