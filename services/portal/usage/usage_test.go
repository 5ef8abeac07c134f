package usage_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal"
	"github.com/staffetta/staffetta/services/portal/portaltest"
)

const script = `<script>alert("1")</script>`

type bench struct {
	*portaltest.Installation
	t *testing.T
	n int
}

func newBench(t *testing.T) *bench {
	t.Helper()
	return &bench{Installation: portaltest.New(t), t: t}
}

// webhook makes one, and gives its id.
func (b *bench) webhook(account, description string) string {
	b.t.Helper()
	b.n++
	h, err := b.Store.CreateWebhook(b.t.Context(), hook.Webhook{
		ID: fmt.Sprintf("wh_%d", b.n), Account: account, Description: description, ItemTypes: []string{"Contact"}, EventTypes: hook.EventTypes,
		URL: "https://shop.example.com/hook?key=1", Format: hook.FormatStandard, Status: hook.Active,
	})
	require.NoError(b.t, err)
	return h.ID
}

// happened records requests: of status, at a time.
func (b *bench) happened(account, webhook string, status int, at ...time.Time) {
	b.t.Helper()
	for _, at := range at {
		b.attempt(account, webhook, at, func(a *hook.Attempt) {
			a.StatusCode, a.Fate = status, hook.FateDelivered
			if status != http.StatusOK {
				a.Fate = hook.FateExhausted
			}
		})
	}
}

func (b *bench) attempt(account, webhook string, at time.Time, change func(*hook.Attempt)) {
	b.t.Helper()
	b.n++
	event := fmt.Sprintf("evt_%d", b.n)
	a := hook.Attempt{
		Delivery: hook.DeliveryID(event, webhook, -1), Number: 1, Account: account, Webhook: webhook, Event: event, EventType: hook.Create,
		ItemType: "Contact", Items: []string{"7"}, Bundle: hook.Coordinates{Topic: "deliveries", Offset: int64(b.n)},
		Source:    hook.Coordinates{Topic: "events.contacts", Offset: int64(b.n)},
		Published: at, At: at, Duration: 12500 * time.Microsecond, URL: "https://shop.example.com/hook",
	}
	change(&a)
	from, err := b.Store.NextOffset(b.t.Context(), 0)
	require.NoError(b.t, err)
	require.NoError(b.t, b.Store.Record(b.t.Context(), []hook.Range{{From: from, To: from + 1, Records: []hook.Recorded{{Offset: from, Attempt: a}}}}))
}

func (b *bench) quota(calls int64, period time.Duration) {
	b.t.Helper()
	_, err := b.Store.UpdateAccount(b.t.Context(), portaltest.Account, func(a *hook.Account) error {
		a.Quota = &hook.Quota{Calls: calls, Period: period}
		return nil
	})
	require.NoError(b.t, err)
}

func TestUsageShowsWhatWebhooksDid(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	shop, books := b.webhook(portaltest.Account, "The shop"), b.webhook(portaltest.Account, "")
	now := time.Now().UTC()
	if now.Hour() < 2 {
		now = now.Add(-2 * time.Hour) // all is to be of one day, which is a period
	}
	b.happened(portaltest.Account, shop, http.StatusOK, now, now, now.Add(-2*time.Hour))
	b.happened(portaltest.Account, shop, http.StatusInternalServerError, now)
	b.happened(portaltest.Account, books, http.StatusOK, now)
	on := b.Visit(hook.RoleViewer)

	all := on.Get("/portal/usage")
	require.Equal(t, http.StatusOK, all.Status)
	for _, text := range []string{
		"<dt>Requests</dt><dd>5</dd>", "<dt>Successful</dt><dd>4 <small>80%</small></dd>", `<dt>Failed</dt><dd class="bad">1</dd>`,
		"The shop", "Contact → https://shop.example.com/hook", "no limit", "12.5 ms",
		"requests: 4, successful: 3, failed: 1; mean 12.5 ms", `class="bar bar-good"`, `class="bar bar-bad"`, `class="line line-p95"`,
	} {
		require.Contains(t, all.Body, text)
	}
	require.NotContains(t, all.Body, "key=1", "a URL may have a secret in its query")
	require.NotContains(t, all.Body, "style=", "the policy forbids it")
	require.NotContains(t, all.Body, "Kept back by the quota", "there is nothing to chart")

	one := on.Get("/portal/usage?webhook=" + shop)
	require.Contains(t, one.Body, "<dt>Requests</dt><dd>4</dd>")
	require.Contains(t, one.Body, `<option value="`+shop+`" selected>The shop</option>`)
	require.NotContains(t, one.Body, "Whole account", "sums are of all webhooks")

	sums := on.Get("/portal/usage?by=account")
	require.Contains(t, sums.Body, `<td class="number" data-label="Executed">5</td>`)
	require.NotContains(t, sums.Body, `data-label="Webhook"`)

	italian := b.VisitAs(portaltest.Account, hook.RoleViewer, hook.Italian).Get("/portal/usage")
	for _, text := range []string{"Utilizzo", "Limiti superati", "Eseguiti ed eseguibili", "Tempo di risposta", "12,5 ms", "senza limite"} {
		require.Contains(t, italian.Body, text)
	}
}

