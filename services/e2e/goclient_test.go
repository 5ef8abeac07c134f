package e2e_test

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	staffetta "github.com/staffetta/staffetta/pkg/client"
)

// speaksGo makes the round trip with the generated client: an account, a key, a webhook,
// an event, its delivery in the log, and what it was charged.
func speaksGo(t *testing.T, in *installation) {
	ctx := t.Context()
	account := "go-" + strings.ToLower(rand.Text()[:10])
	operator := newClient(t, in, staffetta.Config{Key: in.adminKey, Account: account})
	// The account is made without acting for it: it is not there yet.
	founder := newClient(t, in, staffetta.Config{Key: in.adminKey})
	made, err := founder.CreateAccountWithResponse(ctx, nil, staffetta.NewAccount{ID: account})
	accepted(t, made, err)
	require.Equal(t, account, made.JSON201.Name)
	key, err := operator.CreateAPIKeyWithResponse(ctx, nil, staffetta.NewKey{
		Name: "go", Scopes: []staffetta.NewKeyScopes{"read", "write", "publish"},
	})
	accepted(t, key, err)

	c := newClient(t, in, staffetta.Config{Key: *key.JSON201.Key})
	receiver := newReceiver(t, nil)
	webhook, err := c.CreateWebhookWithResponse(ctx, nil, staffetta.NewWebhook{ItemTypes: []string{"Contact"}, URL: receiver.URL})
	accepted(t, webhook, err)
	require.NotEmpty(t, *webhook.JSON201.Secret)

	once := "one-event"
	var events staffetta.Events
	require.NoError(t, events.FromEvent(staffetta.Event{EventType: "create", ItemType: "Contact", Items: []staffetta.EventItem{{ID: 7}}}))
	in.awaitLive(t)
	taken, err := c.PublishEventsWithResponse(ctx, &staffetta.PublishEventsParams{IdempotencyKey: &once}, events)
	accepted(t, taken, err)
	again, err := c.PublishEventsWithResponse(ctx, &staffetta.PublishEventsParams{IdempotencyKey: &once}, events)
	accepted(t, again, err)
	require.Equal(t, taken.JSON202, again.JSON202)

	receiver.await(t, 1)
	var delivery staffetta.Delivery
	eventually(t, func() error {
		list, err := c.ListDeliveriesWithResponse(ctx, &staffetta.ListDeliveriesParams{EventID: &taken.JSON202.Items[0].ID})
		accepted(t, list, err)
		if len(list.JSON200.Items) != 1 {
			return fmt.Errorf("%d deliveries", len(list.JSON200.Items))
		}
		delivery = list.JSON200.Items[0]
		return is(delivery.Status, staffetta.DeliveryStatus("delivered"))
	})
	require.Equal(t, webhook.JSON201.ID, delivery.Webhook)
	details, err := c.GetDeliveryWithResponse(ctx, delivery.ID, nil)
	accepted(t, details, err)
	require.Len(t, details.JSON200.Attempts, 1)
	usage, err := c.ListUsageWithResponse(ctx, &staffetta.ListUsageParams{Webhook: &delivery.Webhook})
	accepted(t, usage, err)
	require.Len(t, usage.JSON200.Items, 1)
	require.EqualValues(t, 1, usage.JSON200.Items[0].Executed)

	stale := `"9"`
	refused, err := c.DeleteWebhookWithResponse(ctx, delivery.Webhook, &staffetta.DeleteWebhookParams{IfMatch: &stale})
	require.NoError(t, err)
	var problem *staffetta.Problem
	require.ErrorAs(t, staffetta.Refused(refused), &problem)
	require.EqualValues(t, http.StatusPreconditionFailed, problem.Status)
}

func newClient(t *testing.T, in *installation, cfg staffetta.Config) *staffetta.ClientWithResponses {
	t.Helper()
	cfg.HTTP = client
	c, err := staffetta.New(in.url("api"), cfg)
	require.NoError(t, err)
	return c
}

func accepted(t *testing.T, answer staffetta.Answer, err error) {
	t.Helper()
	require.NoError(t, err)
	require.NoError(t, staffetta.Refused(answer))
}
