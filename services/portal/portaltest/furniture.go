package portaltest

import (
	"fmt"
	"net/url"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/hook"
)

// NewAccount makes another account beside Account.
func (i *Installation) NewAccount(id string) {
	i.t.Helper()
	_, err := i.Store.CreateAccount(i.t.Context(), hook.Account{ID: id, Name: "The " + id})
	require.NoError(i.t, err)
}

// Key makes an API key of an account, whose name is its id, and gives its text.
func (i *Installation) Key(account, id string, scopes ...hook.Scope) string {
	i.t.Helper()
	text, hash := apiauth.NewKey()
	require.NoError(i.t, i.Store.CreateKey(i.t.Context(), hook.Key{
		ID: id, Account: account, Name: id, Scopes: scopes, Hash: hash, CreatedAt: time.Now(),
	}))
	return text
}

// Enter gives a browser that has signed in with an API key.
func (i *Installation) Enter(key string) *Browser {
	i.t.Helper()
	b := newBrowser(i.t, i.URL)
	require.Equal(i.t, "/portal/webhooks", b.Post("/portal/key", url.Values{"key": {key}}).URL.Path)
	return b
}

// Failing makes a webhook that has failed so often in a row, and had members told each
// time: the last answer was 500.
func (i *Installation) Failing(account, id, description string, times int) {
	i.t.Helper()
	_, err := i.Store.CreateWebhook(i.t.Context(), hook.Webhook{
		ID: id, Account: account, Status: hook.Active, Description: description, URL: "https://example.com/hooks?key=hidden",
		ItemTypes: []string{hook.AnyItemType}, EventTypes: hook.EventTypes, Format: hook.FormatStandard, Payload: hook.Thin,
	})
	require.NoError(i.t, err)
	var rule hook.StreakRule
	for n := range times {
		rule.Notify = append(rule.Notify, n+1)
	}
	from, err := i.Store.NextOffset(i.t.Context(), 0)
	require.NoError(i.t, err)
	records := make([]hook.Recorded, times)
	for n := range records {
		event, at := fmt.Sprintf("evt_%s_%d", id, n), time.Now()
		records[n] = hook.Recorded{Offset: from + int64(n), Attempt: hook.Attempt{
			Delivery: hook.DeliveryID(event, id, -1), Number: 1, Fate: hook.FateRetrying, Reason: hook.ReasonStatus, StatusCode: 500,
			Account: account, Webhook: id, Event: event, EventType: hook.Create, ItemType: "Contact", Items: []string{"7"},
			Bundle: hook.Coordinates{Topic: "deliveries", Offset: int64(n)}, Source: hook.Coordinates{Topic: "events.contacts", Offset: int64(n)},
			Published: at.Add(-time.Second), At: at, Due: at.Add(time.Second),
		}}
	}
	err = i.Store.WithStreakRule(rule).Record(i.t.Context(), []hook.Range{{From: from, To: from + int64(times), Records: records}})
	require.NoError(i.t, err)
}
