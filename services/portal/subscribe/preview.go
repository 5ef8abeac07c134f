package subscribe

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/page"
)

// exampleURL stands for an address that nobody has written yet.
const exampleURL = "https://example.com/webhooks"

// preview is the request that would be sent.
type preview struct {
	// Request is nil if something is wrong with the form.
	Request *client.WebhookPreview
	// Body is the request's, indented.
	Body string
	// Faults are what is wrong.
	Faults *page.Faults
	Form   form

	known    choices
	language hook.Language
}

// Types are the item types that the sample may be of.
func (p preview) Types() []choice {
	names := p.Form.sampleTypes()
	var all []choice
	for _, t := range p.known.types {
		if names == nil || slices.Contains(names, t.Name) {
			all = append(all, choice{Value: t.Name, Label: label(t, p.language), Ticked: p.Request != nil && p.Request.ItemType == t.Name})
		}
	}
	for _, name := range names {
		if !p.known.hasType(name) {
			all = append(all, choice{Value: name, Label: name, Ticked: p.Request != nil && p.Request.ItemType == name})
		}
	}
	return all
}

// Events are the event types that the sample may be of.
func (p preview) Events() []choice {
	current := ""
	if p.Request != nil {
		current = string(p.Request.EventType)
	}
	if len(p.Form.Events) == 0 {
		return ticks(words(hook.EventTypes), current)
	}
	return ticks(p.Form.Events, current)
}

// Fields are the names of those that something is wrong with, as the form has them.
func (p preview) Fields() []string {
	var names []string
	for _, field := range fields {
		if len(faultsOf(p.Faults, field, &p.Form)) > 0 {
			names = append(names, field)
		}
	}
	return names
}

// sampleTypes are those that the form has chosen; nil: any.
func (f *form) sampleTypes() []string {
	if f.What != chosen {
		return nil
	}
	if types := f.itemTypes(); len(types) > 0 {
		return types
	}
	return nil
}

// askPreview asks for the preview of a form as it is.
func askPreview(ctx context.Context, api *client.ClientWithResponses, body map[string]any) (*client.WebhookPreview, *page.Faults, error) {
	sent, err := json.Marshal(body)
	if err != nil {
		return nil, nil, fmt.Errorf("portal: a form: %w", err)
	}
	got, err := page.Call(api.PreviewWebhookWithBodyWithResponse(ctx, &client.PreviewWebhookParams{}, "application/json", bytes.NewReader(sent)))
	if faults, refused := page.Refused(err); refused {
		return nil, faults, nil
	}
	if err != nil {
		return nil, nil, err
	}
	return got.JSON200, nil, nil
}

// previewBody is the form as the API previews it.
func (f *form) previewBody(before *client.Webhook) map[string]any {
	body := f.body(before)
	if before != nil {
		body["webhook"] = before.ID
	}
	if f.What == notices {
		return body
	}
	if types := f.sampleTypes(); f.SampleType != "" && (types == nil || slices.Contains(types, f.SampleType)) {
		body["itemType"] = f.SampleType
	}
	if slices.Contains(f.Events, f.SampleEvent) {
		body["eventType"] = f.SampleEvent
	}
	return body
}

// previewOf shows a form that may be half filled in: what is not there yet is made up.
func previewOf(ctx context.Context, api *client.ClientWithResponses, f form, before *client.Webhook) (p preview, err error) {
	p.Form = f
	body := f.previewBody(before)
	if before == nil && f.URL == "" {
		body["url"] = exampleURL
	}
	if f.What == notices {
		if len(f.Notices) == 0 {
			body["notices"] = []string{string(hook.AnyNotice)}
		}
	} else {
		if len(f.itemTypes()) == 0 {
			body["itemTypes"] = []string{hook.AnyItemType}
		}
		if len(f.Events) == 0 {
			body["eventTypes"] = hook.EventTypes
		}
	}
	if p.Request, p.Faults, err = askPreview(ctx, api, body); err != nil || p.Request == nil {
		return p, err
	}
	p.Body = p.Request.Body
	var indented bytes.Buffer
	if json.Indent(&indented, []byte(p.Body), "", "  ") == nil {
		p.Body = indented.String()
	}
	return p, nil
}

// editedWebhook is the webhook that the form of a preview or check changes; nil for a new one.
func editedWebhook(r *http.Request, v *page.Visitor) (*client.Webhook, error) {
	id := r.PostForm.Get("webhook")
	if id == "" {
		return nil, nil //nolint:nilnil // a new one
	}
	got, err := page.Call(v.API.GetWebhookWithResponse(r.Context(), id))
	if err != nil {
		return nil, err
	}
	return got.JSON200, nil
}

// showPreview answers the form's preview, as it is filled in.
func (s *service) showPreview(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	before, err := editedWebhook(r, v)
	if err != nil {
		return err
	}
	p, err := previewOf(r.Context(), v.API, formFrom(r), before)
	if err != nil {
		return err
	}
	if p.known, err = choicesOf(r.Context(), v.API); err != nil {
		return err
	}
	p.language = s.kit.Language(r, v)
	return s.kit.Fragment(w, r, v, s.form, "preview", p)
}

// checked are the fields that are checked as one leaves them.
var checked = []string{"url", "filter"}

// check answers what is wrong with one field of a form that is not sent yet.
func (s *service) check(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	field := r.URL.Query().Get("field")
	if !slices.Contains(checked, field) {
		s.kit.Tell(w, r, page.NotFound)
		return nil
	}
	before, err := editedWebhook(r, v)
	if err != nil {
		return err
	}
	f := formFrom(r)
	body := f.previewBody(before)
	body["url"] = f.URL
	_, faults, err := askPreview(r.Context(), v.API, body)
	if err != nil {
		return err
	}
	return s.kit.Fragment(w, r, v, s.form, "field-faults", faultsOf(faults, field, &f))
}
