package quarantine

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/page"
)

// batch is a redrive, which sends many records again.
type batch struct {
	ID, State string
	// Reason and Topic are empty if they do not narrow.
	Reason, Topic string
	KnownReason   bool
	From, To      time.Time
	Patch         string
	Rate          int64
	Total, Done   int64
	Sent          int64
	Failed        []failed
	// FailedSum is how many could not be sent.
	FailedSum          int64
	CreatedAt, EndedAt time.Time
}

// failed is how many could not be sent for a reason.
type failed struct {
	Reason string
	// Text is the key of its words; empty: there are none.
	Text  string
	Count int64
}

// Running says whether it goes on.
func (r *batch) Running() bool { return r.State == string(hook.RedriveRunning) }

func newBatch(r *client.QuarantineRedrive) batch {
	shown := batch{
		ID: r.ID, State: string(r.State), To: r.To, Rate: r.Rate, Total: r.Progress.Total, Done: r.Progress.Done, Sent: r.Progress.Sent,
		CreatedAt: r.CreatedAt,
	}
	if r.Reason != nil {
		shown.Reason, shown.KnownReason = *r.Reason, knownReason(*r.Reason)
	}
	if r.Topic != nil {
		shown.Topic = *r.Topic
	}
	if r.From != nil {
		shown.From = *r.From
	}
	if r.EndedAt != nil {
		shown.EndedAt = *r.EndedAt
	}
	if r.Patch != nil {
		if patch, err := json.Marshal(r.Patch); err == nil {
			shown.Patch, _ = page.Indented(patch, maxPatch)
		}
	}
	for _, reason := range slices.Sorted(maps.Keys(r.Progress.Failed)) {
		count := r.Progress.Failed[reason]
		shown.Failed = append(shown.Failed, failed{Reason: reason, Text: failureText(reason), Count: count})
		shown.FailedSum += count
	}
	return shown
}

// running is the account's redrive that runs: of an account one does at a time, the
// newest. nil: none does.
func running(ctx context.Context, api *client.ClientWithResponses) (*batch, error) {
	limit := int64(1)
	listed, err := page.Call(api.ListQuarantineRedrivesWithResponse(ctx, &client.ListQuarantineRedrivesParams{Limit: &limit}))
	if err != nil {
		return nil, err
	}
	for i := range listed.JSON200.Items {
		if r := newBatch(&listed.JSON200.Items[i]); r.Running() {
			return &r, nil
		}
	}
	return nil, nil //nolint:nilnil // there is none
}

// redrivesPage is what the list of them shows.
type redrivesPage struct {
	Redrives      []batch
	Newest, Older string
}

func (s *service) showRedrives(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	limit, cursor := int64(shown), r.URL.Query().Get("cursor")
	params := &client.ListQuarantineRedrivesParams{Limit: &limit}
	if cursor != "" {
		params.Cursor = &cursor
	}
	listed, err := page.Call(v.API.ListQuarantineRedrivesWithResponse(r.Context(), params))
	if _, refused := page.Refused(err); refused { // a cursor that is none
		s.kit.Tell(w, r, page.NotFound)
		return nil
	}
	if err != nil {
		return err
	}
	c := redrivesPage{}
	for i := range listed.JSON200.Items {
		c.Redrives = append(c.Redrives, newBatch(&listed.JSON200.Items[i]))
	}
	if cursor != "" {
		c.Newest = s.kit.Path("quarantine/redrives")
	}
	if next := listed.JSON200.Next; next != nil {
		c.Older = s.kit.Path("quarantine/redrives?cursor=" + *next)
	}
	return s.kit.Show(w, r, v, s.redrives, c)
}

// showProgress shows one; htmx asks for its middle while it runs.
func (s *service) showProgress(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	got, err := page.Call(v.API.GetQuarantineRedriveWithResponse(r.Context(), r.PathValue("id")))
	if err != nil {
		return err
	}
	c := newBatch(got.JSON200)
	if r.Header.Get("HX-Request") == "true" && r.Header.Get("HX-Boosted") != "true" {
		return s.kit.Fragment(w, r, v, s.progress, "progress", &c)
	}
	return s.kit.Show(w, r, v, s.progress, &c)
}

func (s *service) cancel(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	id := r.PathValue("id")
	_, err := page.Call(v.API.CancelQuarantineRedriveWithResponse(r.Context(), id, &client.CancelQuarantineRedriveParams{}))
	if err != nil {
		return err
	}
	return s.kit.Done(w, r, "quarantine/redrives/"+id, "done.cancelled")
}
