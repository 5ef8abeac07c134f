// Package quarantine is the pages of input that was refused: why, the record as it came,
// and how to mend it, send it again or discard it.
//
//	quarantine.go  the pages, and the list
//	filter.go      which records the reader chose
//	entry.go       one record, and what can be done with it
//	record.go      a record as people can read it
//	why.go         what is wrong with it, fault by fault
//	many.go        all of a filter, to be sent again or discarded
//	redrives.go    how far sending many is
package quarantine

import (
	"embed"
	"net/http"
	"time"

	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/page"
)

//go:embed *.html
var files embed.FS

type service struct {
	kit                         *page.Kit
	list, entry, many, redrives *page.Template
	progress                    *page.Template
}

// Register adds the pages. The error is a defect of a template.
func Register(mux *http.ServeMux, k *page.Kit) error {
	s := &service{kit: k}
	for t, name := range map[**page.Template]string{
		&s.list: "list.html", &s.entry: "entry.html", &s.many: "many.html", &s.redrives: "redrives.html", &s.progress: "progress.html",
	} {
		var err error
		if *t, err = k.Template(files, name, "quarantine", words, reasonWords, mendWords); err != nil {
			return err
		}
	}
	mux.HandleFunc("GET /portal/quarantine", k.Read("", s.showList))
	mux.HandleFunc("GET /portal/quarantine/{id}", k.Read("", s.showEntry))
	mux.HandleFunc("POST /portal/quarantine/{id}/redrive", k.Change(hook.ScopeWrite, s.redrive))
	mux.HandleFunc("POST /portal/quarantine/{id}/discard", k.Change(hook.ScopeWrite, s.discard))
	mux.HandleFunc("GET /portal/quarantine/send", k.Read(hook.ScopeWrite, s.askSend))
	mux.HandleFunc("GET /portal/quarantine/discard", k.Read(hook.ScopeWrite, s.askDiscard))
	mux.HandleFunc("POST /portal/quarantine/discard", k.Change(hook.ScopeWrite, s.discardMany))
	mux.HandleFunc("GET /portal/quarantine/redrives", k.Read("", s.showRedrives))
	mux.HandleFunc("POST /portal/quarantine/redrives", k.Change(hook.ScopeWrite, s.sendMany))
	mux.HandleFunc("GET /portal/quarantine/redrives/{id}", k.Read("", s.showProgress))
	mux.HandleFunc("POST /portal/quarantine/redrives/{id}/cancel", k.Change(hook.ScopeWrite, s.cancel))
	return nil
}

// shown is how many one page of a list has.
const shown = 50

// listPage is what the list shows.
type listPage struct {
	Filter *filter
	// Tabs are the states to choose from.
	Tabs    []tab
	Reasons []string
	Entries []entry
	// Send and Discard are where all of the filter can be; empty: it is no filter, or
	// nothing is open.
	Send, Discard string
	// Running is the redrive that runs; nil: none does.
	Running       *batch
	Newest, Older string
	Faults        *page.Faults
}

type tab struct {
	State, URL string
	Current    bool
}

// entry is one record in the list.
type entry struct {
	ID string
	// Reason is as the API has it, Known whether there is a text for it.
	Reason string
	Known  bool
	State  string
	// Why is its first fault, of so many more.
	Why               fault
	More              int
	Topic             string
	Partition, Offset int64
	Bytes             int64
	At                time.Time
	ChangedAt         time.Time
}

func newEntry(q *client.Quarantined) entry {
	faults := why(q.Detail)
	e := entry{
		ID: q.ID, Reason: q.Reason, Known: knownReason(q.Reason), State: string(q.State), Why: faults[0], More: len(faults) - 1,
		Topic: q.Topic, Partition: q.Partition, Offset: q.Offset, Bytes: q.Bytes, At: q.CreatedAt,
	}
	if q.ChangedAt != nil {
		e.ChangedAt = *q.ChangedAt
	}
	return e
}

func (s *service) showList(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	f, faults := readFilter(r.URL.Query())
	c := listPage{Filter: f, Reasons: reasons, Faults: faults}
	for _, state := range hook.QuarantineStates {
		c.Tabs = append(c.Tabs, tab{State: string(state), URL: s.kit.Path("quarantine?" + f.query("state", string(state))), Current: f.State == state})
	}
	if faults == nil {
		listed, err := page.Call(v.API.ListQuarantineWithResponse(r.Context(), f.list(shown)))
		refused, is := page.Refused(err)
		switch {
		case is:
			c.Faults = refused
		case err != nil:
			return err
		default:
			s.fill(&c, listed.JSON200)
		}
	}
	if c.Faults != nil {
		return s.kit.ShowStatus(w, r, v, http.StatusUnprocessableEntity, s.list, c)
	}
	var err error
	if c.Running, err = running(r.Context(), v.API); err != nil {
		return err
	}
	return s.kit.Show(w, r, v, s.list, c)
}

func (s *service) fill(c *listPage, listed *client.ListQuarantined) {
	for i := range listed.Items {
		c.Entries = append(c.Entries, newEntry(&listed.Items[i]))
	}
	if c.Filter.Cursor != "" {
		c.Newest = s.kit.Path("quarantine?" + c.Filter.query("cursor", ""))
	}
	if listed.Next != nil {
		c.Older = s.kit.Path("quarantine?" + c.Filter.query("cursor", *listed.Next))
	}
	if c.Filter.State == hook.Open && c.Filter.Narrows() && len(c.Entries) > 0 {
		c.Send, c.Discard = s.kit.Path("quarantine/send?"+c.Filter.query("state", "")), s.kit.Path("quarantine/discard?"+c.Filter.query("state", ""))
	}
}