func TestUsageShowsWhereLimitsWereExceeded(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	shop := b.webhook(portaltest.Account, "The shop")
	now := time.Now()
	b.happened(portaltest.Account, shop, http.StatusOK, now.AddDate(0, 0, -1))
	b.quota(4, 24*time.Hour)
	b.happened(portaltest.Account, shop, http.StatusOK, now, now, now)
	on := b.Visit(hook.RoleOwner)
	within := on.Get("/portal/usage")
	require.Contains(t, within.Body, "3 executed, 1 still executable")
	require.Contains(t, within.Body, `<progress max="4" value="3"`)
	require.Contains(t, on.Get("/portal/usage?exceeded=true").Body, "The limits were not exceeded in this time.")

	late := func(fate hook.Fate) func(*hook.Attempt) {
		return func(a *hook.Attempt) { a.Number, a.Fate, a.Reason = 0, fate, hook.ReasonQuota }
	}
	b.attempt(portaltest.Account, shop, now, late(hook.FatePending))
	b.attempt(portaltest.Account, shop, now, late(hook.FateDropped))
	beyond := on.Get("/portal/usage?exceeded=true&range=7d")
	require.Equal(t, 1, strings.Count(beyond.Body, `data-label="Executed"`), "only the day on which it was")
	require.Contains(t, beyond.Body, "Limit exceeded")
	require.Contains(t, beyond.Body, "Kept back by the quota")
	require.Contains(t, beyond.Body, "deferred: 1, dropped: 1")
	require.Contains(t, on.Get("/portal/usage?range=7d").Body, "requests: 1, successful: 1")
}

func TestTheRangeOfUsageIsChosen(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	shop := b.webhook(portaltest.Account, "The shop")
	now := time.Now().UTC()
	b.happened(portaltest.Account, shop, http.StatusOK, now)
	on := b.Visit(hook.RoleViewer)
	rows := func(query string) int {
		answer := on.Get("/portal/usage?" + query)
		require.Equal(t, http.StatusOK, answer.Status, query)
		return strings.Count(answer.Body, `<th scope="row">`)
	}
	today := now.Format(time.DateOnly)
	for query, steps := range map[string]int{
		"": 24, "range=nonsense": 24, "range=24h&step=24h": 24, "range=7d&step=24h": 7, "range=30d": 30, "range=90d": 90, "range=90d&step=1h": 90,
		"range=7d": 6*24 + now.Hour() + 1, "range=days&from=" + today: now.Hour() + 1,
		"range=days&from=" + now.AddDate(0, 0, -9).Format(time.DateOnly) + "&to=" + today: 10,
	} {
		require.Equal(t, steps, rows(query), query)
	}
	for query, fault := range map[string]string{
		"range=days":                               "must be a day",
		"range=days&from=" + script:                "must be a day",
		"range=days&from=2999-01-01":               "must not be in the future",
		"range=days&from=2026-02-02&to=2026-02-01": "must not be before the first day",
		"range=24h&cursor=nonsense":                "cursor",
	} {
		answer := on.Get("/portal/usage?" + query)
		require.Equal(t, http.StatusUnprocessableEntity, answer.Status, query)
		require.Contains(t, answer.Body, fault, query)
		require.NotContains(t, answer.Body, script)
	}
}

