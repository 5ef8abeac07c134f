package subscribe

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/page"
	"github.com/staffetta/staffetta/services/portal/trial"
)

// firstType is what a first test is about, if the webhook is told of everything: people
// know what a contact is.
const firstType = "Contact"

// startPage leads to the first delivery: a receiver, a test, and its arrival.
type startPage struct {
	// Step is 1, 2 or 3.
	Step int
	// Demo: there is a receiver to try things out with.
	Demo bool
	// Own: the receiver is to be one's own, at URL.
	Own    bool
	URL    string
	Faults *page.Faults
	// Webhook is the one that was made; nil at first.
	Webhook *client.Webhook
	Arrival arrival
}

// Of is what is wrong with a field.
func (p startPage) Of(field string) string { return p.Faults.Of(field) }

// Rest is what else is wrong.
func (p startPage) Rest() map[string]string { return p.Faults.Rest("url") }

func (s *service) showStart(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	demo := s.demoURL(v) != ""
	return s.kit.Show(w, r, v, s.start, startPage{Step: 1, Demo: demo, Own: !demo})
}

// demoURL is the address of the installation's own receiver; empty: it has none.
func (s *service) demoURL(v *page.Visitor) string {
	if s.trial == nil {
		return ""
	}
	return s.trial.URL(v.Account)
}

// begin makes the webhook.
func (s *service) begin(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	demo := s.demoURL(v)
	p := startPage{Step: 1, Demo: demo != "", Own: demo == "" || r.PostForm.Get("receiver") != "demo", URL: strings.TrimSpace(r.PostForm.Get("url"))}
	body := map[string]any{"url": p.URL, "itemTypes": []string{hook.AnyItemType}}
	if !p.Own {
		at, err := webhookTo(r.Context(), v.API, demo)
		if err != nil {
			return err
		}
		if at != "" { // from an earlier visit
			s.kit.Redirect(w, r, "start/"+at)
			return nil
		}
		description := "Demo receiver"
		if s.kit.Language(r, v) == hook.Italian {
			description = "Ricevente di prova"
		}
		body["url"], body["secret"], body["description"] = demo, s.trial.Secret(v.Account), description
	}
	made, faults, err := createWebhook(r, v, body)
	switch {
	case err != nil:
		return err
	case faults != nil:
		p.Faults = faults
		return s.kit.ShowStatus(w, r, v, http.StatusUnprocessableEntity, s.start, p)
	case p.Own:
		return s.showMade(w, r, v, made) // its secret is shown this once
	}
	s.kit.Redirect(w, r, "start/"+made.ID)
	return nil
}

// webhookTo is the id of a webhook to an address, among the newest; empty: there is none.
func webhookTo(ctx context.Context, api *client.ClientWithResponses, address string) (string, error) {
	limit := int64(200)
	listed, err := page.Call(api.ListWebhooksWithResponse(ctx, &client.ListWebhooksParams{Limit: &limit}))
	if err != nil {
		return "", err
	}
	at := slices.IndexFunc(listed.JSON200.Items, func(w client.Webhook) bool { return w.URL == address })
	if at < 0 {
		return "", nil
	}
	return listed.JSON200.Items[at].ID, nil
}

// showTry is where a test is sent, and arrives.
func (s *service) showTry(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	got, err := page.Call(v.API.GetWebhookWithResponse(r.Context(), r.PathValue("id")))
	if err != nil {
		return err
	}
	p := startPage{Step: 2, Webhook: got.JSON200, Demo: s.isDemo(v, got.JSON200)}
	if p.Arrival, err = s.arrivalOf(r, v, got.JSON200); err != nil {
		return err
	}
	if p.Arrival.Delivery != "" {
		p.Step = 3
	}
	return s.kit.Show(w, r, v, s.start, p)
}

func (s *service) isDemo(v *page.Visitor, w *client.Webhook) bool {
	demo := s.demoURL(v)
	return demo != "" && w.URL == demo
}

