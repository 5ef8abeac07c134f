package browser_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestUsageShowsWhatWasDoneAndWhatTheQuotaKeptBack(t *testing.T) {
	t.Parallel()
	for _, language := range languages {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			a := newAccount(t, object{"quota": object{"calls": 2, "period": "24h"}})
			r := newReceiver(t, http.StatusNoContent)
			a.webhook(r.URL, object{"description": "CRM"})
			a.publishUntilKnown(change("create", "Contact", 1, nil))
			a.publish(change("create", "Contact", 2, nil), change("create", "Contact", 3, nil), change("create", "Contact", 4, nil))
			a.eventually(func() error {
				if len(a.list("/v1/usage?exceeded=true")) == 0 {
					return errNothing
				}
				return nil
			})
			b := a.visit("viewer", language)
			b.open("/portal/usage")
			b.shows("CRM")
			b.sees("Failures")
			b.waits("there are no charts", `document.querySelectorAll("main svg[role=img], main .chart svg").length > 0`)
			b.tick("Limits exceeded")
			b.at("/portal/usage?")
			b.shows("CRM")
			b.sees("Limit exceeded")
		})
	}
}

func TestARecordInQuarantineIsMendedAndSentAgain(t *testing.T) {
	t.Parallel()
	inEachLanguage(t, func(t *testing.T, a *account, b *tab) {
		r := newReceiver(t, http.StatusNoContent)
		a.webhook(r.URL, nil)
		a.publishUntilKnown(change("create", "Contact", 1, nil))
		bad := `{"account": "` + a.id + `", "eventType": "created", "itemType": "Contact", "items": [{"id": 12014, "ref": "/contacts/12014"}]}`
		a.quarantine(bad, bad)
		a.await("/v1/quarantine", 2)
		b.open("/portal/quarantine")
		b.shows("eventType", "created")
		b.press("Invalid field", "created")
		b.shows("12014")
		b.press("Send mended")
		b.waits("the record is not refused", `document.querySelector("#value-faults")`)
		b.fill("Value", `{"account": "`+a.id+`", "eventType": "create", "itemType": "Contact", "items": [{"id": 12014, "ref": "/contacts/12014"}]}`)
		b.press("Send mended")
		b.sees("The record was sent again. If it is still bad, it comes back as another one.")
		a.awaitDeliveries("itemId=12014&status=delivered", 1)

		b.open("/portal/quarantine/" + a.list("/v1/quarantine?state=open")[0]["id"].(string))
		b.press("Discard")
		b.opens()
		b.press("Discard")
		b.sees("The record was discarded.")
		require.Empty(t, a.list("/v1/quarantine?state=open"))
	})
}

func TestMembersComeAndGo(t *testing.T) {
	t.Parallel()
	inEachLanguage(t, func(t *testing.T, a *account, b *tab) {
		b.open("/portal/settings")
		b.press("Add a member")
		b.opens()
		b.fill("Email address", "giulia@example.com")
		b.fill("Name", "Giulia Ferri")
		b.tick("Owner")
		b.press("Add a member")
		b.sees("The member was added.")
		b.shows("Giulia Ferri", "giulia@example.com")
		b.press("Change member", "giulia@example.com")
		b.opens()
		b.tick("Settings")
		b.press("Save")
		// An account that has owners keeps one.
		b.sees("The form was not accepted")
		b.open("/portal/settings")
		b.press("Add a member")
		b.opens()
		b.fill("Email address", "amit@example.com")
		b.tick("Viewer")
		b.press("Add a member")
		b.shows("amit@example.com")
		b.press("Remove member", "amit@example.com")
		b.opens()
		b.press("Remove member")
		b.sees("The member was removed.")
		b.hides("amit@example.com")
	})
}

func TestAKeyIsMadeOpensThePortalAndIsRevoked(t *testing.T) {
	t.Parallel()
	inEachLanguage(t, func(t *testing.T, a *account, b *tab) {
		b.open("/portal/settings/keys")
		b.press("New API key")
		b.opens()
		b.fill("Name", "ERP connector")
		b.press("Create")
		b.sees("Copy it now and keep it safe: it is shown this once only.")
		key := b.text(".copyable code")
		b.open("/portal/settings/keys")
		b.hides(key)

		with := newTab(t, a.in.url, b.language)
		with.speaks(b.language)
		with.open("/portal/")
		with.fill("API key of your account", key)
		with.press("Sign in")
		with.at("/portal/webhooks")

		b.press("Revoke key", "ERP connector")
		b.opens()
		b.press("Revoke key")
		b.sees("The key was revoked.")
		with.open("/portal/webhooks")
		with.sees("See what your webhooks do")
	})
}

func TestStoresGetNamesAndTheAuditLogKnows(t *testing.T) {
	t.Parallel()
	inEachLanguage(t, func(t *testing.T, a *account, b *tab) {
		b.open("/portal/settings/stores")
		b.press("Add a store")
		b.opens()
		b.fill("Id", "7")
		b.fill("Name", "Bari")
		b.press("Save")
		b.sees("The store was saved.")
		b.shows("Bari")
		b.open("/portal/audit")
		b.shows("7", "Bari")
		b.sees("Guest")
	})
}

func TestNotificationsTellOfAWebhookThatWasDisabled(t *testing.T) {
	t.Parallel()
	for _, language := range languages {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			a := newAccount(t, object{"streak": object{"notify": []int{1}, "disable": 2}})
			r := newReceiver(t, http.StatusInternalServerError)
			id := a.webhook(r.URL, object{"description": "CRM", "retrySchedule": []string{}})
			a.publishUntilKnown(change("create", "Contact", 1, nil))
			a.publish(change("create", "Contact", 2, nil))
			a.eventually(func() error {
				if a.api(http.MethodGet, "/v1/webhooks/"+id, nil, http.StatusOK)["status"] != "disabled" {
					return errNothing
				}
				return nil
			})
			b := a.visit("owner", language)
			b.open("/portal/notifications")
			b.shows("CRM")
			b.sees("A webhook was disabled")
			b.click("press", []string{"CRM"}, "")
			b.at("/portal/webhooks/" + id)
			b.press("Enable again")
			b.sees("The webhook is resuming: what was held is sent first.")
		})
	}
}
