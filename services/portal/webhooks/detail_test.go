package webhooks_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/portaltest"
)

func TestThePageOfAWebhookTellsAll(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	webhook(t, i, "wh_1", func(w *hook.Webhook) {
		w.Status, w.SuspendedAt = hook.Disabled, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		w.Filter, w.RateLimit, w.Headers = "item.data.total > 1.0", 50, []hook.SealedHeader{{Name: "X-Tenant", Value: []byte{1}}}
		w.Format, w.Language = hook.FormatRentman, hook.Italian
	})
	for language, wants := range map[hook.Language][]string{
		hook.English: {
			"Disabled after too many failures in a row.", "Disabled since 2026-01-02 03:04:05 UTC", "Enable again", "https://example.com/hook?key=private", "Invoice line",
			"item.data.total &gt; 1.0", "Rentman", "Italian", "X-Tenant: ***", "Signature only", "5\u00a0s, 1\u00a0h\u00a030\u00a0min", "50/s", "Created", "Nothing was delivered yet",
		},
		hook.Italian: {"Disattivato dopo troppi errori di fila.", "Riattiva", "Solo la firma", "Nuovi tentativi dopo", "Creato", "Appena possibile"},
	} {
		page := i.VisitAs(portaltest.Account, hook.RoleOwner, language).Get("/portal/webhooks/wh_1")
		require.Equal(t, http.StatusOK, page.Status)
		body := strings.ReplaceAll(text(page.Body), "&#43;", "+")
		for _, want := range wants {
			require.Contains(t, strings.ReplaceAll(body, "\u00a0", " "), strings.ReplaceAll(want, "\u00a0", " "))
		}
		for _, link := range []string{"/portal/log?webhook=wh_1", "/portal/replays/recover?webhook=wh_1", "/portal/notifications?webhook=wh_1", "/portal/webhooks/wh_1/edit"} {
			require.Contains(t, page.Body, `"`+link+`"`)
		}
	}
	on := i.Visit(hook.RoleOwner)
	on.Get("/portal/webhooks/wh_1")
	on.Post("/portal/webhooks/wh_1/resume", nil)
	require.Contains(t, text(on.Get("/portal/webhooks/wh_1").Body), "Resumed")
}
