package webhooks

import (
	"errors"
	"net/http"

	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/page"
)

// question is what is asked before a webhook is paused or deleted.
type question struct {
	row
	// Version is the webhook's ETag: what is done is done to what was seen.
	Version string
	// OnPause is "hold" or "drop".
	OnPause string
	// To is "list" if the list is where to go back to.
	To string
	// Stale: it was changed meanwhile.
	Stale bool
}

func (s *service) ask(w http.ResponseWriter, r *http.Request, v *page.Visitor, t *page.Template, stale bool) error {
	h, version, err := get(r, v)
	if err != nil {
		return err
	}
	n, err := learn(r.Context(), v, s.kit.Language(r, v), []client.Webhook{*h})
	if err != nil {
		return err
	}
	q := question{row: newRow(h, n), Version: version, OnPause: string(h.OnPause), Stale: stale}
	switch {
	case q.Gone:
		s.kit.Redirect(w, r, "webhooks/"+h.ID)
		return nil
	case stale:
		return s.kit.ShowStatus(w, r, v, http.StatusPreconditionFailed, t, q)
	case page.IsPart(r):
		q.To = "list"
		return s.kit.Fragment(w, r, v, t, "dialog", q)
	}
	return s.kit.Show(w, r, v, t, q)
}

func (s *service) askPause(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	return s.ask(w, r, v, s.pause, false)
}

func (s *service) askDelete(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	return s.ask(w, r, v, s.remove, false)
}

// stale reports whether the API refused since the webhook is another by now.
func stale(err error) bool {
	var refused *client.Problem
	return errors.As(err, &refused) && refused.Status == http.StatusPreconditionFailed
}

// back is where a form of a webhook leads to.
func back(r *http.Request) string {
	if r.PostFormValue("to") == "list" {
		return "webhooks"
	}
	return "webhooks/" + r.PathValue("id")
}

func (s *service) doPause(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	id, version, choice := r.PathValue("id"), given(r, "version"), hook.OnPause(r.PostFormValue("onPause"))
	if choice == hook.Hold || choice == hook.Drop {
		onPause := client.WebhookPatchOnPause(choice)
		changed, err := page.Call(v.API.UpdateWebhookWithResponse(r.Context(), id, &client.UpdateWebhookParams{IfMatch: version}, client.WebhookPatch{OnPause: &onPause}))
		if stale(err) {
			return s.ask(w, r, v, s.pause, true)
		}
		if err != nil {
			return err
		}
		now := changed.HTTPResponse.Header.Get("ETag")
		version = &now
	}
	_, err := page.Call(v.API.PauseWebhookWithResponse(r.Context(), id, &client.PauseWebhookParams{IfMatch: version}))
	if stale(err) {
		return s.ask(w, r, v, s.pause, true)
	}
	if err != nil {
		return err
	}
	return s.kit.Done(w, r, back(r), "done.paused")
}

func (s *service) doResume(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	if _, err := page.Call(v.API.ResumeWebhookWithResponse(r.Context(), r.PathValue("id"), nil)); err != nil {
		return err
	}
	return s.kit.Done(w, r, back(r), "done.resumed")
}

func (s *service) doDelete(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	_, err := page.Call(v.API.DeleteWebhookWithResponse(r.Context(), r.PathValue("id"), &client.DeleteWebhookParams{IfMatch: given(r, "version")}))
	if stale(err) {
		return s.ask(w, r, v, s.remove, true)
	}
	if err != nil {
		return err
	}
	return s.kit.Done(w, r, "webhooks", "done.deleted")
}

// given is a field of a form; nil if it is empty.
func given(r *http.Request, field string) *string {
	if text := r.PostFormValue(field); text != "" {
		return &text
	}
	return nil
}
