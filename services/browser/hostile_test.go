package browser_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

// What events, people and receivers may say, as an attacker would.
const (
	script  = `<script>alert(1)</script>`
	image   = `"><img src=x onerror=alert(1)>`
	closing = `</code></pre></textarea></title>` + script
)

// Nothing that comes from outside runs in the portal, or changes what it is: a tab hears
// of dialogs, of scripts and pictures that the policy refuses, and of errors.
func TestHostileInputIsOnlyShown(t *testing.T) {
	t.Parallel()
	hostile := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Hostile", script)
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = fmt.Fprint(w, closing)
	}))
	t.Cleanup(hostile.Close)
	a := newAccount(t, object{"name": script + image})
	a.api(http.MethodPut, "/v1/stores/7", object{"name": script}, http.StatusOK)
	a.api(http.MethodPost, "/v1/members", object{"email": "giulia@example.com", "name": image, "role": "owner"}, http.StatusCreated)
	a.api(http.MethodPost, "/v1/api-keys", object{"name": script, "scopes": []string{"read"}}, http.StatusCreated)
	id := a.webhook(hostile.URL+"/?"+"%3Cscript%3Ealert(1)%3C/script%3E", object{
		"itemTypes": []string{"*"}, "description": closing, "retrySchedule": []string{"1h"}, "headers": object{"X-Own": image}, "stores": []string{"7"},
	})
	a.publishUntilKnown(change("create", script, image, object{
		"id": image, "store": "7", "user": object{"id": 1, "itemType": script, "ref": image},
		"items": []object{{"id": image, "ref": closing, "data": object{script: closing}}},
	}))
	delivery := a.awaitDeliveries("status=failed", 1)[0]["id"].(string)
	a.quarantine(`{"account": "`+a.id+`", "eventType": "<script>alert(1)</script>", "itemType": "\"><img src=x onerror=alert(1)>", "items": []}`, `{"account": "`+a.id+`", "`+closing)
	records := a.await("/v1/quarantine", 2)
	replay := a.api(http.MethodPost, "/v1/replays", object{"webhook": id, "source": id, "from": lately()}, http.StatusCreated)["id"].(string)

	b := a.visit("owner", "en")
	for _, path := range []string{
		"/portal/session", "/portal/webhooks", "/portal/webhooks?search=" + "%3Cscript%3Ealert(1)%3C%2Fscript%3E", "/portal/webhooks/" + id,
		"/portal/webhooks/" + id + "/edit", "/portal/webhooks/" + id + "/delete", "/portal/webhooks/" + id + "/pause", "/portal/webhooks/" + id + "/test",
		"/portal/webhooks/" + id + "/secret", "/portal/webhooks/new", "/portal/connect", "/portal/start/" + id,
		"/portal/log", "/portal/log?itemId=%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E", "/portal/log/" + delivery, "/portal/log/" + delivery + "/payload",
		"/portal/replays", "/portal/replays/new", "/portal/replays/recover", "/portal/replays/" + replay,
		"/portal/usage", "/portal/usage?webhook=%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E",
		"/portal/quarantine", "/portal/quarantine?topic=%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E", "/portal/quarantine/" + records[0]["id"].(string), "/portal/quarantine/" + records[1]["id"].(string),
		"/portal/notifications", "/portal/audit", "/portal/settings", "/portal/settings/keys", "/portal/settings/stores",
	} {
		b.open(path)
		b.waits("it does not load", `document.readyState === "complete"`)
		made := eval[int](b, `[...document.querySelectorAll("script:not([src$='.js']), img[src=x], [onerror]")].length`)
		require.Zero(t, made, "%s has elements of what it shows", path)
		require.Empty(t, b.blame(), path)
	}
	// It is there to be read, to the letter.
	b.open("/portal/log/" + delivery)
	b.shows(image, closing)
	b.open("/portal/webhooks")
	b.shows(closing)
}
