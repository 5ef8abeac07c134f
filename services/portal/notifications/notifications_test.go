package notifications_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/portaltest"
)

func TestNotificationsAreForThoseWithAccessToSettings(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	i.NewAccount("other")
	i.Failing(portaltest.Account, "wh_till", "Till <script>alert(3)</script>", 20)
	i.Failing(portaltest.Account, "wh_erp", "", 20)
	i.Failing(portaltest.Account, "wh_shop", "Shop", 20)
	i.Failing("other", "wh_other", "Somebody else's", 2)

	on := i.Visit(hook.RoleSettings)
	require.Contains(t, on.Get("/portal/webhooks").Body, `href="/portal/notifications"`)
	first := on.Get("/portal/notifications")
	require.Equal(t, http.StatusOK, first.Status)
	const failing = "<strong>A webhook is failing"
	require.Equal(t, 50, strings.Count(first.Body, failing))
	require.Contains(t, first.Body, "20 failures in a row")
	require.Contains(t, first.Body, "Till &lt;script&gt;alert(3)&lt;/script&gt;")
	require.Contains(t, first.Body, "the last answer was <code>500</code>")
	require.Contains(t, first.Body, "https://example.com/hooks</span>")
	for _, hidden := range []string{"key=hidden", "Somebody else", "wh_other", "<script>alert"} {
		require.NotContains(t, first.Body, hidden)
	}
	_, older, _ := strings.Cut(first.Body, `<a href="/portal/notifications?cursor=`)
	older, _, _ = strings.Cut(older, `"`)
	second := on.Get("/portal/notifications?cursor=" + older)
	require.Equal(t, 10, strings.Count(second.Body, failing))
	require.NotContains(t, second.Body, "Older")

	one := on.Get("/portal/notifications?webhook=wh_erp")
	require.Equal(t, 20, strings.Count(one.Body, failing))
	require.Contains(t, i.VisitAs(portaltest.Account, hook.RoleOwner, hook.Italian).Get("/portal/notifications").Body, "Un webhook non funziona")
}

func TestNotificationsAreNarrowedByKindAndWebhook(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	i.NewAccount("other")
	i.Failing(portaltest.Account, "wh_till", "Till", 60)
	i.Failing("other", "wh_other", "Somebody else's", 1)
	on := i.Visit(hook.RoleOwner)
	failing := on.Get("/portal/notifications?kind=webhook.failing&webhook=wh_till")
	require.Equal(t, 50, strings.Count(failing.Body, "<strong>A webhook is failing"))
	require.Contains(t, failing.Body, `<option value="webhook.failing" selected>`)
	require.Contains(t, failing.Body, `<input type="hidden" name="webhook" value="wh_till">`)
	require.Contains(t, failing.Body, "kind=webhook.failing&amp;webhook=wh_till", "the next page is of the same")
	for _, none := range []string{"?kind=quota.exceeded", "?webhook=wh_other", "?webhook=nobody", "?kind=quota.exceeded&webhook=wh_till"} {
		page := on.Get("/portal/notifications" + none)
		require.Equal(t, http.StatusOK, page.Status, none)
		require.Contains(t, page.Body, "There is no such notification", none)
	}
	for _, strange := range []string{"?cursor=none", "?kind=strange", "?kind=<script>", "?webhook=%ff%00"} {
		page := on.Get("/portal/notifications" + strange)
		require.Equal(t, http.StatusNotFound, page.Status, strange)
		require.NotContains(t, page.Body, "<script>", strange)
	}
}

func TestNotificationsAreForNobodyElse(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	i.Failing(portaltest.Account, "wh_till", "The till", 1)
	viewer := i.Visit(hook.RoleViewer)
	require.NotContains(t, viewer.Get("/portal/webhooks").Body, "/portal/notifications")
	told := viewer.Get("/portal/notifications")
	require.Equal(t, http.StatusForbidden, told.Status)
	require.Contains(t, told.Body, "You have no access to settings")
	require.NotContains(t, told.Body, "The till")
	out := i.Stranger().Get("/portal/notifications")
	require.Equal(t, "/portal/", out.URL.Path, "there one signs in")
	require.NotContains(t, out.Body, "The till")
}

func TestWithoutItsStoreThePageOfNotificationsSaysSo(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	on := i.Visit(hook.RoleOwner)
	_, err := i.DB.ExecContext(t.Context(), `ALTER TABLE notifications RENAME TO lost`)
	require.NoError(t, err)
	require.Equal(t, http.StatusServiceUnavailable, on.Get("/portal/notifications").Status)
}
