package subscribe_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/portaltest"
)

func TestViewersOnlySee(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	b := owner(i)
	b.Post("/portal/webhooks/new", filled())
	id := webhooks(t, i, portaltest.Account)[0].ID
	viewer := i.Visit(hook.RoleViewer)
	require.Contains(t, viewer.Get("/portal/start").Body, "Your role lets you see")
	require.NotContains(t, viewer.Get("/portal/start/"+id).Body, "Send a test</button>")
	for _, path := range []string{
		"/portal/webhooks/new", "/portal/webhooks/" + id + "/edit", "/portal/webhooks/preview", "/portal/webhooks/check?field=url", "/portal/connect",
		"/portal/start", "/portal/start/" + id + "/test",
	} {
		require.Equal(t, http.StatusForbidden, viewer.Post(path, filled()).Status, path)
		require.Equal(t, http.StatusForbidden, b.Post(path, filled("token", "wrong")).Status, path)
	}
	for _, path := range []string{"/portal/webhooks/new", "/portal/webhooks/" + id + "/edit", "/portal/connect"} {
		require.Equal(t, http.StatusForbidden, viewer.Get(path).Status, path)
	}
	require.Len(t, webhooks(t, i, portaltest.Account), 1)
}

func TestAnotherAccountsWebhookIsNotThere(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	owner(i).Post("/portal/webhooks/new", filled())
	id := webhooks(t, i, portaltest.Account)[0].ID
	_, err := i.Store.CreateAccount(t.Context(), hook.Account{ID: "other", Name: "Other"})
	require.NoError(t, err)
	b := i.VisitAs("other", hook.RoleOwner, hook.English)
	b.Get("/portal/webhooks/new")
	for _, path := range []string{"/portal/webhooks/" + id + "/edit", "/portal/start/" + id, "/portal/start/" + id + "/arrival?delivery=x"} {
		require.Equal(t, http.StatusNotFound, b.Get(path).Status, path)
	}
	require.Equal(t, http.StatusNotFound, b.Post("/portal/webhooks/"+id+"/edit", filled()).Status)
	require.Equal(t, http.StatusNotFound, b.Post("/portal/start/"+id+"/test", url.Values{}).Status)
	require.Equal(t, http.StatusNotFound, b.Post("/portal/webhooks/preview", filled("webhook", id)).Status)
}

func TestARevokedWebhookIsNotChanged(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	b := owner(i)
	b.Post("/portal/webhooks/new", filled())
	w := webhooks(t, i, portaltest.Account)[0]
	_, err := i.Store.UpdateWebhook(t.Context(), portaltest.Account, w.ID, 0, func(w *hook.Webhook) error {
		w.Status = hook.Revoked
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, http.StatusNotFound, b.Get("/portal/webhooks/"+w.ID+"/edit").Status)
	require.Equal(t, http.StatusNotFound, b.Post("/portal/webhooks/"+w.ID+"/edit", filled()).Status)
}

// Whatever is written into a form, it comes back as text.
func TestHostileInputStaysText(t *testing.T) {
	t.Parallel()
	const attack = `"><script>alert(1)</script>`
	i := portaltest.New(t)
	_, err := i.Store.PutStore(t.Context(), portaltest.Account, "7", attack)
	require.NoError(t, err)
	b := owner(i)
	form := filled()
	for name := range form {
		form[name] = []string{attack}
	}
	for _, name := range []string{
		"type", "others", "store", "otherStores", "description", "filter", "headers", "username", "password", "bearer", "tokenUrl", "clientId",
		"clientSecret", "scopes", "audience", "certificate", "key", "secret", "rate", "concurrency", "sampleType", "sampleEvent", "notice", "version",
	} {
		form.Set(name, attack)
	}
	pages := []portaltest.Page{b.Post("/portal/webhooks/preview", form)}
	for _, auth := range []string{attack, "basic", "bearer", "oauth2", "mtls"} {
		for _, what := range []string{attack, "some", "notices"} {
			form.Set("auth", auth)
			form.Set("what", what)
			pages = append(pages, b.Post("/portal/webhooks/new", form))
		}
	}
	for _, field := range []string{"url", "filter"} {
		pages = append(pages, b.Post("/portal/webhooks/check?field="+field, form))
	}
	pages = append(pages, b.Post("/portal/connect", url.Values{"url": {attack}}), b.Post("/portal/start", url.Values{"receiver": {"own"}, "url": {attack}}))

	// What the API takes of it is shown later.
	made := b.Post("/portal/webhooks/new", filled("what", "some", "others", attack, "where", "some", "otherStores", attack, "description", attack,
		"filter", `"<script>alert(1)</script>" == ""`, "url", "https://example.com/<script>alert(1)</script>?a=\"", "headers", "X-A: "+attack))
	require.Equal(t, http.StatusCreated, made.Status, made.Body)
	id := webhooks(t, i, portaltest.Account)[0].ID
	pages = append(pages, made, b.Get("/portal/webhooks/"+id+"/edit"), b.Get("/portal/start/"+id), b.Get("/portal/start/"+id+"?delivery="+url.QueryEscape(attack)),
		b.Get("/portal/start/"+id+"/arrival?polls=x&delivery="+url.QueryEscape(attack)))
	for n, shown := range pages {
		require.Less(t, shown.Status, 500, "%d: %s", n, shown.URL)
		require.NotContains(t, shown.Body, "<script>alert", "%d: %s", n, shown.URL)
	}
}
