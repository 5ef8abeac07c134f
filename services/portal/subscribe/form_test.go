package subscribe_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/portaltest"
)

func TestTheFormIsThereInBothLanguages(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	for lang, texts := range map[hook.Language][]string{
		hook.English: {"New webhook", "Contact person", "Visibility: stores", "What will be sent"},
		hook.Italian: {"Nuovo webhook", "Persona di contatto", "Visibilità: punti vendita", "Che cosa verrà inviato"},
	} {
		b := i.VisitAs(portaltest.Account, hook.RoleOwner, lang)
		shown := b.Get("/portal/webhooks/new")
		require.Equal(t, http.StatusOK, shown.Status)
		for _, text := range texts {
			require.Contains(t, shown.Body, text)
		}
		require.Contains(t, shown.Body, "appointment.create", "the preview is there at once")
		for _, path := range []string{"/portal/connect", "/portal/start"} {
			require.Equal(t, http.StatusOK, b.Get(path).Status)
		}
	}
}

// Over the list it is a dialog: a part of a page, which stays one until the webhook is
// made, and then is sent once more as a page would send it.
func TestOverTheListTheFormIsADialog(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	b := owner(i)
	opened := b.Get("/portal/webhooks/new", "HX-Request", "true")
	require.Equal(t, http.StatusOK, opened.Status)
	require.Contains(t, opened.Body, "<dialog")
	require.NotContains(t, opened.Body, "<main")
	require.NotContains(t, opened.Body, "data-typed")

	form := filled("url", "nowhere", "once", "K2", "description", "kept")
	refused := b.Post("/portal/webhooks/new", form, "HX-Request", "true")
	require.Equal(t, http.StatusUnprocessableEntity, refused.Status)
	require.Contains(t, refused.Body, "<dialog")
	require.Contains(t, refused.Body, "data-typed", "leaving asks")
	require.Contains(t, refused.Body, `value="kept"`)
	require.NotContains(t, refused.Body, "<main")
	require.Empty(t, webhooks(t, i, portaltest.Account))

	form.Set("url", "https://example.com/in")
	made := b.Post("/portal/webhooks/new", form, "HX-Request", "true")
	require.Equal(t, http.StatusNoContent, made.Status)
	require.Equal(t, "portal:made", made.Header.Get("HX-Trigger"))
	shown := b.Post("/portal/webhooks/new", form)
	require.Equal(t, http.StatusCreated, shown.Status)
	require.Contains(t, shown.Body, "whsec_")
	require.Len(t, webhooks(t, i, portaltest.Account), 1)
}

func TestAWebhookIsMadeOfTheForm(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	_, err := i.Store.PutStore(t.Context(), portaltest.Account, "7", "Milano")
	require.NoError(t, err)
	b := owner(i)
	form := filled("what", "some", "type", "Contact", "type", "Invoice", "others", "Table, Prenotazione", "event", "delete", "where", "some", "store", "7",
		"otherStores", "9", "description", "tills", "payload", "full", "filter", "item.data.total > 1000.0", "headers", "X-Tenant: 7\r\nX-Url: a:b",
		"auth", "basic", "username", "u", "password", "hunter22", "retry", "5, 90m", "rate", "50", "concurrency", "3", "timeout", "10", "ordering", "item",
		"coalesce", "item", "onPause", "drop", "onQuota", "drop", "once", "K1")
	made := b.Post("/portal/webhooks/new", form)
	require.Equal(t, http.StatusCreated, made.Status)
	secret := regexp.MustCompile(`whsec_[A-Za-z0-9+/=]+`)
	// html/template escapes a plus.
	shown := secret.FindString(strings.ReplaceAll(made.Body, "&#43;", "+"))
	require.NotEmpty(t, shown)
	for _, code := range []string{"receiver.go", "receiver.php", "receiver.js", "receiver.py"} {
		require.Contains(t, made.Body, code)
	}

	again := b.Post("/portal/webhooks/new", form)
	require.Equal(t, shown, secret.FindString(strings.ReplaceAll(again.Body, "&#43;", "+")), "reloaded, it is the same")
	all := webhooks(t, i, portaltest.Account)
	require.Len(t, all, 1)
	w := all[0]
	require.Equal(t, []string{"Contact", "Invoice", "Table", "Prenotazione"}, w.ItemTypes)
	require.Equal(t, []hook.EventType{hook.Delete}, w.EventTypes)
	require.Equal(t, []string{"7", "9"}, w.Stores)
	require.Equal(t, "item.data.total > 1000.0", w.Filter)
	require.Len(t, w.Headers, 2)
	require.Equal(t, hook.AuthBasic, w.Auth.Type)
	require.Equal(t, 50, w.RateLimit)
	require.Equal(t, "10s", w.Timeout.String())
	require.Len(t, w.RetrySchedule, 2)

	edit := b.Get("/portal/webhooks/" + w.ID + "/edit")
	require.Equal(t, http.StatusOK, edit.Status)
	require.NotContains(t, edit.Body, "hunter22")
	require.NotContains(t, edit.Body, shown)
	require.Contains(t, edit.Body, "X-Tenant: ***")
	require.Contains(t, edit.Body, "Table, Prenotazione")
}

