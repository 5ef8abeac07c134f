package deliveries

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/page"
)

// retry sends a delivery again. Its page then waits for what comes of it.
func (s *service) retry(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	id := r.PathValue("id")
	before, err := s.read(r, v, "")
	if err != nil {
		return err
	}
	params := &client.RetryDeliveryParams{}
	if once := r.PostForm.Get("once"); once != "" {
		params.IdempotencyKey = &once // who clicks twice means one request
	}
	_, err = page.Call(v.API.RetryDeliveryWithResponse(r.Context(), id, params))
	switch code := status(err); {
	case code == http.StatusGone:
		return s.showFault(w, r, v, "fault.gone")
	case code == http.StatusConflict && before.Hook.Status == string(client.WebhookStatusRevoked):
		return s.showFault(w, r, v, "fault.revoked")
	case code == http.StatusConflict && before.Status == client.DeliveryStatus(hook.FateHeld):
		return s.showFault(w, r, v, "fault.ordered")
	case code == http.StatusConflict: // the same form is just being carried out
	case err != nil:
		return err
	}
	return s.kit.Done(w, r, "log/"+url.PathEscape(id)+"?"+url.Values{"again": {before.version()}}.Encode(), "done.retried")
}

// discard gives an exhausted delivery up.
func (s *service) discard(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	id := r.PathValue("id")
	_, err := page.Call(v.API.DiscardDeliveryWithResponse(r.Context(), id, &client.DiscardDeliveryParams{}))
	if status(err) == http.StatusConflict {
		return s.showFault(w, r, v, "fault.notExhausted")
	}
	if err != nil {
		return err
	}
	return s.kit.Done(w, r, "log/"+url.PathEscape(id), "done.discarded")
}

// status is that of a refusal of the API; 0 of any other error, and of none.
func status(err error) int {
	var refused *client.Problem
	if errors.As(err, &refused) {
		return int(refused.Status)
	}
	return 0
}
