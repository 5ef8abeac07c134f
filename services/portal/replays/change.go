package replays

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/services/portal/page"
)

func (s *service) cancel(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	id := r.PathValue("id")
	if _, err := page.Call(v.API.CancelReplayWithResponse(r.Context(), id, &client.CancelReplayParams{})); err != nil {
		return err
	}
	return s.kit.Done(w, r, "replays/"+url.PathEscape(id), "done.cancelled")
}

func (s *service) resume(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	id := r.PathValue("id")
	_, err := page.Call(v.API.ResumeReplayWithResponse(r.Context(), id, &client.ResumeReplayParams{}))
	if conflict(err) {
		return s.showFault(w, r, v, "fault.resume")
	}
	if err != nil {
		return err
	}
	return s.kit.Done(w, r, "replays/"+url.PathEscape(id), "done.resumed")
}

// conflict tells that things are in a state in which it cannot be.
func conflict(err error) bool {
	var refused *client.Problem
	return errors.As(err, &refused) && refused.Status == http.StatusConflict
}
