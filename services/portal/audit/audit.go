// Package audit is the page that tells who changed what in an account, when, and from
// where.
package audit

import (
	"embed"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/page"
)

//go:embed *.html
var files embed.FS

// shown is how many one page has.
const shown = 50

type service struct {
	kit  *page.Kit
	list *page.Template
}

// Register adds the page. The error is a defect of its template.
func Register(mux *http.ServeMux, k *page.Kit) error {
	s := &service{kit: k}
	var err error
	if s.list, err = k.Template(files, "audit.html", "audit", words); err != nil {
		return err
	}
	mux.HandleFunc("GET /portal/audit", k.Read(hook.ScopeSettings, s.show))
	return nil
}

// content is what the page shows.
type content struct {
	Filter     filter
	Operations []string
	Entries    []entry
	// Newest and Older are where other pages are; empty: there are none.
	Newest, Older string
	// Wrong says that a filter is none: its field; empty: each is one.
	Wrong string
}

// filter is what the reader narrows the log with, as they wrote it.
type filter struct {
	Actor, Operation, Target, From, To string
}

// Any is whether there is one.
func (f filter) Any() bool { return f != filter{} }

// entry is one as the page shows it.
type entry struct {
	client.AuditEntry
	// Known is whether there is a text for the operation.
	Known bool
	// Webhook is whether its target is one.
	Webhook bool
	Lines   []line
}

func (s *service) show(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	query := r.URL.Query()
	c := content{Operations: operations, Filter: filter{
		Actor: strings.TrimSpace(query.Get("actor")), Operation: query.Get("operation"), Target: strings.TrimSpace(query.Get("target")),
		From: query.Get("from"), To: query.Get("to"),
	}}
	params, wrong := c.Filter.params()
	if wrong != "" {
		c.Wrong = wrong
		return s.kit.ShowStatus(w, r, v, http.StatusUnprocessableEntity, s.list, c)
	}
	cursor := query.Get("cursor")
	params.Cursor = given(cursor)
	listed, err := page.Call(v.API.ListAuditLogWithResponse(r.Context(), params))
	if faults, refused := page.Refused(err); refused {
		if faults.Of("cursor") != "" {
			s.kit.Tell(w, r, page.NotFound)
			return nil
		}
		for field := range faults.Fields {
			c.Wrong = field
		}
		return s.kit.ShowStatus(w, r, v, http.StatusUnprocessableEntity, s.list, c)
	}
	if err != nil {
		return err
	}
	for i := range listed.JSON200.Items {
		c.Entries = append(c.Entries, told(&listed.JSON200.Items[i]))
	}
	if cursor != "" {
		c.Newest = s.at(c.Filter, "")
	}
	if next := listed.JSON200.Next; next != nil {
		c.Older = s.at(c.Filter, *next)
	}
	return s.kit.Show(w, r, v, s.list, c)
}

// at is where a page of the list is.
func (s *service) at(f filter, cursor string) string {
	query := url.Values{}
	for name, value := range map[string]string{
		"actor": f.Actor, "operation": f.Operation, "target": f.Target, "from": f.From, "to": f.To, "cursor": cursor,
	} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if len(query) == 0 {
		return s.kit.Path("audit")
	}
	return s.kit.Path("audit?" + query.Encode())
}

// params are those of the API. wrong is the field that is no time; empty: each is one.
func (f filter) params() (params *client.ListAuditLogParams, wrong string) {
	limit := int64(shown)
	params = &client.ListAuditLogParams{Limit: &limit, Actor: given(f.Actor), Operation: given(f.Operation), Target: given(f.Target)}
	var ok bool
	if params.From, ok = instant(f.From); !ok {
		return nil, "from"
	}
	if params.To, ok = instant(f.To); !ok {
		return nil, "to"
	}
	return params, ""
}

// instant reads a time as a form has it, in UTC; nil for none.
func instant(text string) (*time.Time, bool) {
	if text == "" {
		return nil, true
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return &at, true
		}
	}
	return nil, false
}

// given is nil for an empty text.
func given(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
