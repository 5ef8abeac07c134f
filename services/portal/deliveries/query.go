package deliveries

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"

	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/names"
	"github.com/staffetta/staffetta/services/portal/page"
)

// shown is how many deliveries one page has.
const shown = 50

// failed in a filter means retrying or exhausted.
const failed = "failed"

// statuses that one can choose, as people look for them.
var statuses = []string{failed, "exhausted", "retrying", "pending", "held", "delivered", "superseded", "dropped", "cancelled"}

// filterFields are those of the form, by their names in the API.
var filterFields = []string{"status", "webhook", "itemType", "itemId", "eventId", "store", "reason", "from", "to"}

// query is what is asked of the log: its URL, whose parameters are those of the API.
type query struct {
	// Values has the filters, those that are not empty; instants are as forms have them.
	Values url.Values
	Cursor string
	// Faults are those of instants, which the API would not take.
	Faults *page.Faults
}

func readQuery(r *http.Request) query {
	sent := r.URL.Query()
	q := query{Values: url.Values{}, Cursor: sent.Get("cursor")}
	for _, name := range filterFields {
		value := sent.Get(name)
		if value == "" {
			continue
		}
		if name == "from" || name == "to" {
			at, err := names.Instant(value)
			if err == nil {
				value = names.InForm(at)
			} else {
				if q.Faults == nil {
					q.Faults = &page.Faults{Fields: map[string]string{}}
				}
				q.Faults.Fields[name] = notATime
			}
		}
		q.Values.Set(name, value)
	}
	return q
}

// notATime is the rule that an instant broke; it is translated with the words of the page.
const notATime = "must be a date and time"

// Of is the value of a filter.
func (q query) Of(name string) string { return q.Values.Get(name) }

// More tells whether a filter is set that is not always in sight.
func (q query) More() bool {
	return slices.ContainsFunc([]string{"itemId", "eventId", "store", "reason", "from", "to"}, q.Values.Has)
}

// with is the query of a URL with a filter changed; "" takes it away.
func (q query) with(name, value string) string {
	values := url.Values{}
	for name, all := range q.Values {
		values[name] = all
	}
	values.Del(name)
	if value != "" {
		values.Set(name, value)
	}
	if encoded := values.Encode(); encoded != "" {
		return "?" + encoded
	}
	return ""
}

// params are those of the API.
func (q query) params() *client.ListDeliveriesParams {
	limit := int64(shown)
	p := &client.ListDeliveriesParams{Limit: &limit}
	text := func(name string) *string {
		if value := q.Of(name); value != "" {
			return &value
		}
		return nil
	}
	p.Webhook, p.ItemType, p.ItemID = text("webhook"), text("itemType"), text("itemId")
	p.EventID, p.Store, p.Reason = text("eventId"), text("store"), text("reason")
	if status := q.Of("status"); status != "" {
		p.Status = &[]string{status}
	} else if p.Reason != nil {
		// What was delivered has no reason, and the API would look through all of it.
		p.Status = &undelivered
	}
	if at, err := names.Instant(q.Of("from")); err == nil {
		p.From = &at
	}
	if at, err := names.Instant(q.Of("to")); err == nil {
		p.To = &at
	}
	if q.Cursor != "" {
		p.Cursor = &q.Cursor
	}
	return p
}

var undelivered = []string{"pending", "retrying", "exhausted", "held", "superseded", "dropped", "cancelled"}

// itemTypeChoices are the names of item types, with the one that is looked for.
func itemTypeChoices(lang hook.Language) []string { return names.ItemTypes(lang) }

// webhookChoices are the webhooks to choose from; nil if an id is to be entered.
func (q query) webhookChoices(n *names.Names, chosen names.Webhook) []names.Choice {
	return names.With(n.Webhooks, q.Of("webhook"), cmp.Or(chosen.Name, q.Of("webhook")))
}
