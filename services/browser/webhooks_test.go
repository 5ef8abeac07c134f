package browser_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAWebhookIsMadeByItsForm(t *testing.T) {
	t.Parallel()
	inEachLanguage(t, func(t *testing.T, a *account, b *tab) {
		a.api(http.MethodPut, "/v1/stores/7", object{"name": "Bari"}, http.StatusOK)
		a.webhook("https://first.example.com/", nil) // else the list only guides to the first
		r := newReceiver(t, http.StatusNoContent)
		b.open("/portal/webhooks")
		b.press("New webhook")
		b.opens()

		// A URL is checked as one leaves its field.
		b.fill("URL", "http://192.0.2.1/")
		b.types("\t")
		b.waits("the URL is not refused", `document.querySelector("#url-fault .fault")`)
		b.fill("URL", r.URL+"/contacts")
		b.types("\t")
		b.waits("the URL is still refused", `!document.querySelector("#url-fault .fault")`)

		b.fill("Description", "Contacts to the CRM")
		b.tick("Only some types")
		b.fill("Search: invoice, contact…", "cont")
		b.click("field", []string{"Contact", "Contatto", "Contatti"}, "")
		b.tick("Only some")
		b.click("field", []string{"Bari"}, "")
		b.tick("Deletion")
		// The preview is the request that will be sent.
		b.waits("the preview does not follow", `document.querySelector("#preview").textContent.includes("contact.")`)
		b.press("Advanced")
		b.fill("Filter", "item.data.vip ==")
		b.waits("the filter is not refused", `document.querySelector("#filter-fault .fault")`)
		b.fill("Filter", "item.data.vip == true")
		b.waits("the filter is still refused", `!document.querySelector("#filter-fault .fault")`)
		b.press("Create")

		b.sees("Your webhook is ready")
		secret := b.text("#secret")
		require.True(t, strings.HasPrefix(secret, "whsec_"), secret)
		for _, language := range []string{"PHP", "Node.js", "Python", "Go"} {
			b.click("field", []string{language}, "")
			b.waits("there is no receiver in "+language, `[...document.querySelectorAll(".sheet pre")].some((code) => code.checkVisibility() && code.ariaLabel === `+quoted(language)+`)`)
		}
		// It is shown once.
		b.press("To the webhooks")
		b.shows("Contacts to the CRM", "Bari")
		b.hides(secret)
		made := a.list("/v1/webhooks?search=CRM")[0]
		require.Equal(t, []any{"Contact"}, made["itemTypes"])
		require.Equal(t, []any{"7"}, made["stores"])
		require.Equal(t, "item.data.vip == true", made["filter"])
	})
}

// Over the list, which is there again as it was: with the focus where it was.
func TestTheDialogOfANewWebhookIsNotLeftUnasked(t *testing.T) {
	t.Parallel()
	inEachLanguage(t, func(t *testing.T, a *account, b *tab) {
		a.webhook("https://first.example.com/", object{"description": "First"})
		open := func() {
			b.press("New webhook")
			b.opens()
			b.waits("the focus is not at the URL", `document.activeElement.id === "url"`)
		}
		closed := func() {
			b.waits("the dialog stays", `!document.querySelector("dialog[open]")`)
			b.waits("the focus is not back where it was", `document.activeElement.matches("a[href$='/webhooks/new']")`)
			b.shows("First")
		}
		b.open("/portal/webhooks")
		open()
		b.types("\x1b")
		closed()
		require.Empty(t, b.questions(), "nothing was typed")

		open()
		b.inserts("https://hooks.example.com/in")
		b.answers(false)
		b.types("\x1b")
		require.Len(t, b.questions(), 1)
		b.press("Cancel")
		require.Len(t, b.questions(), 1)
		b.opens() // it is still there, with what was typed
		require.Equal(t, "https://hooks.example.com/in", eval[string](b, `document.querySelector("dialog #url").value`))

		// What is refused is shown in the dialog.
		b.tick("Only some types")
		b.press("Create")
		b.sees("The form was not accepted")
		b.opens()
		b.answers(true)
		b.types("\x1b")
		closed()
		require.Len(t, b.questions(), 1)
		require.Len(t, a.list("/v1/webhooks"), 1)
	})
}

func TestAWebhookIsPausedResumedEditedAndDeleted(t *testing.T) {
	t.Parallel()
	inEachLanguage(t, func(t *testing.T, a *account, b *tab) {
		id := a.webhook("https://hooks.example.com/a", object{"description": "Sales"})
		a.webhook("https://hooks.example.com/b", object{"description": "Stock"})
		b.open("/portal/webhooks")
		b.press("Pause", "Sales")
		b.opens()
		b.press("Pause")
		b.sees("The webhook is paused.")
		require.Equal(t, "paused", a.api(http.MethodGet, "/v1/webhooks/"+id, nil, http.StatusOK)["status"])

		b.press("Resume", "Sales")
		b.sees("The webhook is resuming: what was held is sent first.")

		a.eventually(func() error { // nothing is held, so it is soon over
			if a.api(http.MethodGet, "/v1/webhooks/"+id, nil, http.StatusOK)["status"] != "active" {
				return errNothing
			}
			return nil
		})
		b.open("/portal/webhooks")
		b.press("Edit", "Sales")
		b.at("/portal/webhooks/" + id + "/edit")
		b.fill("Description", "Sales of today")
		b.press("Save")
		b.shows("Sales of today")

		b.open("/portal/webhooks")
		b.press("Delete", "Sales of today")
		b.opens()
		b.press("Cancel")
		b.waits("the dialog stays", `!document.querySelector("dialog[open]")`)
		b.press("Delete", "Sales of today")
		b.opens()
		b.press("Delete for good")
		b.sees("The webhook was deleted.")
		b.hides("Sales of today")
		b.press("History")
		b.shows("Sales of today")
		b.sees("Revoked")
	})
}