func TestPeriodsAreOnSeveralPages(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	shop := b.webhook(portaltest.Account, "The shop")
	now := time.Now()
	for day := range 30 {
		b.happened(portaltest.Account, shop, http.StatusOK, now.AddDate(0, 0, -day))
	}
	on := b.Visit(hook.RoleViewer)
	first := on.Get("/portal/usage?range=90d")
	require.Equal(t, 25, strings.Count(first.Body, `data-label="Executed"`))
	_, link, _ := strings.Cut(first.Body, `<nav class="pager">`)
	_, link, _ = strings.Cut(link, `href="`)
	link, _, _ = strings.Cut(link, `"`)
	second := on.Get(strings.TrimSuffix(strings.ReplaceAll(link, "&amp;", "&"), "#periods"))
	require.Equal(t, 5, strings.Count(second.Body, `data-label="Executed"`))
	require.Contains(t, second.Body, "Newest")
	require.Contains(t, second.Body, `<option value="90d" selected>`)
}

func TestUsageOfAnEmptyAccountSaysSo(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	require.Contains(t, b.Visit(hook.RoleViewer).Get("/portal/usage").Body, "Nothing was sent in this time")
	require.Contains(t, b.VisitAs(portaltest.Account, hook.RoleViewer, hook.Italian).Get("/portal/usage").Body, "non è stato inviato nulla")
}

func TestUsageOfAnothersWebhookIsNotThere(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	_, err := b.Store.CreateAccount(t.Context(), hook.Account{ID: "other", Name: "Other"})
	require.NoError(t, err)
	theirs := b.webhook("other", "Secret")
	b.happened("other", theirs, http.StatusOK, time.Now())
	on := b.Visit(hook.RoleOwner)
	for _, id := range []string{theirs, "wh_none", script} {
		answer := on.Get("/portal/usage?webhook=" + id)
		require.Equal(t, http.StatusNotFound, answer.Status, id)
		require.NotContains(t, answer.Body, script)
	}
	require.NotContains(t, on.Get("/portal/usage").Body, "Secret")
	require.NotContains(t, b.Stranger().Get("/portal/usage").Body, "<table>")
}

func TestWhatAWebhookIsCalledIsText(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.happened(portaltest.Account, b.webhook(portaltest.Account, script), http.StatusOK, time.Now())
	body := b.Visit(hook.RoleViewer).Get("/portal/usage").Body
	require.Contains(t, body, "&lt;script&gt;")
	require.NotContains(t, body, script)
}

// An account with more webhooks than a list can show: one names them by id.
func TestUsageOfManyWebhooks(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	last := ""
	for range 201 {
		last = b.webhook(portaltest.Account, "")
	}
	on := b.Visit(hook.RoleViewer)
	require.Contains(t, on.Get("/portal/usage").Body, `<input id="webhook" name="webhook" value="" list="hooks"`)
	require.Contains(t, on.Get("/portal/usage?webhook="+last).Body, `value="`+last+`"`)
}

// However many webhooks there are, a page names at most its rows.
func TestUsageAsksTheAPIABoundedNumberOfTimes(t *testing.T) {
	t.Parallel()
	asked := 0
	b := &bench{t: t, Installation: portaltest.New(t, func(c *portal.Config) {
		api := c.API
		c.API = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked++
			api.ServeHTTP(w, r)
		})
	})}
	for range 230 {
		b.happened(portaltest.Account, b.webhook(portaltest.Account, ""), http.StatusOK, time.Now())
	}
	on := b.Visit(hook.RoleViewer)
	asked = 0
	require.Equal(t, http.StatusOK, on.Get("/portal/usage?range=90d").Status)
	require.LessOrEqual(t, asked, 4+25)
}
