package subscribe_test

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/portaltest"
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