func TestAFormThatIsRefusedKeepsWhatWasWritten(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	b := i.VisitAs(portaltest.Account, hook.RoleOwner, hook.Italian)
	b.Get("/portal/webhooks/new")
	refused := b.Post("/portal/webhooks/new", filled("url", "http://127.0.0.1/x", "what", "some", "rate", "many", "headers", "Host: x", "timeout", "1h",
		"filter", "true &&\n  item.", "description", "mine"))
	require.Equal(t, http.StatusUnprocessableEntity, refused.Status)
	for _, text := range []string{
		"non può indicare un indirizzo privato o riservato", "scegline almeno uno", "deve essere un numero intero da 0 a 100000", "non si può impostare",
		"deve essere una durata da 1s a 30s", "espressione CEL", `value="http://127.0.0.1/x"`, `value="mine"`, `value="many"`, "Host: x",
	} {
		require.Contains(t, refused.Body, text)
	}
	require.Empty(t, webhooks(t, i, portaltest.Account))

	none := b.Post("/portal/webhooks/new", filled("where", "some"))
	require.Equal(t, http.StatusUnprocessableEntity, none.Status, "no store is not every store")
	require.Contains(t, none.Body, "scegline almeno uno, oppure tutti")
}

func TestAFieldIsCheckedAsOneLeavesIt(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	b := owner(i)
	check := func(field string, form url.Values) string {
		checked := b.Post("/portal/webhooks/check?field="+field, form, "HX-Request", "true")
		require.Equal(t, http.StatusOK, checked.Status)
		return strings.TrimSpace(checked.Body)
	}
	require.Empty(t, check("url", filled("what", "some")), "what is wrong elsewhere is not said here")
	require.Contains(t, check("url", filled("url", "http://10.0.0.1/")), "must not name a private or reserved address")
	require.Contains(t, check("url", filled("url", "")), "must be")
	require.Empty(t, check("filter", filled("filter", "item.data.total > 1.0")))
	require.Contains(t, check("filter", filled("filter", "item.data.total > nothing")), "                  <b>^</b>", "it points at the column")
	require.Equal(t, http.StatusNotFound, b.Post("/portal/webhooks/check?field=secret", filled()).Status)
}

func TestThePreviewIsWhatWillBeSent(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	b := owner(i)
	preview := func(form url.Values) string {
		shown := b.Post("/portal/webhooks/preview", form, "HX-Request", "true")
		require.Equal(t, http.StatusOK, shown.Status)
		require.NotContains(t, shown.Body, "<html")
		return shown.Body
	}
	require.Contains(t, preview(filled("url", "")), "https://example.com/webhooks", "an address is made up until there is one")
	body := preview(filled("format", "rentman", "language", "it", "what", "some", "type", "Contact", "sampleType", "Contact", "sampleEvent", "delete"))
	require.Contains(t, body, "tipoElemento")
	require.Contains(t, body, "elimina")
	require.Contains(t, body, "Digest:")
	require.Contains(t, preview(filled("what", "some", "type", "Contact", "sampleType", "Invoice")), "contact.create", "not of a type that is not chosen")
	require.Contains(t, preview(filled("what", "notices")), "webhook.failing")
	require.Contains(t, preview(filled("what", "some", "where", "some")), "appointment.create", "half filled in, it is shown as far as it goes")
	require.Contains(t, preview(filled("timeout", "1h")), "Timeout")
	require.Empty(t, webhooks(t, i, portaltest.Account))
}

func TestAWebhookIsChanged(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	b := owner(i)
	b.Post("/portal/webhooks/new", filled("headers", "X-Key: abc", "auth", "bearer", "bearer", "t0ps3cret"))
	before := webhooks(t, i, portaltest.Account)[0]
	path := "/portal/webhooks/" + before.ID + "/edit"
	require.NotContains(t, b.Get(path).Body, "t0ps3cret")

	saved := b.Post(path, filled("headers", "X-Key: ***", "auth", "bearer", "description", "new", "version", `"1"`))
	require.Equal(t, http.StatusOK, saved.Status)
	require.Equal(t, "/portal/webhooks", saved.URL.Path)
	require.Contains(t, saved.Body, "The webhook is saved")
	after := webhooks(t, i, portaltest.Account)[0]
	require.Equal(t, "new", after.Description)
	require.Equal(t, before.Headers, after.Headers, "what is masked stays")
	require.Equal(t, before.Auth.Secret, after.Auth.Secret)
	require.Equal(t, before.Secrets, after.Secrets)
	require.Equal(t, before.EnabledAt, after.EnabledAt, "the URL was not saved anew")

	stale := b.Post(path, filled("headers", "X-Key: ***", "auth", "bearer", "description", "other", "version", `"1"`))
	require.Equal(t, http.StatusPreconditionFailed, stale.Status)
	require.Contains(t, stale.Body, "Somebody has changed this webhook meanwhile")
	require.Contains(t, stale.Body, `value="other"`)
	require.Equal(t, "new", webhooks(t, i, portaltest.Account)[0].Description)

	refused := b.Post(path, filled("url", "https://elsewhere.example.com", "headers", "X-Key: ***", "auth", "bearer", "version", `"2"`))
	require.Equal(t, http.StatusUnprocessableEntity, refused.Status)
	require.Contains(t, refused.Body, "must be given again")
}

