package webhooks_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/portaltest"
)

// hostile is what somebody might write to do harm.
const hostile = `<script>alert("1")</script>`

// webhook adds one, changed from what it is by default.
func webhook(t *testing.T, i *portaltest.Installation, id string, change func(*hook.Webhook)) {
	t.Helper()
	w := hook.Webhook{
		ID: id, Account: portaltest.Account, Status: hook.Active, Description: "Till", ItemTypes: []string{"InvoiceLine"}, EventTypes: []hook.EventType{hook.Create},
		URL: "https://example.com/hook?key=private", Format: hook.FormatStandard, Language: hook.English, Payload: hook.Thin, CloudEvents: hook.Structured,
		Signature: hook.HMACSHA256, RetrySchedule: []time.Duration{5 * time.Second, 90 * time.Minute}, Timeout: hook.DefaultTimeout,
		OnPause: hook.Hold, OnQuota: hook.Defer, Ordering: hook.Unordered, Coalesce: hook.CoalesceNone,
	}
	if change != nil {
		change(&w)
	}
	_, err := i.Store.CreateWebhook(t.Context(), w)
	require.NoError(t, err)
}

func got(t *testing.T, i *portaltest.Installation, id string) hook.Webhook {
	t.Helper()
	w, err := i.Store.Webhook(t.Context(), portaltest.Account, id)
	require.NoError(t, err)
	return w
}

var tags = regexp.MustCompile(`(?s)<[^>]*>`)

// text is what people read of a page.
func text(body string) string {
	_, body, _ = strings.Cut(body, "<main")
	return strings.Join(strings.Fields(tags.ReplaceAllString(body, " ")), " ")
}

func put(t *testing.T, i *portaltest.Installation, id, name string) error {
	t.Helper()
	_, err := i.DB.ExecContext(t.Context(), `INSERT INTO stores (account, id, name, created_at) VALUES ($1, $2, $3, 1)`, portaltest.Account, id, name)
	return err
}

func TestAWebhookIsPausedAndResumed(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	webhook(t, i, "wh_1", nil)
	on := i.Visit(hook.RoleSettings)
	form := on.Get("/portal/webhooks/wh_1/pause")
	require.Contains(t, form.Body, `value="hold" checked`)
	after := on.Post("/portal/webhooks/wh_1/pause", url.Values{"version": {version(form)}, "onPause": {"drop"}})
	require.Equal(t, "/portal/webhooks/wh_1", after.URL.Path)
	require.Contains(t, text(after.Body), "The webhook is paused.")
	require.Contains(t, text(after.Body), "Deliveries are dropped until you resume.")
	require.Equal(t, hook.Paused, got(t, i, "wh_1").Status)
	require.Equal(t, hook.Drop, got(t, i, "wh_1").OnPause)

	list := on.Post("/portal/webhooks/wh_1/resume", url.Values{"to": {"list"}})
	require.Equal(t, "/portal/webhooks", list.URL.Path)
	require.Contains(t, text(list.Body), "The webhook is resuming")
	require.Equal(t, hook.Resuming, got(t, i, "wh_1").Status)

	part := on.Get("/portal/webhooks/wh_1/pause", "HX-Request", "true")
	require.Contains(t, part.Body, "<dialog data-open")
	require.NotContains(t, part.Body, "<html")
}

var versionField = regexp.MustCompile(`name="version" value="([^"]*)"`)

func version(p portaltest.Page) string {
	return strings.ReplaceAll(versionField.FindStringSubmatch(p.Body)[1], "&#34;", `"`)
}

