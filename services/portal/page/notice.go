package page

import (
	"errors"
	"net/http"
	"strings"

	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/client"
)

// Notice is a page that says why somebody does not get what they asked for, and what to
// do; its texts are "notice.ID.title" and "notice.ID.text".
type Notice struct {
	ID     string
	Status int
	// Remedy says what signing in again may help.
	Remedy Remedy
}

// Remedy is a way to sign in again.
type Remedy int

// Remedies.
const (
	None    Remedy = iota
	Again          // another try
	Another        // as somebody else: the provider would let the same person in without asking
)

// AnotherQuery asks the provider for a login as somebody else.
const AnotherQuery = "as=another"

// Notices of every page.
var (
	NotFound    = Notice{"not-found", http.StatusNotFound, None}
	CrossSite   = Notice{"cross-site", http.StatusForbidden, None}
	Unavailable = Notice{"unavailable", http.StatusServiceUnavailable, None}

	settingsOnly   = Notice{"settings-only", http.StatusForbidden, None}
	viewersOnlySee = Notice{"viewers-only-see", http.StatusForbidden, None}
	formStale      = Notice{"form-stale", http.StatusForbidden, None}
	formTooLarge   = Notice{"form-too-large", http.StatusRequestEntityTooLarge, None}
	refusedNotice  = Notice{"refused", http.StatusConflict, None}
)

// noticePage is what a notice shows.
type noticePage struct {
	Title, Text string
	// About is what it is about, such as an address; may be empty.
	About  string
	SignIn string
	// Another is where one signs in as somebody else; empty: not offered.
	Another string
}

// Tell shows a notice; about is what it is about, such as an address.
func (k *Kit) Tell(w http.ResponseWriter, r *http.Request, n Notice, about ...string) {
	v, err := k.cfg.Visitor(r)
	if err != nil {
		v = nil // whoever it is, the notice is for them
	}
	page := noticePage{Title: "notice." + n.ID + ".title", Text: "notice." + n.ID + ".text", About: strings.Join(about, " ")}
	if k.cfg.SignIn != "" {
		switch n.Remedy {
		case Again:
			page.SignIn = k.cfg.SignIn
		case Another:
			page.Another = k.cfg.SignIn + "?" + AnotherQuery
		case None:
		}
	}
	if err := k.ShowStatus(w, r, v, n.Status, k.notice, page); err != nil {
		k.cfg.Log.Error("a notice was not shown", zap.Error(err))
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
	}
}

// Fail says that something of ours does not work, and writes it to the log.
func (k *Kit) Fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() == nil { // else nobody waits for it any more
		k.cfg.Log.Error("the portal could not answer", zap.String("path", r.URL.Path), zap.Error(err))
	}
	k.Tell(w, r, Unavailable)
}

// refuse shows a refusal of the API that no form shows.
func (k *Kit) refuse(w http.ResponseWriter, r *http.Request, p *client.Problem) {
	switch {
	case p.Status == http.StatusNotFound:
		k.Tell(w, r, NotFound)
	case p.Status == http.StatusForbidden:
		k.Tell(w, r, viewersOnlySee)
	case p.Status == http.StatusUnauthorized:
		k.Redirect(w, r, "")
	case p.Status >= http.StatusInternalServerError:
		k.Fail(w, r, p)
	default:
		n := refusedNotice
		n.Status = int(p.Status)
		faults, ok := Refused(p)
		if !ok {
			k.Fail(w, r, errors.New(p.Error()))
			return
		}
		about := []string{faults.Whole}
		for field, rule := range faults.Fields {
			about = append(about, field+": "+rule)
		}
		k.Tell(w, r, n, about...)
	}
}
