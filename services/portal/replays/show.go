package replays

import (
	"context"
	"net/http"
	"net/url"

	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/names"
	"github.com/staffetta/staffetta/services/portal/page"
)

// shown is how many one page has.
const shown = 50

// replay is one as pages show it.
type replay struct {
	client.Replay
	// HookName and SourceName are what people call the webhooks; SourceName is empty
	// without a source.
	HookName, SourceName string
	// Meant is the status of the deliveries that are meant; empty: any.
	Meant string
	// Types are the item types in the reader's language; none: all.
	Types []string
	// Percent of what there is to do; -1 as long as that is not known.
	Percent int64
	// Total is what there is to do; 0 also as long as that is not known.
	Total int64
}

// Running tells that it goes on.
func (r replay) Running() bool { return r.State == client.ReplayState(hook.ReplayRunning) }

// listPage is what the list shows.
type listPage struct {
	Replays       []replay
	Newest, Older string
	// Running tells that one of them goes on.
	Running bool
}

func (s *service) showList(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	limit := int64(shown)
	params := &client.ListReplaysParams{Limit: &limit}
	cursor := r.URL.Query().Get("cursor")
	if cursor != "" {
		params.Cursor = &cursor
	}
	listed, err := page.Call(v.API.ListReplaysWithResponse(r.Context(), params))
	if _, refused := page.Refused(err); refused { // a cursor that is none
		s.kit.Tell(w, r, page.NotFound)
		return nil
	}
	if err != nil {
		return err
	}
	n := names.New(v.API)
	var p listPage
	for i := range listed.JSON200.Items {
		one, err := describe(r.Context(), &listed.JSON200.Items[i], n, s.kit.Language(r, v))
		if err != nil {
			return err
		}
		p.Replays = append(p.Replays, one)
		p.Running = p.Running || one.Running()
	}
	if cursor != "" {
		p.Newest = s.kit.Path("replays")
	}
	if next := listed.JSON200.Next; next != nil {
		p.Older = s.kit.Path("replays?" + url.Values{"cursor": {*next}}.Encode())
	}
	if r.Header.Get("HX-Request") != "" {
		return s.kit.Fragment(w, r, v, s.list, "replays", p)
	}
	return s.kit.Show(w, r, v, s.list, p)
}

func describe(ctx context.Context, of *client.Replay, n *names.Names, lang hook.Language) (replay, error) {
	r := replay{Replay: *of, Percent: -1}
	h, err := n.Webhook(ctx, of.Webhook)
	if err != nil {
		return r, err
	}
	r.HookName = h.Name
	if of.Source != nil {
		if h, err = n.Webhook(ctx, *of.Source); err != nil {
			return r, err
		}
		r.SourceName = h.Name
	}
	if of.Status != nil {
		r.Meant = string(*of.Status)
	}
	for _, t := range of.ItemTypes {
		r.Types = append(r.Types, names.Spoken(lang, t))
	}
	switch total := of.Progress.Total; {
	case of.State == client.ReplayState(hook.ReplayDone):
		r.Percent = 100
	case total == nil:
	case *total == 0:
		r.Percent = 0
	default:
		r.Total = *total
		// The total is an estimate: it may be passed.
		r.Percent = min(100*of.Progress.Done / *total, 100)
	}
	return r, nil
}

// onePage is what the page of a replay shows.
type onePage struct {
	replay
	// Failed is how many could not be delivered again, since their payload is gone.
	Failed int64
	// Fault is the text that says why it was not resumed; may be empty.
	Fault string
	// State is where its state is asked for.
	Poll string
}

func (s *service) showOne(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	return s.showFault(w, r, v, "")
}

// showFault shows the page of a replay, with what went wrong; may be empty.
func (s *service) showFault(w http.ResponseWriter, r *http.Request, v *page.Visitor, fault string) error {
	got, err := page.Call(v.API.GetReplayWithResponse(r.Context(), r.PathValue("id")))
	if err != nil {
		return err
	}
	n := names.New(v.API)
	p := onePage{Fault: fault}
	if p.replay, err = describe(r.Context(), got.JSON200, n, s.kit.Language(r, v)); err != nil {
		return err
	}
	for _, some := range p.Progress.Failed {
		p.Failed += some
	}
	p.Poll = s.kit.Path("replays/" + url.PathEscape(p.ID))
	switch {
	case fault != "":
		return s.kit.ShowStatus(w, r, v, http.StatusConflict, s.one, p)
	case r.Header.Get("HX-Request") != "":
		return s.kit.Fragment(w, r, v, s.one, "state", p)
	}
	return s.kit.Show(w, r, v, s.one, p)
}
