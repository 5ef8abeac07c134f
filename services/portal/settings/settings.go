// Package settings is the pages on which an account is set up: its members, API keys,
// limits, stores, schemas of items, and links to the portal. A change is asked for in a
// dialog over the list that it is about, which has an address of its own, so that it
// works without scripts too.
//
//	settings.go  routes, and what the tabs have in common
//	members.go   keys.go  limits.go  stores.go  schemas.go  links.go   a tab each
package settings

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/page"
)

//go:embed *.html
var files embed.FS

// Tabs by their paths under /portal/settings; the first is at that path itself.
const (
	tabMembers = "members"
	tabKeys    = "keys"
	tabLimits  = "limits"
	tabStores  = "stores"
	tabSchemas = "schemas"
	tabLinks   = "links"
)

var tabs = []string{tabMembers, tabKeys, tabLimits, tabStores, tabSchemas, tabLinks}

// Dialogs that may be open, by the query that opens them.
const (
	dialogNew    = "new"
	dialogEdit   = "edit"
	dialogRemove = "remove"
)

const (
	// onceField has the Idempotency-Key of a form.
	onceField = "once"
	jsonType  = "application/json"
	// perPage is how many members, keys or stores a page has.
	perPage = 100
	// perLook is how many are read at once to find one of them.
	perLook = 500
)

type service struct {
	kit      *page.Kit
	template *page.Template
}

// Register adds the pages. The error is a defect of a template.
func Register(mux *http.ServeMux, k *page.Kit) error {
	s := &service{kit: k}
	var err error
	if s.template, err = k.Template(files, "*.html", "settings", words); err != nil {
		return err
	}
	for tab, show := range map[string]page.Handler{
		tabMembers: s.showMembers, tabKeys: s.showKeys, tabLimits: s.showLimits,
		tabStores: s.showStores, tabSchemas: s.showSchemas, tabLinks: s.showLinks,
	} {
		mux.HandleFunc("GET /portal/"+at(tab), k.Read(hook.ScopeSettings, show))
	}
	for path, change := range map[string]page.Handler{
		"members": s.addMember, "members/change": s.changeMember, "members/remove": s.removeMember,
		"keys": s.createKey, "keys/revoke": s.revokeKey, "links": s.createLink,
	} {
		mux.HandleFunc("POST /portal/settings/"+path, k.Change(hook.ScopeSettings, change))
	}
	for path, change := range map[string]page.Handler{
		"stores": s.nameStore, "stores/remove": s.removeStore, "schemas": s.putSchema, "schemas/remove": s.removeSchema,
	} {
		mux.HandleFunc("POST /portal/settings/"+path, k.Change(hook.ScopeWrite, s.inSettings(change)))
	}
	return nil
}

// inSettings is a change for those who also have access to settings, as the page has on
// which it is asked for.
func (s *service) inSettings(h page.Handler) page.Handler {
	return func(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
		if !v.May(hook.ScopeSettings) {
			s.kit.Tell(w, r, page.NotFound)
			return nil
		}
		return h(w, r, v)
	}
}

// at is where a tab is, under the portal.
func at(tab string) string {
	if tab == tabs[0] {
		return "settings"
	}
	return "settings/" + tab
}

// content is what the page shows.
type content struct {
	Tab  string
	Tabs []tabLink
	// Dialog is the one that is open; empty: none.
	Dialog string
	// Faults are those of the dialog's form; nil: it has none.
	Faults *page.Faults
	// Body is the tab's own.
	Body any
}

type tabLink struct {
	Tab, Path string
}

// show shows a tab; with faults it is the answer to a form that was refused.
func (s *service) show(w http.ResponseWriter, r *http.Request, v *page.Visitor, tab, dialog string, faults *page.Faults, body any) error {
	c := content{Tab: tab, Dialog: dialog, Faults: faults, Body: body}
	for _, tab := range tabs {
		c.Tabs = append(c.Tabs, tabLink{Tab: tab, Path: s.kit.Path(at(tab))})
	}
	status := http.StatusOK
	if faults != nil {
		status = http.StatusUnprocessableEntity
	}
	return s.kit.ShowStatus(w, r, v, status, s.template, c)
}

// asked is the dialog that a URL asks for, and what it is about.
func asked(r *http.Request) (dialog, id string) {
	query := r.URL.Query()
	for _, dialog := range []string{dialogNew, dialogEdit, dialogRemove} {
		if query.Has(dialog) {
			return dialog, query.Get(dialog)
		}
	}
	return "", ""
}

// once is the Idempotency-Key of a form; nil: it has none.
func once(r *http.Request) *string { return given(r.PostFormValue(onceField)) }

// given is nil for an empty text.
func given(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// body is a body of JSON. The API judges it: the types of the client would refuse some of
// it before it is sent.
func body(fields map[string]any) (io.Reader, error) {
	text, err := json.Marshal(fields)
	if err != nil {
		return nil, fmt.Errorf("settings: a body: %w", err)
	}
	return bytes.NewReader(text), nil
}

// pages are where other pages of a list are; empty: there are none.
type pages struct{ Newest, Older string }

func (s *service) pages(r *http.Request, tab string, next *string) pages {
	query := r.URL.Query()
	var p pages
	if query.Get("cursor") != "" {
		p.Newest = s.kit.Path(at(tab))
	}
	if next != nil {
		for _, dialog := range []string{dialogNew, dialogEdit, dialogRemove} {
			query.Del(dialog)
		}
		query.Set("cursor", *next)
		p.Older = s.kit.Path(at(tab) + "?" + query.Encode())
	}
	return p
}

// pageOf is which page of a list a URL asks for.
func pageOf(r *http.Request) (limit *int64, cursor *string) {
	n := int64(perPage)
	return &n, given(r.URL.Query().Get("cursor"))
}
