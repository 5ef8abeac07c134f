package webhooks_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/redisstore"
	"github.com/staffetta/staffetta/services/portal/portaltest"
)

func TestTheListHasTheNineColumns(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	require.NoError(t, put(t, i, "7", "Milano Centrale"))
	webhook(t, i, "wh_1", func(w *hook.Webhook) {
		w.Stores, w.EventTypes = []string{"7", "9"}, hook.EventTypes
		w.Status, w.SuspendedAt = hook.Paused, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	})
	webhook(t, i, "wh_2", func(w *hook.Webhook) { w.ItemTypes, w.Description = []string{"*"}, "Everything" })
	require.NoError(t, i.Circuits.Report(t.Context(), []redisstore.Circuit{{Webhook: "wh_2", State: "open", For: time.Minute}}))
	for language, wants := range map[hook.Language][]string{
		hook.English: {
			"Webhook", "Description", "Events", "URL", "Visibility", "Actions", "Created", "Suspended", "Revoked", "Invoice line", "Paused", "Till",
			"Creation", "Change", "Deletion", "https://example.com/hook", "Milano Centrale, 9", "Resume Till", "Edit Till", "Delete Till", "2026-01-02 03:04:05 UTC",
			"All item types", "Receiver away", "Pause Everything", "New webhook",
		},
		hook.Italian: {
			"Webhook", "Descrizione", "Eventi", "URL", "Visibilità", "Azioni", "Creazione", "Sospensione", "Revoca", "In pausa", "Riprendi Till", "Modifica Till",
			"Elimina Till", "Tutti i tipi", "Ricevente assente", "Metti in pausa Everything", "Nuovo webhook", "Storico",
		},
	} {
		page := i.VisitAs(portaltest.Account, hook.RoleOwner, language).Get("/portal/webhooks")
		require.Equal(t, http.StatusOK, page.Status)
		for _, want := range wants {
			require.Contains(t, text(page.Body), want)
		}
		require.NotContains(t, page.Body, "private", "the query of a URL may be secret")
	}
}

func TestTheListIsNarrowedAndOrdered(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	webhook(t, i, "wh_a", func(w *hook.Webhook) { w.Description, w.CreatedAt = "Zebra", time.UnixMicro(1) })
	webhook(t, i, "wh_b", func(w *hook.Webhook) {
		w.Description, w.ItemTypes, w.Stores, w.CreatedAt = "Ant", []string{"Contact"}, []string{"7"}, time.UnixMicro(2)
	})
	webhook(t, i, "wh_c", func(w *hook.Webhook) { w.Description, w.Status, w.CreatedAt = "Bee", hook.Disabled, time.UnixMicro(3) })
	webhook(t, i, "wh_d", func(w *hook.Webhook) { w.Description, w.Status, w.RevokedAt = "Gone", hook.Revoked, time.UnixMicro(4) })
	on := i.Visit(hook.RoleOwner)
	row := regexp.MustCompile(`class="what"><a href="/portal/webhooks/wh_(.)"`)
	for query, want := range map[string]string{
		"": "cba", "?sort=description": "bca", "?sort=-description": "acb", "?sort=-createdAt": "abc", "?status=disabled": "c", "?status=revoked": "d",
		"?search=ANT": "b", "?search=&status=&itemType=&store=": "cba", "?itemType=Contact": "b", "?store=8": "ca", "?search=zz": "",
	} {
		page := on.Get("/portal/webhooks" + query)
		require.Equal(t, http.StatusOK, page.Status, query)
		var order string
		for _, found := range row.FindAllStringSubmatch(page.Body, -1) {
			order += found[1]
		}
		require.Equal(t, want, order, query)
	}
	require.Contains(t, on.Get("/portal/webhooks?sort=-description").Body, `<th scope="col" aria-sort="descending"><a id="sort-description" href="/portal/webhooks?sort=description"`)
	require.Contains(t, on.Get("/portal/webhooks").Body, `<th scope="col" aria-sort="descending"><a id="sort-createdAt" href="/portal/webhooks?sort=-createdAt"`)
	require.Contains(t, on.Get("/portal/webhooks?search=zz").Body, "Nothing found")
	for _, wrong := range []string{"?sort=age", "?cursor=x", "?status=none"} {
		require.Equal(t, http.StatusNotFound, on.Get("/portal/webhooks"+wrong).Status, wrong)
	}

	part := on.Get("/portal/webhooks?search=ant&status=&store=", "HX-Request", "true")
	require.Equal(t, "/portal/webhooks?search=ant", part.Header.Get("HX-Push-Url"))
	require.True(t, strings.HasPrefix(strings.TrimSpace(part.Body), `<div id="list"`), "a part of the page")
	require.Contains(t, part.Body, "1 webhook shown")
}

func TestTheListHasPages(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	for n := range 60 {
		webhook(t, i, fmt.Sprintf("wh_%02d", n), nil)
	}
	on := i.Visit(hook.RoleOwner)
	seen := map[string]bool{}
	next := "/portal/webhooks?sort=url"
	for _, want := range []int{50, 10} {
		page := on.Get(next)
		rows := regexp.MustCompile(`class="what"><a href="([^"]+)"`).FindAllStringSubmatch(page.Body, -1)
		require.Len(t, rows, want)
		for _, row := range rows {
			seen[row[1]] = true
		}
		if found := regexp.MustCompile(`<a href="([^"]+)" rel="next"`).FindStringSubmatch(page.Body); found != nil {
			next = strings.ReplaceAll(found[1], "&amp;", "&")
		} else {
			require.Contains(t, page.Body, "First page")
		}
	}
	require.Len(t, seen, 60)
}

func TestAnAccountWithoutWebhooksIsGuided(t *testing.T) {
	t.Parallel()
	i := portaltest.New(t)
	page := i.Visit(hook.RoleOwner).Get("/portal/webhooks")
	require.Contains(t, page.Body, `href="/portal/start"`)
	require.Contains(t, page.Body, `href="/portal/webhooks/new"`)
	require.NotContains(t, i.Visit(hook.RoleViewer).Get("/portal/webhooks").Body, "/portal/start")
	require.Contains(t, i.Visit(hook.RoleOwner).Get("/portal/webhooks?status=revoked").Body, "No webhooks yet")
	webhook(t, i, "wh_1", func(w *hook.Webhook) { w.Status, w.RevokedAt = hook.Revoked, time.Now() })
	require.NotContains(t, i.Visit(hook.RoleOwner).Get("/portal/webhooks").Body, "/portal/start", "it had one")
}
