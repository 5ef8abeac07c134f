package browser_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheLogShowsDeliveriesAsTheyHappen(t *testing.T) {
	t.Parallel()
	inEachLanguage(t, func(t *testing.T, a *account, b *tab) {
		r := newReceiver(t, http.StatusNoContent)
		a.webhook(r.URL, object{"description": "CRM"})
		b.open("/portal/log")
		b.sees("Nothing was sent yet", "Live")
		a.publishUntilKnown(change("create", "Contact", "first", nil))
		b.shows("first", "CRM")
		b.sees("Delivered")
		// While one looks at something else nothing moves; then all is there.
		b.press("Pause")
		b.sees("Paused")
		a.publish(change("update", "Contact", "second", nil))
		a.awaitDeliveries("itemId=second", 1)
		b.hides("second")
		b.press("Go live")
		b.shows("second")
	})
}

func TestWhatFailedIsFoundLookedIntoAndSentAgain(t *testing.T) {
	t.Parallel()
	inEachLanguage(t, func(t *testing.T, a *account, b *tab) {
		r := newReceiver(t, http.StatusNoContent)
		a.webhook(r.URL, object{"description": "CRM", "retrySchedule": []string{}})
		a.publishUntilKnown(change("create", "Contact", "early", nil))
		a.publish(change("create", "Contact", "item-well", nil))
		a.awaitDeliveries("status=delivered&itemId=item-well", 1)
		r.answer(http.StatusInternalServerError)
		a.publish(change("create", "Contact", "item-ill", object{"items": []object{{"id": "item-ill", "ref": "/contacts/item-ill", "data": object{"name": "Mario"}}}}))
		a.awaitDeliveries("status=failed&itemId=item-ill", 1)
		b.open("/portal/log")
		b.shows("item-well", "item-ill")
		b.press("Failed only")
		b.hides("item-well")
		b.press("Created", "item-ill")
		b.sees("Attempts", "Request headers", "Answer headers")
		b.shows("500", `"status": 500`, "Webhook-Signature")
		b.press("Show the payload")
		b.shows("Mario")

		r.answer(http.StatusNoContent)
		b.press("Send again")
		b.sees("It is being sent again.")
		b.sees("Delivered") // without a reload
		a.awaitDeliveries("status=delivered&itemId=item-ill", 1)
	})
}

func TestWhatFailedIsRecovered(t *testing.T) {
	t.Parallel()
	inEachLanguage(t, func(t *testing.T, a *account, b *tab) {
		r := newReceiver(t, http.StatusInternalServerError)
		id := a.webhook(r.URL, object{"description": "CRM", "retrySchedule": []string{}})
		a.publishUntilKnown(change("create", "Contact", 1, nil))
		a.awaitDeliveries("status=exhausted", 1)
		r.answer(http.StatusNoContent)
		b.open("/portal/log?webhook=" + id)
		b.press("Recover failed")
		b.at("/portal/replays/recover")
		b.choose("Webhook", id)
		b.writes("Since", time.Now().Add(-time.Hour))
		b.press("Recover")
		b.sees("It has begun. You may leave this page; it goes on by itself.")
		b.sees("Done")
		a.eventually(func() error {
			if len(a.list("/v1/deliveries?status=exhausted")) > 0 {
				return errors.New("some have not been recovered")
			}
			return nil
		})
		b.press("Replays")
		b.shows("CRM")
	})
}

// writes puts a time into a field for one; people have several parts to type in it.
func (b *tab) writes(label string, at time.Time) {
	b.t.Helper()
	b.find("field", b.say(label), "")
	zone, err := time.LoadLocation("Europe/Rome")
	require.NoError(b.t, err)
	eval[bool](b, `(window.__found.value = `+quoted(at.In(zone).Format("2006-01-02T15:04"))+`, window.__found.dispatchEvent(new Event("change", { bubbles: true })))`)
}
