package subscribe_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/format"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal"
	"github.com/staffetta/staffetta/services/portal/portaltest"
	"github.com/staffetta/staffetta/services/portal/trial"
)

// filled is a form of a webhook as a browser sends it, with some fields changed.
func filled(changes ...string) url.Values {
	form := url.Values{
		"what": {"all"}, "event": {"create", "update", "delete"}, "where": {"all"}, "url": {"https://example.com/hook"},
		"format": {"standard"}, "language": {"en"}, "payload": {"thin"}, "cloudevents": {"structured"}, "signature": {"hmac-sha256"}, "auth": {"none"},
		"retry": {"5s, 5m"}, "timeout": {"15s"}, "ordering": {"none"}, "coalesce": {"none"}, "onPause": {"hold"}, "onQuota": {"defer"},
	}
	for i := 0; i < len(changes); i += 2 {
		form.Del(changes[i])
	}
	for i := 0; i < len(changes); i += 2 {
		form.Add(changes[i], changes[i+1])
	}
	return form
}

// webhooks are those of an account, the newest first.
func webhooks(t *testing.T, i *portaltest.Installation, account string) []hook.Webhook {
	t.Helper()
	all, _, err := i.Store.Webhooks(t.Context(), account, hook.WebhookFilter{}, hook.Page{Limit: 10})
	require.NoError(t, err)
	return all
}

// owner opens the form, which gives the browser its token.
func owner(i *portaltest.Installation) *portaltest.Browser {
	b := i.Visit(hook.RoleOwner)
	b.Get("/portal/webhooks/new")
	return b
}

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

func TestTheFirstRunWithOnesOwnReceiver(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	b := owner(i)
	start := b.Get("/portal/start")
	require.Contains(t, start.Body, "staffetta listen")
	require.NotContains(t, start.Body, "demo receiver")
	require.Equal(t, http.StatusUnprocessableEntity, b.Post("/portal/start", url.Values{"receiver": {"own"}, "url": {"nothing"}}).Status)
	made := b.Post("/portal/start", url.Values{"receiver": {"demo"}, "url": {"https://example.com/hook"}, "once": {"k"}})
	require.Equal(t, http.StatusCreated, made.Status, "there is no demo receiver: it is one's own")
	require.Contains(t, made.Body, "whsec_")
	w := webhooks(t, i, portaltest.Account)[0]
	require.Contains(t, b.Get("/portal/start/"+w.ID).Body, "Send a test")
	tried := b.Post("/portal/start/"+w.ID+"/test", url.Values{})
	require.Equal(t, http.StatusOK, tried.Status)
	require.Contains(t, tried.URL.RawQuery, "delivery=dlv_")
	require.Contains(t, tried.Body, "On its way")
	require.Contains(t, tried.Body, `hx-trigger="load delay:600ms"`)
	require.Len(t, i.Kafka.Tried, 1)
	require.Equal(t, "Contact", i.Kafka.Tried[0].ItemType)
}

func TestTheFirstRunWithTheDemoReceiver(t *testing.T) {
	t.Parallel()
	receiver := trial.New("key", nil)
	i := portaltest.New(t, func(c *portal.Config) { c.Trial = receiver })
	// The address is on loopback, which the policy of tests does not allow: the guide says
	// so in place of making something that cannot work.
	receiver.Found(i.URL)
	b := owner(i)
	require.Contains(t, b.Get("/portal/start").Body, "The demo receiver")
	refused := b.Post("/portal/start", url.Values{"receiver": {"demo"}})
	require.Equal(t, http.StatusUnprocessableEntity, refused.Status)
	require.Contains(t, refused.Body, "private or reserved")

	receiver.Found("https://hooks.example.com")
	begun := b.Post("/portal/start", url.Values{"receiver": {"demo"}, "once": {"k"}})
	require.Equal(t, http.StatusOK, begun.Status)
	w := webhooks(t, i, portaltest.Account)[0]
	require.Equal(t, "/portal/start/"+w.ID, begun.URL.Path)
	require.NotContains(t, begun.Body, "whsec_")
	b.Get("/portal/start")
	require.Equal(t, begun.URL.Path, b.Post("/portal/start", url.Values{"receiver": {"demo"}, "once": {"k2"}}).URL.Path, "there is one already")
	require.Len(t, webhooks(t, i, portaltest.Account), 1)
}

// logged puts an attempt at a delivery into the log.
func logged(t *testing.T, i *portaltest.Installation, w *hook.Webhook, e *hook.Event, fate hook.Fate, status int) {
	t.Helper()
	from, err := i.Store.NextOffset(t.Context(), 0)
	require.NoError(t, err)
	require.NoError(t, i.Store.Record(t.Context(), []hook.Range{{From: from, To: from + 1, Records: []hook.Recorded{{Offset: from, Attempt: hook.Attempt{
		Delivery: hook.DeliveryID(e.ID, w.ID, -1), Number: 1, Fate: fate, Account: w.Account, Webhook: w.ID, Event: e.ID, EventType: e.Type, ItemType: e.ItemType,
		Items: []string{"TEST-1"}, Published: time.Now(), At: time.Now(), Duration: 12 * time.Millisecond, URL: w.URL, StatusCode: status, Test: true,
	}}}}}))
}

func TestTheArrivalOfATest(t *testing.T) {
	t.Parallel()
	receiver := trial.New("key", nil)
	receiver.Found("https://hooks.example.com")
	i := portaltest.New(t, func(c *portal.Config) { c.Trial = receiver })
	b := owner(i)
	b.Post("/portal/start", url.Values{"receiver": {"demo"}, "once": {"k"}})
	w := webhooks(t, i, portaltest.Account)[0]
	tried := b.Post("/portal/start/"+w.ID+"/test", url.Values{})
	delivery := tried.URL.Query().Get("delivery")
	arrival := func() string {
		shown := b.Get("/portal/start/"+w.ID+"/arrival?delivery="+delivery+"&polls=7", "HX-Request", "true")
		require.Equal(t, http.StatusOK, shown.Status)
		return shown.Body
	}
	require.Contains(t, arrival(), "polls=8", "it asks again")
	require.Contains(t, b.Get("/portal/start/"+w.ID+"/arrival?delivery="+delivery+"&polls=400").Body, "Look again", "not for ever")

	// As the sender would post it.
	const body = `{"type":"contact.create","hostile":"<script>alert(1)</script>"}`
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, strings.Replace(w.URL, "https://hooks.example.com", i.URL, 1), strings.NewReader(body))
	require.NoError(t, err)
	require.NoError(t, format.Sign(r.Header, hook.FormatStandard, format.Request{Body: []byte(body)},
		format.Signing{Delivery: delivery, At: time.Now(), Secrets: []format.Secret{{Text: receiver.Secret(portaltest.Account)}}}))
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusNoContent, answer.StatusCode)
	logged(t, i, &w, &i.Kafka.Tried[0], hook.FateDelivered, 204)
	shown := arrival()
	for _, text := range []string{"Delivered.", "<strong>204</strong>", "in 12 ms", "Verified", "contact.create", "&lt;script&gt;", "/portal/log?webhook=" + w.ID} {
		require.Contains(t, shown, text)
	}
	require.NotContains(t, shown, "hx-trigger", "it asks no more")

	again := b.Post("/portal/start/"+w.ID+"/test", url.Values{})
	logged(t, i, &w, &i.Kafka.Tried[1], hook.FateExhausted, 500)
	require.Contains(t, b.Get(again.URL.RequestURI()).Body, "It was sent, but not taken")
}

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
