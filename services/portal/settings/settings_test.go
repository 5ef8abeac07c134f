package settings_test

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

// hostile is what a page must show as it is.
const hostile = `"><script>alert(1)</script>`

var (
	pages = []string{
		"/portal/settings", "/portal/settings/keys", "/portal/settings/limits", "/portal/settings/stores", "/portal/settings/schemas", "/portal/settings/links",
	}
	// changes are all forms.
	changes = []string{
		"/portal/settings/members", "/portal/settings/members/change", "/portal/settings/members/remove", "/portal/settings/keys",
		"/portal/settings/keys/revoke", "/portal/settings/links", "/portal/settings/stores", "/portal/settings/stores/remove",
		"/portal/settings/schemas", "/portal/settings/schemas/remove",
	}
)

// field is the value of a hidden field of a page.
func field(t *testing.T, page portaltest.Page, name string) string {
	t.Helper()
	found := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(page.Body)
	require.NotNil(t, found, "no field %q", name)
	return found[1]
}

// id is that of the first thing of a kind which a page names.
func id(t *testing.T, page portaltest.Page, prefix string) string {
	t.Helper()
	found := regexp.MustCompile(prefix + `_[a-z0-9]{26}`).FindString(page.Body)
	require.NotEmpty(t, found)
	return found
}

func TestSettingsAreForThoseWithAccessToThem(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	viewer, reader := i.Visit(hook.RoleViewer), i.Enter(i.Key(portaltest.Account, "key_reader", hook.ScopeRead, hook.ScopeWrite))
	for _, path := range pages {
		for _, on := range []*portaltest.Browser{viewer, reader} {
			refused := on.Get(path)
			require.Equal(t, http.StatusForbidden, refused.Status, path)
			require.Contains(t, refused.Body, "You have no access to settings", path)
		}
		require.Equal(t, "/portal/", i.Stranger().Get(path).URL.Path, path)
	}
	owner := i.Visit(hook.RoleOwner)
	for _, path := range changes {
		require.Equal(t, http.StatusForbidden, viewer.Post(path, url.Values{}).Status, path)
		require.NotEqual(t, http.StatusOK, reader.Post(path, url.Values{"id": {"7"}, "name": {"Roma"}}).Status, path)
		owner.Get("/portal/settings")
		for _, token := range []string{"", "none"} {
			require.Equal(t, http.StatusForbidden, owner.Post(path, url.Values{"token": {token}}).Status, path)
		}
	}
	stores, _, err := i.Store.Stores(t.Context(), portaltest.Account, hook.Page{Limit: 9})
	require.NoError(t, err)
	require.Empty(t, stores)
}

func TestEveryTabSpeaksBothLanguages(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	english := i.VisitAs(portaltest.Account, hook.RoleOwner, hook.English)
	italian := i.VisitAs(portaltest.Account, hook.RoleOwner, hook.Italian)
	for n, path := range pages {
		en, it := english.Get(path), italian.Get(path)
		require.Equal(t, http.StatusOK, en.Status, path)
		require.Contains(t, en.Body, "<h1>Settings</h1>", path)
		require.Equal(t, http.StatusOK, it.Status, path)
		require.Contains(t, it.Body, "<h1>Impostazioni</h1>", path)
		require.Contains(t, it.Body, []string{"Membri", "Chiavi API", "Limiti", "Punti vendita", "Schemi dei dati", "Link al portale"}[n])
		require.Equal(t, 1, strings.Count(it.Body, `<nav class="tabs"`))
	}
}

func TestMembersAreAddedChangedAndRemoved(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	on := i.Visit(hook.RoleOwner)
	require.Contains(t, on.Get("/portal/settings").Body, "No members yet")
	form := on.Get("/portal/settings?new")
	require.Contains(t, form.Body, "<dialog open data-open")
	sent := url.Values{
		"email": {" giulia@example.com "}, "name": {hostile}, "role": {"owner"}, "language": {"it"}, "once": {field(t, form, "once")},
	}
	for range 2 { // a form that is sent twice adds one
		added := on.Post("/portal/settings/members", sent)
		require.Equal(t, "/portal/settings", added.URL.Path)
		require.Contains(t, added.Body, "The member was added.")
		require.Contains(t, added.Body, "giulia@example.com")
		require.Contains(t, added.Body, "&lt;script&gt;alert(1)&lt;/script&gt;")
		require.NotContains(t, added.Body, "<script>alert")
	}
	giulia := id(t, on.Get("/portal/settings"), "mbr")

	edit := on.Get("/portal/settings?edit=" + giulia)
	require.Contains(t, edit.Body, `value="giulia@example.com"`)
	refused := on.Post("/portal/settings/members/change", url.Values{"id": {giulia}, "email": {"giulia@example.com"}, "role": {"viewer"}, "language": {"it"}})
	require.Equal(t, http.StatusUnprocessableEntity, refused.Status)
	require.Contains(t, refused.Body, "the last owner")
	require.Contains(t, refused.Body, `value="viewer" checked`, "what was chosen is kept")
	refused = on.Post("/portal/settings/members/remove", url.Values{"id": {giulia}, "email": {"giulia@example.com"}})
	require.Equal(t, http.StatusUnprocessableEntity, refused.Status)
	require.Contains(t, refused.Body, "the last owner")

	on.Post("/portal/settings/members", url.Values{"email": {"mario@example.com"}, "role": {"owner"}, "language": {"en"}})
	changed := on.Post("/portal/settings/members/change", url.Values{"id": {giulia}, "email": {"ferri@example.com"}, "role": {"viewer"}, "language": {"en"}})
	require.Contains(t, changed.Body, "The member was changed.")
	member, err := i.Store.Member(t.Context(), portaltest.Account, giulia)
	require.NoError(t, err)
	require.Equal(t, []any{"ferri@example.com", "", hook.RoleViewer, hook.English}, []any{member.Email, member.Name, member.Role, member.Language})
	require.Contains(t, on.Get("/portal/settings?remove="+giulia).Body, "Remove this member?")
	require.Contains(t, on.Post("/portal/settings/members/remove", url.Values{"id": {giulia}}).Body, "The member was removed.")
	require.Equal(t, http.StatusNotFound, on.Get("/portal/settings?edit="+giulia).Status)
}

