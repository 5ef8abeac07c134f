package subscribe_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/portaltest"
)

// filled is a form of a webhook as a browser sends it, with some fields changed.
func filled(changes ...string) url.Values {
	form := url.Values{
		"what": {"all"}, "event": {"create", "update", "delete"}, "where": {"all"}, "url": {"https://example.com/hook"}, "once": {"k"},
		"format": {"standard"}, "language": {"en"}, "payload": {"thin"}, "cloudevents": {"structured"}, "signature": {"hmac-sha256"}, "auth": {"none"},
		"retry": {"5s, 5m"}, "timeout": {"15s"}, "ordering": {"none"}, "coalesce": {"none"}, "onPause": {"hold"}, "onQuota": {"defer"},
	}
	for i := 0; i < len(changes); i += 2 {
		form[changes[i]] = nil
	}
	for i := 0; i < len(changes); i += 2 {
		form.Add(changes[i], changes[i+1])
	}
	return form
}

func TestTheFormIsThereInBothLanguages(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	for lang, text := range map[hook.Language]string{hook.English: "New webhook", hook.Italian: "Nuovo webhook"} {
		b := i.VisitAs(portaltest.Account, hook.RoleOwner, lang)
		shown := b.Get("/portal/webhooks/new")
		require.Equal(t, http.StatusOK, shown.Status)
		require.Contains(t, shown.Body, text)
	}
}
