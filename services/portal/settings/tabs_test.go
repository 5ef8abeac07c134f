package settings_test

import (
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

var keyText = regexp.MustCompile(`sk_[A-Za-z0-9_-]{43}`)

func TestAKeyIsShownOnce(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	on := i.Visit(hook.RoleSettings)
	form := on.Get("/portal/settings/keys?new")
	require.NotContains(t, form.Body, `value="publish"`, "nobody gives what they have not")
	sent := url.Values{
		"name": {hostile}, "scope": {"read", "settings"}, "expires": {"2090-01-31"}, "once": {field(t, form, "once")},
	}
	made := on.Post("/portal/settings/keys", sent)
	require.Equal(t, http.StatusOK, made.Status)
	key := keyText.FindString(made.Body)
	require.NotEmpty(t, key)
	require.NotContains(t, made.Body, "<script>alert")
	require.Contains(t, made.Body, "2090-02-01 00:00:00 UTC", "to the end of the day")
	require.Equal(t, key, keyText.FindString(on.Post("/portal/settings/keys", sent).Body), "a reload shows it again")
	list := on.Get("/portal/settings/keys")
	require.Empty(t, keyText.FindString(list.Body))
	require.Equal(t, 1, strings.Count(list.Body, "?remove=key_"))

	held := i.Enter(key)
	mine := held.Get("/portal/settings/keys")
	require.Contains(t, mine.Body, "You use it now")
	id := id(t, mine, "key")
	require.Contains(t, on.Get("/portal/settings/keys?remove="+id).Body, "Revoke this key?")
	require.Contains(t, on.Post("/portal/settings/keys/revoke", url.Values{"id": {id}}).Body, "The key was revoked.")
	require.Equal(t, "/portal/", held.Get("/portal/settings/keys").URL.Path, "its session ended")
}

func TestARefusedKeyIsShownAgain(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	on := i.VisitAs(portaltest.Account, hook.RoleOwner, hook.Italian)
	on.Get("/portal/settings/keys")
	for name, form := range map[string]url.Values{
		"no name": {"scope": {"write"}}, "no scopes": {"name": {"x"}}, "past": {"name": {"x"}, "scope": {"write"}, "expires": {"2001-01-01"}},
		"no day": {"name": {"x"}, "scope": {"write"}, "expires": {hostile}}, "no scope": {"name": {"x"}, "scope": {"strange"}},
		"a bad once": {"name": {"x"}, "scope": {"write"}, "once": {"è" + strings.Repeat("x", 500)}},
	} {
		refused := on.Post("/portal/settings/keys", form)
		require.Equal(t, http.StatusUnprocessableEntity, refused.Status, name)
		require.Contains(t, refused.Body, "<dialog open data-open", name)
		require.Contains(t, refused.Body, `class="fault`, name)
		require.NotContains(t, refused.Body, "<script>alert", name)
		require.Empty(t, keyText.FindString(refused.Body), name)
		require.Equal(t, form.Has("scope") && form.Get("scope") == "write", strings.Contains(refused.Body, `value="write" checked`), name)
	}
}

func TestLimitsAreShown(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	on := i.Visit(hook.RoleSettings)
	require.Contains(t, on.Get("/portal/settings/limits").Body, "There is no limit.")
	for _, test := range []struct {
		period time.Duration
		want   string
	}{
		{time.Hour, "an hour"}, {10 * time.Minute, "every 10 minutes"}, {90 * time.Second, "every 90 seconds"}, {48 * time.Hour, "every 2 days"},
		{24 * time.Hour, "a day"}, {90 * time.Minute, "every 90 minutes"},
	} {
		_, err := i.Store.UpdateAccount(t.Context(), portaltest.Account, func(a *hook.Account) error {
			a.Quota = &hook.Quota{Calls: 5000, Period: test.period}
			a.Streak = &hook.StreakRule{Notify: []int{2, 4}}
			return nil
		})
		require.NoError(t, err)
		shown := on.Get("/portal/settings/limits").Body
		require.Contains(t, shown, "of 5,000 calls "+test.want)
		require.NotContains(t, shown, "%!")
		require.Contains(t, shown, "after 2, 4 failures")
		require.Contains(t, shown, "<dd>never</dd>")
	}
	italian := i.VisitAs(portaltest.Account, hook.RoleOwner, hook.Italian)
	require.Contains(t, italian.Get("/portal/settings/limits").Body, "di 5.000 chiamate ogni 90 minuti")
	i.Failing(portaltest.Account, "wh_till", "Till", 7)
	require.Contains(t, on.Get("/portal/settings/limits").Body, `<strong class="big">7</strong>`, "what was used in this period")
}

func TestStoresAreNamed(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	on := i.Visit(hook.RoleOwner)
	require.Contains(t, on.Get("/portal/settings/stores").Body, "No stores yet")
	for _, id := range []string{"7", "a/b c?d#e%f", "<7>", "punto è", "..x"} {
		named := on.Post("/portal/settings/stores", url.Values{"id": {id}, "name": {hostile}, "dialog": {"new"}})
		require.Contains(t, named.Body, "The store was saved.", id)
		require.NotContains(t, named.Body, "<script>alert", id)
		edit := on.Get("/portal/settings/stores?edit=" + url.QueryEscape(id))
		require.Equal(t, http.StatusOK, edit.Status, id)
		renamed := on.Post("/portal/settings/stores", url.Values{"id": {id}, "name": {"Milano " + id}, "dialog": {"edit"}})
		require.Contains(t, renamed.Body, "The store was saved.", id)
		stores, _, err := i.Store.Stores(t.Context(), portaltest.Account, hook.Page{Limit: 9})
		require.NoError(t, err)
		require.Len(t, stores, 1, id)
		require.Equal(t, []string{id, "Milano " + id}, []string{stores[0].ID, stores[0].Name})
		require.Contains(t, on.Get("/portal/settings/stores?remove="+url.QueryEscape(id)).Body, "Remove this store?", id)
		require.Contains(t, on.Post("/portal/settings/stores/remove", url.Values{"id": {id}}).Body, "The store was removed.", id)
	}
	for _, bad := range []url.Values{
		{"id": {""}, "name": {"x"}}, {"id": {"."}, "name": {"x"}}, {"id": {".."}, "name": {"x"}}, {"id": {"7"}, "name": {" "}},
		{"id": {strings.Repeat("7", 257)}, "name": {"x"}}, {"id": {"7"}, "name": {strings.Repeat("n", 201)}},
	} {
		bad.Set("dialog", "new")
		refused := on.Post("/portal/settings/stores", bad)
		require.Equal(t, http.StatusUnprocessableEntity, refused.Status, bad)
		require.Contains(t, refused.Body, `class="fault`, bad)
	}
	require.Equal(t, http.StatusNotFound, on.Post("/portal/settings/stores/remove", url.Values{"id": {".."}}).Status)
}

func TestSchemasAreKept(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	on := i.Visit(hook.RoleOwner)
	require.Contains(t, on.Get("/portal/settings/schemas?new").Body, `<option value="Contact">`)
	saved := on.Post("/portal/settings/schemas", url.Values{
		"itemType": {"Contact"}, "schema": {`{"type":"object","description":"</textarea><script>alert(1)</script>"}`}, "dialog": {"new"},
	})
	require.Contains(t, saved.Body, "The schema was saved.")
	edit := on.Get("/portal/settings/schemas?edit=Contact")
	require.Contains(t, edit.Body, "&lt;/textarea&gt;&lt;script&gt;alert(1)")
	require.NotContains(t, edit.Body, "<script>alert")
	for _, bad := range []url.Values{
		{"itemType": {"Contact"}, "schema": {"{"}}, {"itemType": {"Contact"}, "schema": {`{"type": 7}`}}, {"itemType": {""}, "schema": {"{}"}},
		{"itemType": {".."}, "schema": {"{}"}}, {"itemType": {hostile + strings.Repeat("x", 200)}, "schema": {"{}"}},
	} {
		refused := on.Post("/portal/settings/schemas", bad)
		require.Equal(t, http.StatusUnprocessableEntity, refused.Status, bad)
		require.NotContains(t, refused.Body, "<script>alert", bad)
	}
	reader := i.Enter(i.Key(portaltest.Account, "key_1", hook.ScopeRead, hook.ScopeSettings))
	shown := reader.Get("/portal/settings/schemas?edit=Contact")
	require.NotContains(t, shown.Body, "<form method=\"post\" action=\"/portal/settings")
	require.Contains(t, shown.Body, "&#34;type&#34;")
	require.Equal(t, http.StatusForbidden, reader.Post("/portal/settings/schemas/remove", url.Values{"itemType": {"Contact"}}).Status)
	require.Contains(t, on.Get("/portal/settings/schemas?remove=Contact").Body, "Remove this schema?")
	require.Contains(t, on.Post("/portal/settings/schemas/remove", url.Values{"itemType": {"Contact"}}).Body, "The schema was removed.")
}

func TestAPortalLinkIsMadeHere(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	guest := i.Visit(hook.RoleOwner)
	require.Contains(t, guest.Get("/portal/settings/links").Body, "You came by a portal link")
	require.Equal(t, http.StatusForbidden, guest.Post("/portal/settings/links", url.Values{"role": {"viewer"}, "ttl": {"1h"}, "language": {"en"}}).Status)

	on := i.Enter(i.Key(portaltest.Account, "key_1", hook.ScopeRead, hook.ScopeSettings))
	form := on.Get("/portal/settings/links")
	require.NotContains(t, form.Body, `value="settings"`, "a key gives at most its own scopes")
	sent := url.Values{"role": {"viewer"}, "ttl": {"15m"}, "language": {"it"}, "once": {field(t, form, "once")}}
	link := regexp.MustCompile(`https://hooks\.example\.com(/portal/\?token=pl_[A-Za-z0-9_-]+)`)
	made := on.Post("/portal/settings/links", sent)
	require.Equal(t, http.StatusOK, made.Status)
	found := link.FindStringSubmatch(made.Body)
	require.NotNil(t, found)
	require.Equal(t, found, link.FindStringSubmatch(on.Post("/portal/settings/links", sent).Body), "a reload shows it again")
	require.Nil(t, link.FindStringSubmatch(on.Get("/portal/settings/links").Body))
	opened := i.Stranger().Get(found[1])
	require.Contains(t, opened.Body, `<html lang="it"`)
	for _, bad := range []url.Values{{"role": {"strange"}, "ttl": {"1h"}, "language": {"it"}}, {"role": {"viewer"}, "ttl": {hostile}, "language": {"it"}}} {
		refused := on.Post("/portal/settings/links", bad)
		require.Equal(t, http.StatusUnprocessableEntity, refused.Status)
		require.NotContains(t, refused.Body, "<script>alert")
	}
}