// Names that nobody knows are written, between commas; those that have one are ticked.
func TestAChangeKeepsNamesWithCommas(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	b := owner(i)
	b.Post("/portal/webhooks/new", filled("what", "some", "type", "Rooms, booked", "where", "some", "store", "7,8", "store", " 9"))
	before := webhooks(t, i, portaltest.Account)[0]
	require.Equal(t, []string{"Rooms, booked"}, before.ItemTypes)
	require.Equal(t, []string{"7,8", " 9"}, before.Stores)
	page := b.Get("/portal/webhooks/" + before.ID + "/edit").Body
	for _, ticked := range []string{`name="type" value="Rooms, booked" checked`, `name="store" value="7,8" checked`, `name="store" value=" 9" checked`} {
		require.Contains(t, page, ticked)
	}
	require.NotContains(t, page, `name="otherStores" value="7`)
}

func TestADisabledWebhookIsEnabledByItsURL(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	b := owner(i)
	b.Post("/portal/webhooks/new", filled())
	w := webhooks(t, i, portaltest.Account)[0]
	disable := func() {
		_, err := i.Store.UpdateWebhook(t.Context(), portaltest.Account, w.ID, 0, func(w *hook.Webhook) error {
			w.Status = hook.Disabled
			return nil
		})
		require.NoError(t, err)
	}
	disable()
	path := "/portal/webhooks/" + w.ID + "/edit"
	require.Contains(t, b.Get(path).Body, "Enable it again")
	b.Post(path, filled())
	require.Equal(t, hook.Disabled, webhooks(t, i, portaltest.Account)[0].Status, "not asked for")
	b.Post(path, filled("enable", "1"))
	require.NotEqual(t, hook.Disabled, webhooks(t, i, portaltest.Account)[0].Status)
}

func TestAnOperationalWebhook(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	b := owner(i)
	require.Equal(t, http.StatusCreated, b.Post("/portal/webhooks/new", filled("what", "notices", "notice", "webhook.disabled")).Status)
	w := webhooks(t, i, portaltest.Account)[0]
	require.Equal(t, []hook.Notice{"webhook.disabled"}, w.Notices)
	edit := b.Get("/portal/webhooks/" + w.ID + "/edit")
	require.NotContains(t, edit.Body, `name="event"`)
	require.Equal(t, http.StatusOK, b.Post("/portal/webhooks/"+w.ID+"/edit", filled("what", "notices", "notice", "*")).Status)
}

func TestConnectTakesAURLAndGivesAToken(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	b := i.VisitAs(portaltest.Account, hook.RoleOwner, hook.Italian)
	b.Get("/portal/connect")
	refused := b.Post("/portal/connect", url.Values{"url": {"ftp://x"}})
	require.Equal(t, http.StatusUnprocessableEntity, refused.Status)
	require.Contains(t, refused.Body, "deve essere un URL completo")
	made := b.Post("/portal/connect", url.Values{"url": {"https://mywebhookurl.com"}, "once": {"k"}})
	require.Equal(t, http.StatusCreated, made.Status)
	require.Regexp(t, `<code id="secret">[0-9a-f]{64}</code>`, made.Body)
	require.Contains(t, made.Body, "Digest")
	w := webhooks(t, i, portaltest.Account)[0]
	require.Equal(t, hook.FormatRentman, w.Format)
	require.Equal(t, hook.Italian, w.Language)
	require.Equal(t, []string{"*"}, w.ItemTypes)
}

func TestThePreviewIsOfTheRealAPI(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	shown := owner(i).Post("/portal/webhooks/preview", filled("format", "cloudevents"))
	body := regexp.MustCompile(`(?s)aria-label="Body"><code>(.*?)</code>`).FindStringSubmatch(shown.Body)
	require.NotNil(t, body)
	text := strings.NewReplacer("&#34;", `"`, "&#43;", "+", "&amp;", "&").Replace(body[1])
	var event map[string]any
	require.NoError(t, json.Unmarshal([]byte(text), &event))
	require.Equal(t, "/accounts/"+portaltest.Account, event["source"])
}
