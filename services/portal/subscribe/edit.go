package subscribe

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/page"
)

// formPage is what the form shows.
type formPage struct {
	Form   form
	Faults *page.Faults
	// Webhook is the one that is changed; nil: a new one. Version is what it is changed
	// from, for If-Match.
	Webhook *client.Webhook
	Version string
	// Stale: somebody else has changed it meanwhile.
	Stale   bool
	Preview preview
	// InDialog: it is shown over the list.
	InDialog bool

	known    choices
	language hook.Language
}

func (s *service) showNew(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	f := newForm()
	f.Language = string(s.kit.Language(r, v))
	return s.showForm(w, r, v, http.StatusOK, formPage{Form: f, InDialog: page.IsPart(r)})
}

// showForm fills in what can be chosen, and the preview.
func (s *service) showForm(w http.ResponseWriter, r *http.Request, v *page.Visitor, status int, p formPage) (err error) {
	p.language = s.kit.Language(r, v)
	if p.known, err = choicesOf(r.Context(), v.API); err != nil {
		return err
	}
	if p.Preview, err = previewOf(r.Context(), v.API, p.Form, p.Webhook); err != nil {
		return err
	}
	p.Preview.known, p.Preview.language = p.known, p.language
	if p.InDialog {
		return s.kit.FragmentStatus(w, r, v, status, s.form, "dialog", p)
	}
	return s.kit.ShowStatus(w, r, v, status, s.form, p)
}

func (s *service) create(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	f := formFrom(r)
	if r.PostForm.Has("preview") { // without scripts
		return s.showForm(w, r, v, http.StatusOK, formPage{Form: f})
	}
	made, faults, err := s.createOf(r, v, &f)
	switch {
	case err != nil:
		return err
	case faults != nil:
		return s.showForm(w, r, v, http.StatusUnprocessableEntity, formPage{Form: f, Faults: faults, InDialog: page.IsPart(r)})
	case page.IsPart(r):
		// The dialog sends the form once more, as a page does: what is made by it is made, and
		// shown on a page that can be reloaded.
		w.Header().Set("HX-Trigger", "portal:made")
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return s.showMade(w, r, v, made)
}

// createOf makes a webhook of a form, or says what is wrong with it.
func (s *service) createOf(r *http.Request, v *page.Visitor, f *form) (*client.Webhook, *page.Faults, error) {
	if faults := f.incomplete(); faults != nil {
		return nil, faults, nil
	}
	return createWebhook(r, v, f.body(nil))
}

// createWebhook makes a webhook, or says what is wrong with it. Sent again, such as by
// reloading, the same form gives the same webhook.
func createWebhook(r *http.Request, v *page.Visitor, body map[string]any) (*client.Webhook, *page.Faults, error) {
	sent, err := json.Marshal(body)
	if err != nil {
		return nil, nil, fmt.Errorf("portal: a form: %w", err)
	}
	params := &client.CreateWebhookParams{}
	if once := r.PostForm.Get("once"); once != "" {
		params.IdempotencyKey = &once
	}
	made, err := page.Call(v.API.CreateWebhookWithBodyWithResponse(r.Context(), params, "application/json", bytes.NewReader(sent)))
	if faults, refused := page.Refused(err); refused {
		return nil, faults, nil
	}
	if err != nil {
		return nil, nil, err
	}
	return made.JSON201, nil, nil
}

func (s *service) showEdit(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	p, err := s.editPage(r, v)
	if err != nil || p == nil {
		return s.revoked(w, r, err)
	}
	known, err := choicesOf(r.Context(), v.API)
	if err != nil {
		return err
	}
	p.Form = formOf(p.Webhook, known)
	return s.showForm(w, r, v, http.StatusOK, *p)
}

// revoked answers for a webhook that cannot be changed any more, or that was not found.
func (s *service) revoked(w http.ResponseWriter, r *http.Request, err error) error {
	if err == nil {
		s.kit.Tell(w, r, page.NotFound)
	}
	return err
}

// editPage is the webhook of the path, and its version; nil if it is revoked.
func (s *service) editPage(r *http.Request, v *page.Visitor) (*formPage, error) {
	got, err := page.Call(v.API.GetWebhookWithResponse(r.Context(), r.PathValue("id")))
	if err != nil {
		return nil, err
	}
	if got.JSON200.Status == client.WebhookStatusRevoked {
		return nil, nil //nolint:nilnil // there is nothing to change
	}
	return &formPage{Webhook: got.JSON200, Version: got.HTTPResponse.Header.Get("ETag")}, nil
}

func (s *service) change(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	p, err := s.editPage(r, v)
	if err != nil || p == nil {
		return s.revoked(w, r, err)
	}
	p.Form = formFrom(r)
	if r.PostForm.Has("preview") {
		p.Version = r.PostForm.Get("version")
		return s.showForm(w, r, v, http.StatusOK, *p)
	}
	if p.Faults = p.Form.incomplete(); p.Faults == nil {
		sent, err := json.Marshal(p.Form.body(p.Webhook))
		if err != nil {
			return fmt.Errorf("portal: a form: %w", err)
		}
		params := &client.UpdateWebhookParams{}
		if version := r.PostForm.Get("version"); version != "" {
			params.IfMatch = &version
		}
		answer, err := v.API.UpdateWebhookWithBodyWithResponse(r.Context(), p.Webhook.ID, params, "application/json", bytes.NewReader(sent))
		if err == nil && answer.StatusCode() == http.StatusPreconditionFailed {
			// What somebody else did is not to be lost unseen: the form keeps what was written,
			// and saved again it takes the place of what is there now.
			p.Stale = true
			return s.showForm(w, r, v, http.StatusPreconditionFailed, *p)
		}
		_, err = page.Call(answer, err)
		var refused bool
		if p.Faults, refused = page.Refused(err); !refused {
			if err != nil {
				return err
			}
			return s.kit.Done(w, r, "webhooks", "done.webhookSaved")
		}
	}
	p.Version = r.PostForm.Get("version")
	return s.showForm(w, r, v, http.StatusUnprocessableEntity, *p)
}

// incomplete says what only the form can know to be missing: no store ticked would
// otherwise be every store.
func (f *form) incomplete() *page.Faults {
	if f.What != notices && f.Where != everything && len(f.stores()) == 0 {
		return &page.Faults{Fields: map[string]string{"stores": pickStores}}
	}
	return nil
}

// pickStores is a rule of the form, with its Italian among the texts of package page.
const pickStores = "must be at least one, or all of them"