func TestAWebhookIsDeletedForGood(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	webhook(t, i, "wh_1", nil)
	on := i.VisitAs(portaltest.Account, hook.RoleOwner, hook.Italian)
	form := on.Get("/portal/webhooks/wh_1/delete")
	require.Contains(t, form.Body, "È definitivo")
	require.Equal(t, hook.Active, got(t, i, "wh_1").Status, "it only asks")
	after := on.Post("/portal/webhooks/wh_1/delete", url.Values{"version": {version(form)}})
	require.Equal(t, "/portal/webhooks", after.URL.Path)
	require.Contains(t, after.Body, "Il webhook è stato eliminato.")
	require.Equal(t, hook.Revoked, got(t, i, "wh_1").Status)
	require.Contains(t, on.Get("/portal/webhooks?status=revoked").Body, "wh_1")
	page := on.Get("/portal/webhooks/wh_1")
	require.Contains(t, page.Body, "Resta nello storico")
	require.NotContains(t, page.Body, "/edit")
	require.Equal(t, "/portal/webhooks/wh_1", on.Get("/portal/webhooks/wh_1/delete").URL.Path, "once")
}

func TestNothingIsDoneToAWebhookThatWasChangedMeanwhile(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	webhook(t, i, "wh_1", nil)
	on := i.Visit(hook.RoleOwner)
	for _, what := range []string{"pause", "delete", "secret"} {
		for _, more := range []url.Values{{}, {"onPause": {"drop"}}} {
			more.Set("version", `"99"`)
			page := on.Post("/portal/webhooks/wh_1/"+what, more)
			require.Equal(t, http.StatusPreconditionFailed, page.Status, what)
			require.Contains(t, page.Body, "was changed meanwhile")
			require.Equal(t, `"1"`, version(page), "the form is for what is there now")
		}
	}
	require.EqualValues(t, 1, got(t, i, "wh_1").Version)
}

func TestAnotherSecretIsShownOnce(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	on := i.Visit(hook.RoleOwner)
	webhook(t, i, "wh_1", nil)
	form := on.Get("/portal/webhooks/wh_1/secret")
	require.Contains(t, form.Body, `value="24h" selected`)
	sent := url.Values{"version": {version(form)}, "overlap": {"0s"}, "once": {"abcdefgh-12345678"}}
	made := on.Post("/portal/webhooks/wh_1/secret", sent)
	secret := regexp.MustCompile(`whsec_[A-Za-z0-9+/=]+`).FindString(strings.ReplaceAll(made.Body, "&#43;", "+"))
	require.Len(t, secret, 50)
	again := on.Post("/portal/webhooks/wh_1/secret", sent)
	require.Contains(t, strings.ReplaceAll(again.Body, "&#43;", "+"), secret, "reloading makes no other")
	require.EqualValues(t, 2, got(t, i, "wh_1").Version)
	require.NotContains(t, on.Get("/portal/webhooks/wh_1").Body, secret)
}

func TestATestIsSent(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	webhook(t, i, "wh_1", func(w *hook.Webhook) { w.ItemTypes = []string{"Contact", "InvoiceLine"} })
	webhook(t, i, "wh_2", func(w *hook.Webhook) { w.ItemTypes = []string{"*"} })
	on := i.Visit(hook.RoleOwner)
	require.Contains(t, on.Get("/portal/webhooks/wh_1/test").Body, `value="Contact" checked`)
	after := on.Post("/portal/webhooks/wh_1/test", url.Values{"itemTypes": {"InvoiceLine"}})
	require.Equal(t, "/portal/log", after.URL.Path)
	require.Equal(t, "wh_1", after.URL.Query().Get("webhook"))
	require.Len(t, i.Kafka.Tried, 1)
	require.Equal(t, "InvoiceLine", i.Kafka.Tried[0].ItemType)

	var many []string
	for n := range 11 {
		many = append(many, fmt.Sprintf("Type%d", n))
	}
	refused := on.Post("/portal/webhooks/wh_2/test", url.Values{"itemTypes": many})
	require.Equal(t, http.StatusUnprocessableEntity, refused.Status)
	require.Contains(t, refused.Body, "itemTypes")
	require.Len(t, i.Kafka.Tried, 1)
}

