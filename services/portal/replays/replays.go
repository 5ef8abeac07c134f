// Package replays is the pages of replays: what failed, or all of a time range, delivered
// again in the background.
//
//	replays.go  the pages that there are
//	show.go     the list, and one with its progress
//	make.go     forms that make one
//	change.go   cancel and resume
package replays

import (
	"embed"
	"errors"
	"net/http"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/page"
)

//go:embed *.html
var files embed.FS

type service struct {
	kit                       *page.Kit
	list, one, begin, recover *page.Template
}

// Register adds the pages. The error is a defect of a template.
func Register(mux *http.ServeMux, k *page.Kit) error {
	s := &service{kit: k}
	var errs [4]error
	s.list, errs[0] = k.Template(files, "list.html", "replays", words)
	s.one, errs[1] = k.Template(files, "replay.html", "replays", words)
	s.begin, errs[2] = k.Template(files, "new.html", "replays", words)
	s.recover, errs[3] = k.Template(files, "recover.html", "replays", words)
	mux.HandleFunc("GET /portal/replays", k.Read(hook.ScopeRead, s.showList))
	mux.HandleFunc("GET /portal/replays/new", k.Read(hook.ScopeWrite, s.showNew))
	mux.HandleFunc("POST /portal/replays/new", k.Change(hook.ScopeWrite, s.create))
	mux.HandleFunc("GET /portal/replays/recover", k.Read(hook.ScopeWrite, s.showRecover))
	mux.HandleFunc("POST /portal/replays/recover", k.Change(hook.ScopeWrite, s.begins))
	mux.HandleFunc("GET /portal/replays/{id}", k.Read(hook.ScopeRead, s.showOne))
	mux.HandleFunc("POST /portal/replays/{id}/cancel", k.Change(hook.ScopeWrite, s.cancel))
	mux.HandleFunc("POST /portal/replays/{id}/resume", k.Change(hook.ScopeWrite, s.resume))
	return errors.Join(errs[:]...)
}
