package day

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/staffetta/staffetta/pkg/signature"
	"github.com/staffetta/staffetta/services/demo/rest"
)

// token signs the formats whose secret is used as it is.
const token = "the-token-of-the-shops-day"

// subscription is a webhook of the day and how its requests are read.
type subscription struct {
	// body makes the webhook, beside its URL, item types and secret.
	body   fields
	secret string
	// verify checks a request's signature.
	verify func(h http.Header, body []byte, secret string) error
	// parse says what a request tells of.
	parse func(h http.Header, body []byte) (event, error)
	// stores that it is told of; none: all.
	stores []string
	// perItem: each item is a delivery of its own.
	perItem bool
	// ordered: an item's changes come one after the other.
	ordered bool
}

// subscriptions are the webhooks, one or two of each format. The first one is what
// the others are compared with: it has all there is to know.
func subscriptions() []subscription {
	standard := func(h http.Header, body []byte, secret string) error {
		return signature.Verify(h, body, secret, time.Now(), signature.DefaultTolerance)
	}
	whsec := signature.NewSecret()
	return []subscription{
		{
			body:   fields{"format": "standard", "payload": "full", "ordering": "item"},
			secret: whsec, verify: standard, parse: parseStandard, ordered: true,
		},
		{body: fields{"format": "standard", "payload": "thin"}, secret: whsec, verify: standard, parse: parseStandard},
		{
			body:   fields{"format": "standard", "payload": "full", "stores": []string{"1"}, "ordering": "item"},
			secret: whsec, verify: standard, parse: parseStandard, stores: []string{"1"}, ordered: true,
		},
		{
			body:   fields{"format": "cloudevents", "cloudevents": "structured", "payload": "full"},
			secret: whsec, verify: standard, parse: parseStructured,
		},
		{
			body:   fields{"format": "cloudevents", "cloudevents": "binary", "payload": "thin", "ordering": "item"},
			secret: whsec, verify: standard, parse: parseBinary, ordered: true,
		},
		{body: fields{"format": "rentman", "language": "en"}, secret: token, verify: signature.VerifyDigest, parse: parseRentman},
		{body: fields{"format": "rentman", "language": "it"}, secret: token, verify: signature.VerifyDigest, parse: parseRentmanItalian},
		{
			body:   fields{"format": "cassa-in-cloud", "ordering": "item"},
			secret: token, verify: signature.VerifySHA1, parse: parseCassa, perItem: true, ordered: true,
		},
	}
}

// wants reports whether an event of a store is for it. One without a store is for all.
func (s subscription) wants(store string) bool {
	return len(s.stores) == 0 || store == "" || slices.Contains(s.stores, store)
}

// subscribe makes the webhooks, and waits until they are live.
func (r *receiver) subscribe(ctx context.Context, client *rest.Client) error {
	for i, inbox := range r.inboxes {
		body := merged(inbox.body, fields{
			"itemTypes": []string{"*"}, "url": r.url + strconv.Itoa(i), "secret": inbox.secret,
			"description": fmt.Sprintf("Shop's day, %v", inbox.body["format"]),
		})
		var made struct{ ID string }
		if err := client.Send(ctx, http.MethodPost, "/v1/webhooks", body, &made); err != nil {
			return fmt.Errorf("webhook: %w", err)
		}
		inbox.webhook = made.ID
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(liveAfter):
		return nil
	}
}
