package deliveries_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/portaltest"
)

func TestTheLogShowsTheNewestFirst(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	_, err := s.Store.PutStore(t.Context(), portaltest.Account, "7", "Milano Centrale")
	require.NoError(t, err)
	s.record(s.attempt(1, hook.FateDelivered), s.attempt(2, hook.FateRetrying, func(a *hook.Attempt) {
		a.Store, a.Due, a.Items, a.EventType = "7", s.now.Add(time.Hour), []string{"a", "b", "c", "d", "e"}, hook.Delete
	}))
	body := s.Visit(hook.RoleViewer).Get("/portal/log").Body
	require.Less(t, strings.Index(body, ">a<"), strings.Index(body, ">item1<"))
	for _, text := range []string{"Delivered", "Retrying", "Warehouse", "Milano Centrale", "<code>500</code>", "Error answer", "and 2 more", "Deleted", "5.0 ms"} {
		require.Contains(t, body, text)
	}
	require.NotContains(t, body, "key=hidden", "what may be secret in a URL")
	body = s.VisitAs(portaltest.Account, hook.RoleViewer, hook.Italian).Get("/portal/log").Body
	for _, text := range []string{"Consegnato", "Contatto", "Log falliti", "Risposta di errore", "e altri 2", "Eliminazione", "5,0 ms"} {
		require.Contains(t, body, text)
	}
}

func TestAnEmptyLogSaysWhatToExpect(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	b := s.Visit(hook.RoleViewer)
	require.Contains(t, b.Get("/portal/log").Body, "Nothing was sent yet")
	require.Contains(t, b.Get("/portal/log?status=failed").Body, "No delivery matches")
}

func TestEveryFilterNarrows(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	shop := s.webhook("Shop")
	s.record(
		s.attempt(1, hook.FateDelivered), s.attempt(2, hook.FateRetrying), s.attempt(3, hook.FateExhausted),
		s.attempt(4, hook.FateHeld, func(a *hook.Attempt) { a.Reason, a.Number, a.StatusCode = hook.ReasonPaused, 0, 0 }),
		s.attempt(5, hook.FateDelivered, func(a *hook.Attempt) { a.Webhook, a.ItemType, a.Store = shop, "Invoice", "7" }),
	)
	at := func(n int) string {
		return url.QueryEscape(s.now.Add(time.Duration(n) * time.Second).Format("2006-01-02T15:04:05"))
	}
	b := s.VisitAs(portaltest.Account, hook.RoleViewer, hook.Italian)
	for query, want := range map[string]string{
		"":                                  "5 4 3 2 1",
		"status=failed":                     "3 2",
		"status=held":                       "4",
		"webhook=" + shop:                   "5",
		"itemType=Fattura":                  "5",
		"itemType=Invoice":                  "5",
		"itemId=item3":                      "3",
		"eventId=evt_2":                     "2",
		"store=7":                           "5",
		"reason=paused":                     "4",
		"reason=status&status=retrying":     "2",
		"from=" + at(3) + "&to=" + at(5):    "4 3",
		"from=2020-01-01T00:00:00Z&to=":     "5 4 3 2 1",
		"to=" + at(3) + "&status=delivered": "1",
		"unknown=1":                         "5 4 3 2 1",
	} {
		shown := b.Get("/portal/log?" + query)
		require.Equal(t, http.StatusOK, shown.Status, query)
		var found []string
		for _, match := range regexp.MustCompile(`<code>item(\d)</code>`).FindAllStringSubmatch(shown.Body, -1) {
			found = append(found, match[1])
		}
		require.Equal(t, want, strings.Join(found, " "), query)
	}
	require.Contains(t, b.Get("/portal/log?status=failed&webhook="+s.hook).Body, `href="/portal/log?webhook=`+s.hook+`"`, "the switch keeps other filters")
	shown := b.Get("/portal/log?itemId=item3&from=" + at(3)).Body
	require.Contains(t, shown, `value="item3"`)
	require.Contains(t, shown, `value="`+s.now.Add(3 * time.Second).Format("2006-01-02T15:04:05")[:16])
	require.Contains(t, shown, `<details class="more" open>`)
}

