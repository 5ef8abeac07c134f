// Package page is what every page of the portal is made of: the frame around it, its
// words in the reader's language, who reads it, and the API by which it does what they
// ask for. A page is a folder beside this one, with its handlers, its template and its
// words.
//
//	page.go      the Kit, and which handlers there are
//	template.go  templates, and what they can say
//	words.go     texts in every language
//	api.go       the API, as the reader may use it
//	stream.go    answers that go on, as server-sent events
//	form.go      tokens of forms, and refusals of what they contain
//	look.go      language and colours, as the reader chose them
//	notice.go    pages that say why somebody does not get what they asked for
//	indent.go    JSON as people read it
//	assets.go    style, scripts and pictures
package page

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/pkg/hook"
)

// Visitor is who is signed in, and what they may.
type Visitor struct {
	// Principal is empty without an account.
	Principal apiauth.Principal
	// Account and AccountName are empty if one is to be chosen first.
	Account, AccountName string
	// Name and Email are empty for who came by a portal link or with an API key.
	Name, Email string
	// Role is empty for an API key, whose name KeyName is.
	Role    hook.Role
	KeyName string
	// Language is the member's.
	Language hook.Language
	// Until is when the session ends at the latest.
	Until time.Time
	// Accounts are those that they may act for.
	Accounts []Account
	// Secret is what only the visitor's browser and this process know of the session.
	Secret string
	// API acts for the visitor; nil without an account.
	API *client.ClientWithResponses
}

// Account is one that a visitor may act for.
type Account struct {
	ID, Name string
	Role     hook.Role
	Current  bool
}

// KnownRole is whether there is a text for the role: a later version may have others.
func (v *Visitor) KnownRole() bool { return slices.Contains(hook.Roles, v.Role) }

// KnownRole is whether there is a text for the role.
func (a Account) KnownRole() bool { return slices.Contains(hook.Roles, a.Role) }

// May says whether a visitor has a scope; for templates, such as `.Visitor.May "write"`.
func (v *Visitor) May(scope hook.Scope) bool {
	return v != nil && slices.Contains(v.Principal.Scopes, scope)
}

// Config of a Kit. Fields without a default are required.
type Config struct {
	// API answers requests under /v1/.
	API http.Handler
	// Home is the path of the portal as browsers see it, such as "/portal/".
	Home string
	// Visitor tells who makes a request: apiauth.ErrUnauthorized if nobody is signed in, or
	// an error of the store.
	Visitor func(*http.Request) (*Visitor, error)
	// SignIn is where one signs in at a provider; empty: nowhere.
	SignIn string
	// SetCookie gives the browser a cookie that scripts cannot read until a time; an empty
	// value takes it away. Cookie reads one.
	SetCookie func(w http.ResponseWriter, name, value string, until time.Time)
	Cookie    func(r *http.Request, name string) string
	Log       *zap.Logger
	// Now is the clock.
	Now func() time.Time
	// TraceURL is where a trace is shown, with {traceId} in it; empty: nowhere.
	TraceURL string
	// Ending is closed when the process is about to end: then streams do. nil: never.
	Ending <-chan struct{}
	// Beat is how often a stream shows that it is alive; 0: every 15 s.
	Beat time.Duration
}

// Kit makes pages. It is safe for concurrent use.
type Kit struct {
	cfg     Config
	notice  *Template
	streams streams
}

// New makes a Kit. The error is a defect of the templates.
func New(cfg Config) (*Kit, error) {
	if cfg.Beat == 0 {
		cfg.Beat = 15 * time.Second
	}
	k := &Kit{cfg: cfg}
	var err error
	k.notice, err = k.Template(templates, "templates/notice.html", "", noticeWords)
	return k, err
}

// Now is the time.
func (k *Kit) Now() time.Time { return k.cfg.Now() }

// Handler answers a visitor's request that acts for an account. An error is shown as a
// page: a refusal of the API as what it says, any other as a failure of ours, which the
// log tells.
type Handler func(w http.ResponseWriter, r *http.Request, v *Visitor) error