func TestARefusedMemberIsShownAgain(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	on := i.VisitAs(portaltest.Account, hook.RoleOwner, hook.Italian)
	on.Get("/portal/settings")
	for _, email := range []string{"", "nobody", hostile, "a b@example.com", "\xff"} {
		refused := on.Post("/portal/settings/members", url.Values{"email": {email}, "name": {hostile}, "role": {"viewer"}, "language": {"it"}})
		require.Equal(t, http.StatusUnprocessableEntity, refused.Status, email)
		require.Contains(t, refused.Body, "deve essere un indirizzo email", email)
		require.Contains(t, refused.Body, `value="&#34;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"`, email)
		require.NotContains(t, refused.Body, "<script>alert", email)
		require.Contains(t, refused.Body, `aria-invalid="true"`, email)
	}
	refused := on.Post("/portal/settings/members", url.Values{"email": {"a@example.com"}, "role": {"strange"}, "language": {"it"}})
	require.Equal(t, http.StatusUnprocessableEntity, refused.Status)
}

func TestWhoMayLessMakesNoOwners(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	owner := i.Visit(hook.RoleOwner)
	owner.Get("/portal/settings")
	owner.Post("/portal/settings/members", url.Values{"email": {"giulia@example.com"}, "role": {"owner"}, "language": {"it"}})
	on := i.Visit(hook.RoleSettings)
	list := on.Get("/portal/settings")
	giulia, _, err := i.Store.Members(t.Context(), portaltest.Account, hook.Page{Limit: 1})
	require.NoError(t, err)
	require.NotContains(t, list.Body, "?edit="+giulia[0].ID)
	require.NotContains(t, on.Get("/portal/settings?new").Body, `value="owner"`)
	require.NotContains(t, on.Get("/portal/settings?edit="+giulia[0].ID).Body, "<dialog")
	for path, form := range map[string]url.Values{
		"members":        {"email": {"a@example.com"}, "role": {"owner"}, "language": {"it"}},
		"members/change": {"id": {giulia[0].ID}, "email": {"a@example.com"}, "role": {"owner"}, "language": {"it"}},
		"members/remove": {"id": {giulia[0].ID}},
		"keys":           {"name": {"x"}, "scope": {"publish"}},
		"links":          {"role": {"owner"}, "ttl": {"1h"}, "language": {"en"}},
	} {
		require.Equal(t, http.StatusForbidden, on.Post("/portal/settings/"+path, form).Status, path)
	}
}

func TestOtherAccountsThingsAreNotThere(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	i.NewAccount("other")
	other := i.VisitAs("other", hook.RoleOwner, hook.English)
	other.Get("/portal/settings")
	other.Post("/portal/settings/members", url.Values{"email": {"ada@example.com"}, "role": {"viewer"}, "language": {"en"}})
	other.Post("/portal/settings/stores", url.Values{"id": {"7"}, "name": {"Roma"}, "dialog": {"new"}})
	other.Post("/portal/settings/schemas", url.Values{"itemType": {"Contact"}, "schema": {"{}"}, "dialog": {"new"}})
	i.Key("other", "key_other", hook.ScopeRead)
	ada := id(t, other.Get("/portal/settings"), "mbr")
	on := i.Visit(hook.RoleOwner)
	for _, path := range []string{
		"settings?edit=" + ada, "settings?remove=" + ada, "settings/keys?remove=key_other", "settings/stores?edit=7", "settings/stores?remove=7",
		"settings/schemas?edit=Contact", "settings/schemas?remove=Contact", "settings?cursor=none", "settings/keys?cursor=none",
	} {
		require.Equal(t, http.StatusNotFound, on.Get("/portal/"+path).Status, path)
	}
	for path, form := range map[string]url.Values{
		"members/change": {"id": {ada}, "email": {"x@example.com"}, "role": {"viewer"}, "language": {"it"}}, "members/remove": {"id": {ada}},
		"keys/revoke": {"id": {"key_other"}}, "stores/remove": {"id": {"7"}}, "schemas/remove": {"itemType": {"Contact"}},
	} {
		require.Equal(t, http.StatusNotFound, on.Post("/portal/settings/"+path, form).Status, path)
	}
}