// try sends a test.
func (s *service) try(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	got, err := page.Call(v.API.GetWebhookWithResponse(r.Context(), r.PathValue("id")))
	if err != nil {
		return err
	}
	var body client.TestWebhook
	if types := got.JSON200.ItemTypes; len(types) > 0 {
		types = types[:1]
		if types[0] == hook.AnyItemType {
			types = []string{firstType}
		}
		body.ItemTypes = &types
	}
	tried, err := page.Call(v.API.TestWebhookWithResponse(r.Context(), got.JSON200.ID, &client.TestWebhookParams{}, body))
	if err != nil {
		return err
	}
	s.kit.Redirect(w, r, "start/"+got.JSON200.ID+"?"+url.Values{"delivery": {tried.JSON202.Items[0].ID}}.Encode())
	return nil
}

// maxPolls is how often a page asks for an arrival by itself: some minutes.
const maxPolls = 300

// arrival is what is known of a test.
type arrival struct {
	Webhook, Delivery string
	// Logged is the delivery as the log has it; nil: not yet.
	Logged *client.DeliveryDetails
	// Attempt is the one there was; nil: there was none yet.
	Attempt *client.Attempt
	// Demo: it goes to the installation's receiver. Received is what that got; nil:
	// nothing yet.
	Demo     bool
	Received *trial.Arrival
	// Next counts how often it was asked for.
	Next int
}

// Over: nothing more will come of it.
func (a arrival) Over() bool {
	if a.Logged == nil {
		return false
	}
	switch a.Logged.Status {
	case client.DeliveryDetailsStatusPending, client.DeliveryDetailsStatusRetrying:
		return false
	default:
		return true
	}
}

// Delivered: the receiver has taken it.
func (a arrival) Delivered() bool {
	return a.Logged != nil && a.Logged.Status == client.DeliveryDetailsStatusDelivered
}

// Asks: the page is to ask again by itself.
func (a arrival) Asks() bool { return !a.Over() && a.Next < maxPolls }

// Took is how long the receiver took, in whole milliseconds.
func (a arrival) Took() int64 {
	if a.Attempt == nil {
		return 0
	}
	took, err := time.ParseDuration(a.Attempt.Duration)
	if err != nil {
		return 0
	}
	return max(took.Milliseconds(), 1)
}

// arrivalOf is what is known of the delivery that the URL names; without one it is empty.
func (s *service) arrivalOf(r *http.Request, v *page.Visitor, w *client.Webhook) (a arrival, err error) {
	a = arrival{Webhook: w.ID, Delivery: r.URL.Query().Get("delivery"), Demo: s.isDemo(v, w)}
	if a.Delivery == "" {
		return a, nil
	}
	a.Next, _ = strconv.Atoi(r.URL.Query().Get("polls")) // else 0
	a.Next = max(a.Next, 0) + 1
	got, err := page.Call(v.API.GetDeliveryWithResponse(r.Context(), a.Delivery, nil))
	var refused *client.Problem
	switch {
	case err == nil && got.JSON200.Webhook == w.ID:
		a.Logged = got.JSON200
		if n := len(a.Logged.Attempts); n > 0 {
			a.Attempt = &a.Logged.Attempts[n-1]
		}
	case err == nil, errors.As(err, &refused) && refused.Status == http.StatusNotFound: // it is not in the log yet
	default:
		return a, err
	}
	if a.Demo {
		for _, got := range s.trial.Arrivals(v.Account) {
			if got.Delivery == a.Delivery {
				a.Received = &got
				break
			}
		}
	}
	return a, nil
}

// showArrival answers a page that waits for a test.
func (s *service) showArrival(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	got, err := page.Call(v.API.GetWebhookWithResponse(r.Context(), r.PathValue("id")))
	if err != nil {
		return err
	}
	a, err := s.arrivalOf(r, v, got.JSON200)
	if err != nil {
		return err
	}
	return s.kit.Fragment(w, r, v, s.start, "arrival", a)
}
