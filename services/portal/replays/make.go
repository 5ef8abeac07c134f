package replays

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/staffetta/staffetta/pkg/catalogue"
	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/names"
	"github.com/staffetta/staffetta/services/portal/page"
)

// form is what a form that makes a replay shows.
type form struct {
	// Values are the fields of the API, as they were filled in.
	Values url.Values
	// Choices of the fields; Webhooks is nil if there are too many.
	Webhooks []names.Choice
	Types    []string
	Statuses []string
	// Other are item types that are not among Types.
	Other  string
	Faults *page.Faults
	// Conflict tells that another one is running.
	Conflict bool
	MaxRate  int
}

// Of is the value of a field.
func (f *form) Of(name string) string { return f.Values.Get(name) }

// Chosen tells whether an item type was chosen.
func (f *form) Chosen(itemType string) bool { return slices.Contains(f.Values["itemTypes"], itemType) }

// notATime and notANumber are rules that the portal itself finds broken.
const (
	notATime   = "must be a date and time"
	notANumber = "must be a whole number from 1 to 1000"
)

// statuses that one can choose.
var statuses = []string{"failed", "exhausted", "delivered", "retrying", "pending", "held", "superseded", "dropped", "cancelled"}

// newForm is a form with what there is to choose from.
func (s *service) newForm(ctx context.Context, r *http.Request, v *page.Visitor, values url.Values) (*form, error) {
	n, err := names.Of(ctx, v.API)
	if err != nil {
		return nil, err
	}
	f := &form{Values: values, Types: names.ItemTypes(s.kit.Language(r, v)), Statuses: statuses, Webhooks: n.Webhooks, MaxRate: hook.MaxReplayRate}
	for _, field := range []string{"webhook", "source"} {
		if id := f.Of(field); id != "" {
			h, err := n.Webhook(ctx, id)
			if err != nil {
				return nil, err
			}
			f.Webhooks = names.With(f.Webhooks, id, h.Name)
		}
	}
	return f, nil
}

func (s *service) showNew(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	return s.showForm(w, r, v, s.begin, time.Hour)
}

func (s *service) showRecover(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	return s.showForm(w, r, v, s.recover, 24*time.Hour)
}

// showForm shows an empty form; the range begins so long ago.
func (s *service) showForm(w http.ResponseWriter, r *http.Request, v *page.Visitor, t *page.Template, ago time.Duration) error {
	values := url.Values{
		"from": {names.InForm(time.Now().Add(-ago).Truncate(time.Minute))}, "rate": {strconv.Itoa(hook.DefaultReplayRate)},
		"what": {"deliveries"}, "status": {"failed"},
	}
	if id := r.URL.Query().Get("webhook"); id != "" {
		values.Set("webhook", id)
		values.Set("source", id)
	}
	f, err := s.newForm(r.Context(), r, v, values)
	if err != nil {
		return err
	}
	return s.kit.Show(w, r, v, t, f)
}

// create makes a replay.
func (s *service) create(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	sent := r.PostForm
	faults := &page.Faults{Fields: map[string]string{}}
	body := client.NewReplay{Webhook: sent.Get("webhook")}
	body.From = instant(sent, "from", faults)
	if sent.Get("to") != "" {
		to := instant(sent, "to", faults)
		body.To = &to
	}
	if text := strings.TrimSpace(sent.Get("rate")); text != "" {
		rate, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			faults.Fields["rate"] = notANumber
		}
		body.Rate = &rate
	}
	types := slices.Clone(sent["itemTypes"])
	for name := range strings.SplitSeq(sent.Get("otherTypes"), ",") {
		if name = strings.TrimSpace(name); name != "" {
			types = append(types, name)
		}
	}
	if len(types) > 0 {
		body.ItemTypes = &types
	}
	if sent.Get("what") != "events" {
		source := sent.Get("source")
		if source == "" { // as a rule they are the webhook's own
			source = body.Webhook
		}
		body.Source = &source
		if status := client.NewReplayStatus(sent.Get("status")); status != "" {
			body.Status = &status
		}
	}
	if len(faults.Fields) > 0 {
		return s.again(w, r, v, s.begin, faults, false)
	}
	key := key(r)
	made, err := page.Call(v.API.CreateReplayWithResponse(r.Context(), &client.CreateReplayParams{IdempotencyKey: &key}, body))
	if err != nil {
		return s.refuse(w, r, v, s.begin, err)
	}
	return s.kit.Done(w, r, "replays/"+url.PathEscape(made.JSON201.ID), "done.begun")
}

// begins makes a replay of what failed.
func (s *service) begins(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	faults := &page.Faults{Fields: map[string]string{}}
	from := instant(r.PostForm, "from", faults)
	webhook := r.PostForm.Get("webhook")
	if webhook == "" {
		faults.Fields["webhook"] = "is required"
	}
	if len(faults.Fields) > 0 {
		return s.again(w, r, v, s.recover, faults, false)
	}
	key := key(r)
	made, err := page.Call(v.API.RecoverWebhookWithResponse(r.Context(), webhook, &client.RecoverWebhookParams{IdempotencyKey: &key}, client.Recovery{From: from}))
	var refused *client.Problem
	if errors.As(err, &refused) && refused.Status == http.StatusNotFound {
		faults.Fields["webhook"] = "must be the id of a webhook of this account"
		return s.again(w, r, v, s.recover, faults, false)
	}
	if err != nil {
		return s.refuse(w, r, v, s.recover, err)
	}
	return s.kit.Done(w, r, "replays/"+url.PathEscape(made.JSON202.ID), "done.begun")
}

// instant reads one of a form, or notes that it is none.
func instant(sent url.Values, name string, faults *page.Faults) time.Time {
	at, err := names.Instant(sent.Get(name))
	switch {
	case sent.Get(name) == "":
		faults.Fields[name] = "is required"
	case err != nil:
		faults.Fields[name] = notATime
	}
	return at
}

// key is an Idempotency-Key for a form as it was filled in: sent again with a change it is
// another one.
func key(r *http.Request) string {
	sent := url.Values{}
	for name, values := range r.PostForm {
		if name != page.TokenField {
			sent[name] = values
		}
	}
	sum := sha256.Sum256([]byte(sent.Encode()))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// refuse shows a form again that the API refused.
func (s *service) refuse(w http.ResponseWriter, r *http.Request, v *page.Visitor, t *page.Template, err error) error {
	faults, refused := page.Refused(err)
	if !refused {
		return err
	}
	if conflict(err) {
		return s.again(w, r, v, t, nil, true)
	}
	return s.again(w, r, v, t, faults, false)
}

// again shows a form as it was filled in.
func (s *service) again(w http.ResponseWriter, r *http.Request, v *page.Visitor, t *page.Template, faults *page.Faults, conflict bool) error {
	f, err := s.newForm(r.Context(), r, v, r.PostForm)
	if err != nil {
		return err
	}
	f.Faults, f.Conflict, f.Other = faults, conflict, r.PostForm.Get("otherTypes")
	lang := s.kit.Language(r, v)
	for i, name := range f.Values["itemTypes"] { // the language may be another one now
		f.Values["itemTypes"][i] = names.ItemType(lang, catalogue.Canonical(name))
	}
	return s.kit.ShowStatus(w, r, v, http.StatusUnprocessableEntity, t, f)
}
