package quarantine

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/page"
)

// manyPage asks whether all of a filter is to be sent again, or discarded.
type manyPage struct {
	Discard bool
	Filter  *filter
	// Count is how many are open, if not More.
	Count int
	More  bool
	// Until is up to when they are meant: what comes later, the reader has not seen.
	Until string
	// Patch and Rate are as they were typed.
	Patch, Rate string
	// Back is the list of the filter.
	Back   string
	Faults *page.Faults
	// Where is the place in the patch that is wrong.
	Where *place
}

// mostCounted is how many records are counted for the reader.
const mostCounted = 200

func (s *service) askSend(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	return s.ask(w, r, v, r.URL.Query(), manyPage{Rate: strconv.Itoa(hook.DefaultRedriveRate)})
}

func (s *service) askDiscard(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	return s.ask(w, r, v, r.URL.Query(), manyPage{Discard: true})
}

func (s *service) ask(w http.ResponseWriter, r *http.Request, v *page.Visitor, values url.Values, c manyPage) error {
	f, faults := readFilter(values)
	f.State, f.Cursor = hook.Open, ""
	if faults != nil || !f.Narrows() {
		s.kit.Redirect(w, r, "quarantine?"+f.query("state", ""))
		return nil
	}
	c.Filter, c.Back = f, s.kit.Path("quarantine?"+f.query("state", ""))
	if c.Until = values.Get("until"); c.Until == "" {
		c.Until = s.kit.Now().UTC().Format(time.RFC3339Nano)
	}
	listed, err := page.Call(v.API.ListQuarantineWithResponse(r.Context(), f.list(mostCounted)))
	if err != nil {
		return err
	}
	c.Count, c.More = len(listed.JSON200.Items), listed.JSON200.Next != nil
	status := http.StatusOK
	if c.Faults != nil {
		status = http.StatusUnprocessableEntity
	}
	return s.kit.ShowStatus(w, r, v, status, s.many, c)
}

// newRedrive is the body that asks for one. The patch is as it was typed: a number in it
// keeps its digits.
type newRedrive struct {
	Reason string          `json:"reason,omitempty"`
	Topic  string          `json:"topic,omitempty"`
	From   *time.Time      `json:"from,omitempty"`
	To     *time.Time      `json:"to,omitempty"`
	Patch  json.RawMessage `json:"patch,omitempty"`
	Rate   json.RawMessage `json:"rate,omitempty"`
}

func (s *service) sendMany(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	c := manyPage{Patch: r.PostForm.Get("patch"), Rate: strings.TrimSpace(r.PostForm.Get("rate"))}
	f, faults := readFilter(r.PostForm)
	if faults != nil || !f.Narrows() {
		return s.ask(w, r, v, r.PostForm, c)
	}
	ask := newRedrive{Reason: f.Reason, Topic: f.Topic, From: timeOrNone(f.from), To: upTo(f, r.PostForm)}
	if ask.Rate = []byte(c.Rate); c.Rate != "" && !json.Valid(ask.Rate) {
		ask.Rate = quoted(c.Rate) // which the API refuses
	}
	if patch := strings.TrimSpace(c.Patch); patch != "" {
		if ask.Patch = []byte(patch); !json.Valid(ask.Patch) {
			c.Faults, c.Where = syntax(patch)
			return s.ask(w, r, v, r.PostForm, c)
		}
	}
	body, err := json.Marshal(ask)
	if err != nil {
		return err
	}
	params := &client.CreateQuarantineRedriveParams{}
	if once := r.PostForm.Get("once"); once != "" {
		params.IdempotencyKey = &once
	}
	made, err := page.Call(v.API.CreateQuarantineRedriveWithBodyWithResponse(r.Context(), params, "application/json", bytes.NewReader(body)))
	if refused, is := page.Refused(err); is {
		c.Faults = refused
		return s.ask(w, r, v, r.PostForm, c)
	}
	if err != nil {
		return err
	}
	return s.kit.Done(w, r, "quarantine/redrives/"+made.JSON202.ID, "done.sending")
}

// syntax says where a patch ceases to be JSON.
func syntax(patch string) (*page.Faults, *place) {
	var at *json.SyntaxError
	err := json.Unmarshal([]byte(patch), new(any))
	faults := &page.Faults{Fields: map[string]string{"patch": "must be a JSON object, the merge patch"}}
	if e, is := err.(*json.SyntaxError); is { //nolint:errorlint // Unmarshal returns it bare
		at = e
	}
	if at == nil {
		return faults, nil
	}
	return faults, placeOf(patch, int(max(0, at.Offset-1)))
}

// discardMany discards what the reader saw: what came later stays.
func (s *service) discardMany(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	c := manyPage{Discard: true}
	f, faults := readFilter(r.PostForm)
	if faults != nil || !f.Narrows() {
		return s.ask(w, r, v, r.PostForm, c)
	}
	params := &client.DiscardAllQuarantinedParams{From: timeOrNone(f.from), To: upTo(f, r.PostForm)}
	if f.Reason != "" {
		params.Reason = &f.Reason
	}
	if f.Topic != "" {
		params.Topic = &f.Topic
	}
	discarded, err := page.Call(v.API.DiscardAllQuarantinedWithResponse(r.Context(), params))
	if refused, is := page.Refused(err); is {
		c.Faults = refused
		return s.ask(w, r, v, r.PostForm, c)
	}
	if err != nil {
		return err
	}
	if discarded.JSON200.More {
		return s.kit.Done(w, r, "quarantine?"+f.query("state", ""), "done.discardedSome")
	}
	return s.kit.Done(w, r, "quarantine", "done.discardedAll")
}

// upTo is when the reader was asked, or the filter's end if that is earlier.
func upTo(f *filter, form url.Values) *time.Time {
	until, ok := readTime(form.Get("until"))
	switch {
	case !ok:
		return timeOrNone(f.to)
	case !f.to.IsZero() && f.to.Before(until):
		return &f.to
	}
	return &until
}

func timeOrNone(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func quoted(text string) json.RawMessage {
	encoded, err := json.Marshal(text)
	if err != nil { // no string fails
		return json.RawMessage("null")
	}
	return encoded
}
