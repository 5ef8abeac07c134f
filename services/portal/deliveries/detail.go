package deliveries

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/names"
	"github.com/staffetta/staffetta/services/portal/page"
)

// detailPage is what the page of a delivery shows.
type detailPage struct {
	row
	Hook names.Webhook
	// Trace is where its trace is shown; empty: nowhere.
	Trace    string
	Attempts []attempt
	// Fault is the text that says why it was not sent again or discarded; may be empty.
	Fault string
	// State is where its state is asked for as it goes on; empty: it does not.
	State string
	// Back is where the log is.
	Back string
}

func (s *service) showDetail(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	return s.showFault(w, r, v, "")
}

// showFault shows the page of a delivery, with what went wrong; may be empty.
func (s *service) showFault(w http.ResponseWriter, r *http.Request, v *page.Visitor, fault string) error {
	p, err := s.read(r, v, r.URL.Query().Get("again"))
	if err != nil {
		return err
	}
	p.Fault = fault
	if fault != "" {
		return s.kit.ShowStatus(w, r, v, http.StatusConflict, s.detail, p)
	}
	return s.kit.Show(w, r, v, s.detail, p)
}

// showState is the part of the page that changes; 204 if it is what the page shows.
func (s *service) showState(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	query := r.URL.Query()
	p, err := s.read(r, v, query.Get("again"))
	if err != nil {
		return err
	}
	switch {
	case r.Header.Get("HX-Request") == "":
		s.kit.Redirect(w, r, "log/"+url.PathEscape(p.ID))
		return nil
	case p.version() == query.Get("seen"):
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return s.kit.Fragment(w, r, v, s.detail, "state", p)
}

// read asks for a delivery without its payload. again is what it was when somebody asked
// for another run: until then it goes on.
func (s *service) read(r *http.Request, v *page.Visitor, again string) (detailPage, error) {
	ctx, lang := r.Context(), s.kit.Language(r, v)
	without := false
	got, err := page.Call(v.API.GetDeliveryWithResponse(ctx, r.PathValue("id"), &client.GetDeliveryParams{Payload: &without}))
	if err != nil {
		return detailPage{}, err
	}
	d := got.JSON200
	n := names.New(v.API)
	p := detailPage{Trace: s.kit.Trace(d.TraceID), Back: s.kit.Path("log")}
	if p.row, err = rowOf(ctx, listed(d), n, lang); err != nil {
		return p, err
	}
	if p.Hook, err = n.Webhook(ctx, d.Webhook); err != nil {
		return p, err
	}
	for i := range d.Attempts {
		p.Attempts = append(p.Attempts, attemptOf(lang, &d.Attempts[i]))
	}
	slices.Reverse(p.Attempts)
	if len(p.Attempts) > 0 {
		p.Attempts[0].Open = true
	}
	waits := again != "" && again == p.version()
	if waits || p.Status == client.DeliveryStatus(hook.FateRetrying) || p.Status == client.DeliveryStatus(hook.FatePending) {
		query := url.Values{"seen": {p.version()}}
		if waits {
			query.Set("again", again)
		}
		p.State = s.kit.Path("log/" + url.PathEscape(p.ID) + "/state?" + query.Encode())
	}
	return p, nil
}

// listed is a delivery as lists have it.
func listed(d *client.DeliveryDetails) client.Delivery {
	return client.Delivery{
		ID: d.ID, Webhook: d.Webhook, Status: client.DeliveryStatus(d.Status), Reason: client.DeliveryReason(d.Reason),
		EventID: d.EventID, EventType: client.DeliveryEventType(d.EventType), ItemType: d.ItemType, ItemIds: d.ItemIds, Store: d.Store,
		AttemptCount: d.AttemptCount, StatusCode: d.StatusCode, PublishedAt: d.PublishedAt, UpdatedAt: d.UpdatedAt, DueAt: d.DueAt,
		TraceID: d.TraceID, Test: d.Test,
	}
}

// maxPayload bounds what a payload may grow to when its lines are indented, in bytes.
const maxPayload = 4 << 20

// payloadPage is the event of a delivery.
type payloadPage struct {
	ID string
	// JSON is empty if it is not there: then either it is Expired, or Kafka is away.
	JSON    string
	Expired bool
}

// showPayload shows what was sent: in the page of the delivery by htmx, else as a page.
func (s *service) showPayload(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	p, err := readPayload(r.Context(), v.API, r.PathValue("id"))
	if err != nil {
		return err
	}
	if r.Header.Get("HX-Request") != "" {
		return s.kit.Fragment(w, r, v, s.payload, "payload", p)
	}
	return s.kit.Show(w, r, v, s.payload, p)
}

func readPayload(ctx context.Context, api *client.ClientWithResponses, id string) (payloadPage, error) {
	got, err := page.Call(api.GetDeliveryWithResponse(ctx, id, &client.GetDeliveryParams{}))
	if err != nil {
		return payloadPage{}, err
	}
	p := payloadPage{ID: got.JSON200.ID, Expired: got.JSON200.PayloadExpired != nil && *got.JSON200.PayloadExpired}
	if got.JSON200.Payload == nil {
		return p, nil
	}
	// As it was published: what the client has read has other numbers.
	var answer struct{ Payload json.RawMessage }
	if err := json.Unmarshal(got.Body, &answer); err != nil {
		return p, fmt.Errorf("the payload of a delivery: %w", err)
	}
	var ok bool
	if p.JSON, ok = page.Indented(answer.Payload, maxPayload); !ok {
		p.JSON = string(answer.Payload)
	}
	return p, nil
}
