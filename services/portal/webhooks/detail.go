package webhooks

import (
	"net/http"
	"time"

	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/names"
	"github.com/staffetta/staffetta/services/portal/page"
)

// lastShown is how many deliveries and changes the page of a webhook has.
const lastShown = 10

// detailPage is what the page of a webhook shows.
type detailPage struct {
	row
	// FullURL has what lists leave out.
	FullURL   string
	Subject   []setting
	Request   []setting
	Delivery  []setting
	OnPause   string
	GoneByOne bool // disabled by an answer of 410
	OldSecret time.Time
	// Filter failures: how many, and the last.
	FilterErrors               int64
	FilterMessage, FilterEvent string
	FilterAt                   time.Time
	Deliveries                 []delivery
	MoreDeliveries             bool
	Changes                    []change
	// OlderChanges is the cursor of those before; LaterChanges: these are not the newest.
	OlderChanges string
	LaterChanges bool
}

// delivery is one of the last.
type delivery struct {
	ID, Status, ItemType, EventType, Items string
	At                                     time.Time
	Code                                   int64
	Attempts                               int64
	Test                                   bool
}

func (s *service) showDetail(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	h, _, err := get(r, v)
	if err != nil {
		return err
	}
	language := s.kit.Language(r, v)
	n, err := learn(r.Context(), v, language, []client.Webhook{*h})
	if err != nil {
		return err
	}
	c := detailPage{
		row: newRow(h, n), FullURL: h.URL, OnPause: string(h.OnPause), OldSecret: timeOf(h.OldSecretUntil),
		Subject: subject(h, n), Request: request(h), Delivery: manner(h),
	}
	if f := h.FilterErrors; f != nil {
		c.FilterErrors, c.FilterMessage, c.FilterEvent, c.FilterAt = f.Count, f.Last.Message, f.Last.EventID, f.Last.At
	}
	limit := int64(lastShown)
	sent, err := page.Call(v.API.ListDeliveriesWithResponse(r.Context(), &client.ListDeliveriesParams{Webhook: &h.ID, Limit: &limit}))
	if err != nil {
		return err
	}
	for i := range sent.JSON200.Items {
		c.Deliveries = append(c.Deliveries, newDelivery(&sent.JSON200.Items[i], n))
	}
	c.MoreDeliveries = sent.JSON200.Next != nil
	asked := &client.ListWebhookHistoryParams{Limit: &limit}
	if cursor := r.URL.Query().Get("changes"); cursor != "" {
		asked.Cursor = &cursor
	}
	changed, err := page.Call(v.API.ListWebhookHistoryWithResponse(r.Context(), h.ID, asked))
	if _, refused := page.Refused(err); refused { // a link that was cut
		s.kit.Tell(w, r, page.NotFound)
		return nil
	}
	if err != nil {
		return err
	}
	for i := range changed.JSON200.Items {
		c.Changes = append(c.Changes, newChange(&changed.JSON200.Items[i], n))
	}
	if next := changed.JSON200.Next; next != nil {
		c.OlderChanges = *next
	}
	c.LaterChanges = asked.Cursor != nil
	c.GoneByOne = h.Status == client.WebhookStatus(hook.Disabled) && disabledByGone(changed.JSON200.Items)
	return s.kit.Show(w, r, v, s.detail, c)
}

func newDelivery(d *client.Delivery, n *labels) delivery {
	shown := delivery{
		ID: d.ID, Status: string(d.Status), EventType: string(d.EventType), At: d.UpdatedAt, Attempts: d.AttemptCount,
		ItemType: names.Spoken(n.language, d.ItemType), Test: d.Test != nil && *d.Test,
	}
	if len(d.ItemIds) > 0 {
		shown.Items = d.ItemIds[0]
		if len(d.ItemIds) > 1 {
			shown.Items += ", …"
		}
	}
	if d.StatusCode != nil {
		shown.Code = *d.StatusCode
	}
	return shown
}

// disabledByGone reports whether the newest entry that disabled a webhook says that the
// receiver wants no more.
func disabledByGone(entries []client.HistoryEntry) bool {
	for i := range entries {
		if entries[i].Operation == "disable-webhook" {
			return entries[i].Reason != nil && *entries[i].Reason == string(hook.ReasonGone)
		}
	}
	return false
}
