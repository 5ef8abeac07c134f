package portal_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal"
)

// failing makes a webhook that has failed so often in a row, and had members told each
// time.
func (b *bench) failing(account, id, description string, times int) {
	b.t.Helper()
	_, err := b.store.CreateWebhook(b.t.Context(), hook.Webhook{
		ID: id, Account: account, Status: hook.Active, Description: description, URL: "https://example.com/hooks?key=hidden",
		ItemTypes: []string{hook.AnyItemType}, EventTypes: hook.EventTypes, Format: hook.FormatStandard, Payload: hook.Thin,
	})
	require.NoError(b.t, err)
	rule := hook.StreakRule{}
	for n := range times {
		rule.Notify = append(rule.Notify, n+1)
	}
	from, err := b.store.NextOffset(b.t.Context(), 0)
	require.NoError(b.t, err)
	records := make([]hook.Recorded, times)
	for n := range records {
		event, at := fmt.Sprintf("evt_%s_%d", id, n), b.clock.Now()
		records[n] = hook.Recorded{Offset: from + int64(n), Attempt: hook.Attempt{
			Delivery: hook.DeliveryID(event, id, -1), Number: 1, Fate: hook.FateRetrying, Reason: hook.ReasonStatus, StatusCode: 500,
			Account: account, Webhook: id, Event: event, EventType: hook.Create, ItemType: "Contact", Items: []string{"7"},
			Bundle: hook.Coordinates{Topic: "deliveries", Offset: int64(n)}, Source: hook.Coordinates{Topic: "events.contacts", Offset: int64(n)},
			Published: at.Add(-time.Second), At: at, Due: at.Add(time.Second),
		}}
	}
	require.NoError(b.t, b.store.WithStreakRule(rule).Record(b.t.Context(), []hook.Range{{From: from, To: from + int64(times), Records: records}}))
}

// guest opens a portal link of a role.
func (b *bench) guest(role hook.Role, language hook.Language) browser {
	b.t.Helper()
	_, token, err := b.links.New(apiauth.Link{Account: "acme", Role: role, Language: language, ExpiresAt: b.clock.Now().Add(time.Hour)})
	require.NoError(b.t, err)
	on := b.browser()
	require.Equal(b.t, http.StatusOK, on.get(b.url+"/portal/?token="+url.QueryEscape(token)).status)
	return on
}

func TestNotificationsAreForThoseWithAccessToSettings(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.account("other")
	b.failing("acme", "wh_till", "Till <3>", 20)
	b.failing("acme", "wh_erp", "", 20)
	b.failing("acme", "wh_shop", "Shop", 20)
	b.failing("other", "wh_other", "Somebody else's", 2)

	on := b.guest(hook.RoleSettings, hook.English)
	require.Contains(t, on.get(b.url+"/portal/").body, `href="/portal/notifications"`)
	first := on.get(b.url + "/portal/notifications")
	require.Equal(t, http.StatusOK, first.status)
	require.Equal(t, 50, strings.Count(first.body, "A webhook is failing"))
	require.Contains(t, first.body, "20 failures in a row")
	require.Contains(t, first.body, "Till &lt;3&gt;")
	require.Contains(t, first.body, "the last answer was 500")
	require.Contains(t, first.body, "https://example.com/hooks</span>")
	for _, hidden := range []string{"key=hidden", "Somebody else", "wh_other"} {
		require.NotContains(t, first.body, hidden)
	}
	_, older, _ := strings.Cut(first.body, `<a href="/portal/notifications?cursor=`)
	older, _, _ = strings.Cut(older, `"`)
	second := on.get(b.url + "/portal/notifications?cursor=" + older)
	require.Equal(t, 10, strings.Count(second.body, "A webhook is failing"))
	require.NotContains(t, second.body, "Older")
	require.Equal(t, http.StatusNotFound, on.get(b.url+"/portal/notifications?cursor=none").status)

	// Mails have the address of the webhook.
	one := on.get(b.url + "/portal/webhooks/wh_erp")
	require.Equal(t, "/portal/notifications?webhook=wh_erp", one.url.RequestURI())
	require.Equal(t, 20, strings.Count(one.body, "A webhook is failing"))
	for _, strange := range []string{"wh_other", "nobody", "%ff%00"} {
		require.Contains(t, on.get(b.url+"/portal/webhooks/"+strange).body, "There is nothing to tell")
	}
	require.Contains(t, b.guest(hook.RoleOwner, hook.Italian).get(b.url+"/portal/notifications").body, "Un webhook non funziona")
}

func TestNotificationsAreForNobodyElse(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.failing("acme", "wh_till", "Till", 1)
	viewer := b.guest(hook.RoleViewer, hook.English)
	require.NotContains(t, viewer.get(b.url+"/portal/").body, "Notifications")
	told := viewer.get(b.url + "/portal/notifications")
	require.Equal(t, http.StatusForbidden, told.status)
	require.Contains(t, told.body, "You have no access to settings")
	require.NotContains(t, told.body, "Till")
	out := b.browser().get(b.url + "/portal/notifications")
	require.Equal(t, "/portal/", out.url.Path, "there one signs in")
	require.NotContains(t, out.body, "Till")
}

// lost are notifications of which the store does not answer.
type lost struct{ portal.Notices }

func (lost) Notifications(context.Context, string, hook.NotificationFilter, hook.Page) ([]hook.Notification, string, error) {
	return nil, "", errors.New("the database is away")
}

func TestWithoutItsStoreThePageOfNotificationsSaysSo(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(cfg *portal.Config) { cfg.Notices = lost{cfg.Notices} })
	require.Equal(t, http.StatusServiceUnavailable, b.guest(hook.RoleOwner, hook.English).get(b.url+"/portal/notifications").status)
}