// Read is a page for visitors with a scope; "": whoever acts for an account.
func (k *Kit) Read(scope hook.Scope, h Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if v := k.enter(w, r, scope); v != nil {
			k.run(w, r, v, h)
		}
	}
}

// Change is what a form does, for visitors with a scope. The form has to have the token
// of its page.
func (k *Kit) Change(scope hook.Scope, h Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := k.enter(w, r, scope)
		if v == nil {
			return
		}
		if n := checkForm(w, r, v); n != nil {
			k.Tell(w, r, *n)
			return
		}
		k.run(w, r, v, h)
	}
}

// Stay is what a form of the session itself does, which needs no account: such as to
// choose one, or to leave. The form has to have the token of its page.
func (k *Kit) Stay(h Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := k.cfg.Visitor(r)
		switch {
		case errors.Is(err, apiauth.ErrUnauthorized):
			k.Redirect(w, r, "")
		case err != nil:
			k.Fail(w, r, err)
		default:
			if n := checkForm(w, r, v); n != nil {
				k.Tell(w, r, *n)
				return
			}
			k.run(w, r, v, h)
		}
	}
}

// enter lets in who may; nil: the answer is given.
func (k *Kit) enter(w http.ResponseWriter, r *http.Request, scope hook.Scope) *Visitor {
	v, err := k.cfg.Visitor(r)
	switch {
	case errors.Is(err, apiauth.ErrUnauthorized), err == nil && v.Account == "":
		k.Redirect(w, r, "") // which shows what to do first
	case err != nil:
		k.Fail(w, r, err)
	case scope == hook.ScopeSettings && !v.May(scope):
		k.Tell(w, r, settingsOnly)
	case scope != "" && !v.May(scope):
		k.Tell(w, r, viewersOnlySee)
	default:
		if v.API, err = k.api(r, v.Principal); err != nil {
			k.Fail(w, r, err)
			return nil
		}
		return v
	}
	return nil
}

func (k *Kit) run(w http.ResponseWriter, r *http.Request, v *Visitor, h Handler) {
	err := h(w, r, v)
	var refused *client.Problem
	switch {
	case err == nil:
	case errors.As(err, &refused):
		k.refuse(w, r, refused)
	default:
		k.Fail(w, r, err)
	}
}

// Call returns what the API answered: err if there is no answer, else a *client.Problem
// if it refused. It wraps each call:
//
//	listed, err := page.Call(v.API.ListWebhooksWithResponse(ctx, nil))
func Call[A client.Answer](a A, err error) (A, error) {
	if err != nil {
		return a, err
	}
	return a, client.Refused(a)
}

// Path is where something under the portal is, as browsers see it: of "log" it is
// "/portal/log".
func (k *Kit) Path(under string) string { return k.cfg.Home + under }

// Trace is where a trace is shown; empty: nowhere.
func (k *Kit) Trace(id string) string {
	if id == "" {
		return ""
	}
	return strings.ReplaceAll(k.cfg.TraceURL, "{traceId}", url.QueryEscape(id))
}

// Redirect leads to another page of the portal, which is asked for with GET.
func (k *Kit) Redirect(w http.ResponseWriter, r *http.Request, under string) {
	if r.Header.Get("HX-Request") == "true" && r.Header.Get("HX-Boosted") != "true" {
		// A redirect would put the page where the answer belongs.
		w.Header().Set("HX-Redirect", k.Path(under))
		w.WriteHeader(http.StatusNoContent)
		return
	}
	http.Redirect(w, r, k.Path(under), http.StatusSeeOther)
}

// flashCookie keeps what the next page says was done.
const flashCookie = "staffetta_portal_done"

// Done leads to another page, which says what was done: key is that of a text that begins
// with "done.".
func (k *Kit) Done(w http.ResponseWriter, r *http.Request, under, key string) error {
	k.cfg.SetCookie(w, flashCookie, key, k.cfg.Now().Add(time.Minute))
	k.Redirect(w, r, under)
	return nil
}