func TestAFilterThatIsNoneIsToldBesideIt(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	b := s.VisitAs(portaltest.Account, hook.RoleViewer, hook.Italian)
	for query, want := range map[string]string{
		"from=yesterday":                       "deve essere una data con l&#39;ora",
		"status=strange":                       "deve essere",
		"reason=strange":                       "deve essere",
		"reason=timeout&status=delivered":      "scegli un altro stato",
		"itemId=1&to=" + url.QueryEscape(evil): "deve essere una data",
	} {
		shown := b.Get("/portal/log?" + query)
		require.Equal(t, http.StatusUnprocessableEntity, shown.Status, query)
		require.Contains(t, shown.Body, want, query)
		require.Contains(t, shown.Body, `class="fault"`, query)
		require.NotContains(t, shown.Body, "<script>alert")
	}
	require.Equal(t, http.StatusNotFound, b.Get("/portal/log?cursor=none").Status)
}

func TestTheLogIsTurnedPageByPage(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	var all []hook.Attempt
	for n := range 55 {
		all = append(all, s.attempt(n, hook.FateExhausted))
	}
	s.record(all...)
	b := s.Visit(hook.RoleViewer)
	first := b.Get("/portal/log?status=failed")
	require.Equal(t, 50, strings.Count(first.Body, `<tr id="dlv_`))
	require.Contains(t, first.Body, "sse-connect")
	older := regexp.MustCompile(`href="([^"]*cursor=[^"]*)"`).FindStringSubmatch(first.Body)
	require.Len(t, older, 2)
	second := b.Get(strings.ReplaceAll(older[1], "&amp;", "&"))
	require.Equal(t, 5, strings.Count(second.Body, `<tr id="dlv_`))
	require.NotContains(t, second.Body, "sse-connect", "only what is newest changes")
	require.Contains(t, second.Body, `href="/portal/log?status=failed">Newest`)
}

func TestNothingInTheLogIsRunAsAScript(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	shop := s.webhook("Hook" + evil)
	_, err := s.Store.PutStore(t.Context(), portaltest.Account, "s"+evil, "Store"+evil)
	require.NoError(t, err)
	hostile := s.hostile()
	id := s.record(hostile, s.attempt(2, hook.FateDelivered, func(a *hook.Attempt) { a.Webhook = shop }))
	require.NotEmpty(t, id)
	b := s.Visit(hook.RoleOwner)
	for _, path := range []string{
		"/portal/log", "/portal/log/" + hostile.Delivery, "/portal/log?webhook=" + url.QueryEscape(evil) + "&itemId=" + url.QueryEscape(evil),
		"/portal/log?eventId=" + url.QueryEscape(evil) + "&store=" + url.QueryEscape(evil) + "&itemType=" + url.QueryEscape(evil),
	} {
		shown := b.Get(path)
		require.Equal(t, http.StatusOK, shown.Status, path)
		require.NotContains(t, shown.Body, "<script>alert", path)
		require.Contains(t, shown.Body, "script&gt;alert", path)
	}
	shown := b.Get("/portal/log/" + hostile.Delivery).Body
	for _, field := range []string{"evt", "Type", "id", "detail", "X-", "answered", "sent", "trace"} {
		require.Contains(t, shown, field+"&#34;&gt;&lt;script&gt;", field)
	}
}

func TestOthersSeeNothingOfIt(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	id := s.record(s.attempt(1, hook.FateExhausted))
	_, err := s.Store.CreateAccount(t.Context(), hook.Account{ID: "other", Name: "Other"})
	require.NoError(t, err)
	b := s.VisitAs("other", hook.RoleOwner, hook.English)
	require.NotContains(t, b.Get("/portal/log").Body, "item1")
	for _, path := range []string{"", "/payload", "/state"} {
		require.Equal(t, http.StatusNotFound, b.Get("/portal/log/"+id+path).Status, path)
	}
	for _, path := range []string{"/retry", "/discard"} {
		require.Equal(t, http.StatusNotFound, b.Post("/portal/log/"+id+path, nil).Status, path)
	}
	for _, path := range []string{"/portal/log", "/portal/log/" + id, "/portal/log/stream"} {
		require.Equal(t, "/portal/", s.Stranger().Get(path).URL.Path, path)
	}
}
