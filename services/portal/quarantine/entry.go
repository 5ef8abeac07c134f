package quarantine

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/page"
)

// entryPage is what the page of one record shows.
type entryPage struct {
	entry
	Faults []fault
	// Where is the place in its value that is wrong, if that is known.
	Where *place
	// Record is nil if Kafka no longer has it, or, with Away, does not answer.
	Record *record
	Away   bool
	// Again says whether it can be sent again, Mend whether with another value.
	Again, Mend bool
	// Asking: the reader is asked whether to discard it.
	Asking bool
	// Form is the value to send instead.
	Form *mendForm
	// Gone is why it was not sent, if that cannot be mended.
	Gone string
}

// mendForm is the form that sends another value.
type mendForm struct {
	// Open: it is what the reader is at.
	Open  bool
	Value string
	// Tidy: the value came in one line, and goes in one.
	Tidy bool
	// Blank: the value is a proposal, since that of the record is no text.
	Blank bool
	// Faults are what it was refused for, Where is the place in the value.
	Faults *page.Faults
	Where  *place
}

// Rows are as many as the value has, within what a page bears.
func (f *mendForm) Rows() int { return min(max(strings.Count(f.Value, "\n")+2, 6), 24) }

// Wrong are the faults of fields, as those of a record are shown.
func (f *mendForm) Wrong() []fault {
	var all []fault
	for _, field := range slices.Sorted(maps.Keys(f.Faults.Fields)) {
		wrong, ok := readFault(field + " " + f.Faults.Fields[field])
		if !ok {
			wrong = fault{Field: field, Rule: f.Faults.Fields[field]}
		}
		wrong.Field = strings.TrimPrefix(wrong.Field, "value.")
		all = append(all, wrong)
	}
	return all
}

func (s *service) showEntry(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	got, err := page.Call(v.API.GetQuarantinedWithResponse(r.Context(), r.PathValue("id")))
	if err != nil {
		return err
	}
	c := newEntryPage(got.JSON200, v.Account)
	c.Asking = r.URL.Query().Has("discard")
	return s.kit.Show(w, r, v, s.entry, c)
}

func newEntryPage(q *client.QuarantinedRecord, account string) entryPage {
	c := entryPage{
		entry: newEntry(&client.Quarantined{
			ID: q.ID, Account: q.Account, Reason: q.Reason, Detail: q.Detail, State: client.QuarantinedState(q.State),
			Topic: q.Topic, Partition: q.Partition, Offset: q.Offset, Bytes: q.Bytes, CreatedAt: q.CreatedAt, ChangedAt: q.ChangedAt,
		}),
		Faults: why(q.Detail), Away: q.RecordUnavailable != nil && *q.RecordUnavailable,
	}
	if q.Record == nil {
		return c
	}
	c.Record = newRecord(q.Record)
	for _, f := range c.Faults {
		if f.HasByte && f.Field == "value" && (c.Record.Value.Kind == kindText || c.Record.Value.Kind == kindJSON) {
			c.Where = placeOf(c.Record.Value.raw, f.Byte)
		}
	}
	discarded := c.State == string(hook.Discarded)
	c.Again = !discarded && !c.keptInPart()
	c.Mend = !discarded && !bus.Internal(c.Topic)
	c.Form = proposal(c.Record, account)
	return c
}

// keptInPart says whether it cannot go as it came. What is cut only for being shown goes
// whole: of larger ones the API says so when it is asked.
func (c *entryPage) keptInPart() bool {
	const keptWhole = 15 << 20
	return c.Record.Cut && c.Bytes > keptWhole
}

// proposal is what the form begins with.
func proposal(r *record, account string) *mendForm {
	if (r.Value.Kind == kindText || r.Value.Kind == kindJSON) && !r.Cut && len(r.Value.raw) <= codec.MaxBytes {
		oneLine := !strings.Contains(strings.TrimSpace(r.Value.raw), "\n")
		if oneLine {
			return &mendForm{Value: r.Value.Text, Tidy: r.Value.Kind == kindJSON}
		}
		return &mendForm{Value: r.Value.raw}
	}
	quoted, err := json.Marshal(account)
	if err != nil { // no string fails
		quoted = []byte(`""`)
	}
	return &mendForm{Blank: true, Tidy: true, Value: `{
  "account": ` + string(quoted) + `,
  "eventType": "create",
  "itemType": "",
  "items": [
    {"id": 0}
  ]
}`}
}

// redrive sends a record again, as it came or with another value.
func (s *service) redrive(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	id, once := r.PathValue("id"), r.PostForm.Get("once")
	params := &client.RedriveQuarantinedParams{}
	if once != "" {
		params.IdempotencyKey = &once
	}
	var err error
	form := &mendForm{Open: r.PostForm.Has("value"), Tidy: r.PostForm.Has("tidy"), Blank: r.PostForm.Has("blank")}
	if form.Open {
		form.Value = strings.ReplaceAll(r.PostForm.Get("value"), "\r\n", "\n")
		sent := form.Value
		if form.Tidy {
			sent = compact(sent)
		}
		_, err = page.Call(v.API.RedriveQuarantinedWithResponse(r.Context(), id, params, client.Redrive{Value: &sent}))
	} else {
		// A body of its own would be a value.
		_, err = page.Call(v.API.RedriveQuarantinedWithBodyWithResponse(r.Context(), id, params, "application/json", http.NoBody))
	}
	if err == nil {
		return s.kit.Done(w, r, "quarantine/"+id+"#content", "done.sent")
	}
	status, faults := refused(err)
	if faults == nil {
		return err
	}
	got, err := page.Call(v.API.GetQuarantinedWithResponse(r.Context(), id))
	if err != nil {
		return err
	}
	c := newEntryPage(got.JSON200, v.Account)
	if form.Open {
		form.Faults = faults
		// The API found the place in what was sent, which may be in one line.
		if f, ok := readFault("value " + faults.Of("value")); ok && f.HasByte {
			form.Where = placeOf(form.Value, f.Byte)
			if form.Tidy && compact(form.Value) != form.Value {
				form.Where = nil
			}
		}
		c.Form = form
	} else {
		c.Gone = faults.Whole
	}
	return s.kit.ShowStatus(w, r, v, status, s.entry, c)
}

// refused tells what a form was refused for; nil: not for what it contains. A record that
// has expired is the form's matter too.
func refused(err error) (int, *page.Faults) {
	var p *client.Problem
	if !errors.As(err, &p) {
		return 0, nil
	}
	if p.Status == http.StatusGone {
		f := &page.Faults{Whole: p.Title}
		if p.Detail != nil {
			f.Whole = *p.Detail
		}
		return http.StatusGone, f
	}
	faults, is := page.Refused(err)
	if !is {
		return 0, nil
	}
	return int(p.Status), faults
}

func (s *service) discard(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	_, err := page.Call(v.API.DiscardQuarantinedWithResponse(r.Context(), r.PathValue("id"), &client.DiscardQuarantinedParams{}))
	if err != nil {
		return err
	}
	return s.kit.Done(w, r, "quarantine", "done.discarded")
}