func TestWhoOnlyReadsSeesAndChangesNothing(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	webhook(t, i, "wh_1", nil)
	on := i.Visit(hook.RoleViewer)
	for _, path := range []string{"/portal/webhooks", "/portal/webhooks/wh_1"} {
		page := on.Get(path)
		require.Equal(t, http.StatusOK, page.Status)
		for _, button := range []string{"/edit", "/delete", "/pause", "/resume", "/secret", "/test", "/new", "/connect"} {
			require.NotContains(t, page.Body, button)
		}
	}
	for _, what := range []string{"pause", "delete", "secret", "test"} {
		require.Equal(t, http.StatusForbidden, on.Get("/portal/webhooks/wh_1/"+what).Status)
	}
	for _, what := range []string{"pause", "resume", "delete", "secret", "test"} {
		require.Equal(t, http.StatusForbidden, on.Post("/portal/webhooks/wh_1/"+what, nil).Status)
		require.Equal(t, http.StatusForbidden, i.Visit(hook.RoleOwner).Post("/portal/webhooks/wh_1/"+what, url.Values{"token": {"other"}}).Status, "without the token of the page")
	}
	require.EqualValues(t, 1, got(t, i, "wh_1").Version)
}

func TestAnotherAccountsWebhookIsNotThere(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	webhook(t, i, "wh_1", nil)
	_, err := i.Store.CreateAccount(t.Context(), hook.Account{ID: "other", Name: "Other"})
	require.NoError(t, err)
	on := i.VisitAs("other", hook.RoleOwner, hook.English)
	require.NotContains(t, on.Get("/portal/webhooks").Body, "wh_1")
	require.Equal(t, http.StatusNotFound, on.Get("/portal/webhooks/wh_1").Status)
	for _, what := range []string{"pause", "resume", "delete", "secret", "test"} {
		require.Equal(t, http.StatusNotFound, on.Post("/portal/webhooks/wh_1/"+what, nil).Status, what)
	}
	require.EqualValues(t, 1, got(t, i, "wh_1").Version)
}

func TestWhatPeopleWriteIsNoCode(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	require.NoError(t, put(t, i, hostile, hostile))
	webhook(t, i, "wh_1", func(w *hook.Webhook) {
		w.Description, w.ItemTypes, w.Stores, w.URL = hostile, []string{hostile}, []string{hostile}, "https://example.com/"+hostile
		w.Filter, w.Headers = hostile, []hook.SealedHeader{{Name: hostile, Value: []byte{1}}}
	})
	require.NoError(t, i.Filters.Report(t.Context(), []hook.FilterError{{Webhook: "wh_1", Count: 1, Message: hostile, Event: hostile, At: time.Now()}}))
	on := i.Visit(hook.RoleOwner)
	for _, path := range []string{
		"/portal/webhooks", "/portal/webhooks/wh_1", "/portal/webhooks/wh_1/pause", "/portal/webhooks/wh_1/delete", "/portal/webhooks/wh_1/test", "/portal/webhooks/wh_1/secret",
		"/portal/webhooks?search=" + url.QueryEscape(hostile), "/portal/webhooks?itemType=" + url.QueryEscape(hostile) + "&store=" + url.QueryEscape(hostile),
	} {
		page := on.Get(path)
		require.Equal(t, http.StatusOK, page.Status, path)
		require.NotContains(t, page.Body, "<script>alert", path)
		require.Contains(t, page.Body, "&lt;script&gt;", path)
	}
	for _, part := range []string{"/portal/webhooks?search=script", "/portal/webhooks/wh_1/pause", "/portal/webhooks/wh_1/delete"} {
		require.NotContains(t, on.Get(part, "HX-Request", "true").Body, "<script>alert", part)
	}
}

// BenchmarkList makes the page of the list for an account with 10,000 webhooks: the
// first, and what a search that finds nothing looks through.