func TestAWebhookIsFoundAmongMany(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	for _, about := range []string{"Sales", "Stock", "Customers"} {
		a.webhook("https://"+about+".example.com/", object{"description": about})
	}
	b := a.visit("viewer", "en")
	b.open("/portal/webhooks")
	b.shows("Sales", "Stock", "Customers")
	b.fill("Search", "stoc")
	b.hides("Customers")
	b.shows("Stock")
	b.fill("Search", "nothing like it")
	b.sees("Nothing found")
	b.press("Show all")
	b.shows("Customers")
	// By its heads the table is in another order.
	b.press("Description")
	b.waits("it is not in order", `[...document.querySelectorAll("tbody tr")].map((row) => row.innerText.match(/Sales|Stock|Customers/)[0]).join() === "Customers,Sales,Stock"`)
	require.Zero(t, eval[int](b, `document.querySelectorAll("main form[method=post], main .danger, main a[href$='/edit']").length`), "a viewer only sees")
}

func TestASecretIsReplacedAndATestIsSent(t *testing.T) {
	t.Parallel()
	inEachLanguage(t, func(t *testing.T, a *account, b *tab) {
		r := newReceiver(t, http.StatusNoContent)
		id := a.webhook(r.URL, object{"itemTypes": []string{"Contact"}, "description": "CRM"})
		b.open("/portal/webhooks/" + id)
		b.press("Send a test")
		b.press("Send")
		b.waits("it stays there", `document.readyState === "complete" && !location.pathname.endsWith("/test")`)
		a.eventually(func() error {
			if len(r.got()) == 0 {
				return errNothing
			}
			return nil
		})
		require.Contains(t, r.got()[0], "TEST")

		b.open("/portal/webhooks/" + id + "/secret")
		b.choose("The present secret stays valid for", "1h")
		b.press("Make a new secret")
		b.sees("The new secret signs from now on.", "Copy it now: it is not shown again.")
		secret := b.text(".copyable code")
		b.press("I have copied it")
		b.at("/portal/webhooks/" + id)
		b.hides(secret)
	})
}

func TestConnectTakesAURLAndGivesAToken(t *testing.T) {
	t.Parallel()
	inEachLanguage(t, func(t *testing.T, a *account, b *tab) {
		b.open("/portal/connect")
		b.fill("URL", "https://hooks.example.com/in")
		b.press("Save")
		b.sees("Your webhook is ready", "Its token")
		require.NotEmpty(t, b.text("#secret"))
		require.Equal(t, "rentman", a.list("/v1/webhooks")[0]["format"])
	})
}

// In under a minute, with nothing but the portal.
func TestAnEmptyPortalGuidesToTheFirstDelivery(t *testing.T) {
	t.Parallel()
	inEachLanguage(t, func(t *testing.T, a *account, b *tab) {
		b.open("/portal/")
		b.press("Webhooks")
		b.press("Send your first one")
		b.at("/portal/start")
		b.press("Continue")
		b.press("Send a test")
		b.sees("Delivered.", "Verified")
		require.Len(t, a.list("/v1/deliveries"), 1)
	})
}

// With Tab, Space and Enter alone.
func TestAWebhookIsMadeWithTheKeyboard(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	b := a.visit("owner", "en")
	b.open("/portal/webhooks/new")
	b.reaches("Skip to the content")
	b.types("\r")
	b.reaches("URL")
	b.inserts("https://hooks.example.com/keyboard")
	b.reaches("Description")
	b.inserts("By hand")
	b.reaches("Everything") // the one of these choices that is made
	b.types(" ")
	b.reaches("Deletion")
	b.types(" ")
	b.reaches("Create")
	b.types("\r")
	b.sees("Your webhook is ready")
	made := a.list("/v1/webhooks")[0]
	require.Equal(t, "By hand", made["description"])
	require.NotContains(t, made["eventTypes"], "delete")

	b.open("/portal/webhooks")
	b.reaches("Delete By hand")
	b.types("\r")
	b.opens()
	b.reaches("Cancel")
	b.types("\x1b")
	b.waits("Escape does not close the dialog", `!document.querySelector("dialog[open]")`)
	b.waits("the focus is not back where it was", `document.activeElement.innerText.includes("Delete")`)
	b.types("\r")
	b.reaches("Delete for good")
	b.types("\r")
	b.sees("The webhook was deleted.")
}

// Forms work without JavaScript.
func TestWithoutScriptsAWebhookIsMadeAndPaused(t *testing.T) {
	t.Parallel()
	inEachLanguage(t, func(t *testing.T, a *account, b *tab) {
		b.disableScripts()
		b.open("/portal/webhooks/new")
		b.fill("URL", "https://hooks.example.com/plain")
		b.fill("Description", "Plain")
		b.press("Show the request")
		b.shows("Webhook-Signature")
		b.press("Create")
		b.sees("Your webhook is ready")
		b.press("To the webhooks")
		b.shows("Plain")
		b.press("Pause", "Plain")
		b.at("/portal/webhooks/" + a.list("/v1/webhooks")[0]["id"].(string) + "/pause")
		b.press("Pause")
		b.sees("The webhook is paused.")
	})
}
