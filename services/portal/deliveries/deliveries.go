// Package deliveries is the log of an account's deliveries, live, and each one with its
// attempts.
//
//	deliveries.go  the pages that there are
//	query.go       the filters
//	list.go        the log
//	stream.go      what is new in it, as it happens
//	diff.go        what is new between two looks
//	detail.go      one delivery
//	attempt.go     one attempt of it
//	change.go      retry and discard
//	words.go       texts; words_reasons.go: why deliveries fail
package deliveries

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
	kit                   *page.Kit
	list, detail, payload *page.Template
}

// Register adds the pages. The error is a defect of a template.
func Register(mux *http.ServeMux, k *page.Kit) error {
	s := &service{kit: k}
	var errs [3]error
	s.list, errs[0] = k.Template(files, "log.html", "log", words, ReasonWords)
	s.detail, errs[1] = k.Template(files, "detail.html", "log", words, ReasonWords)
	s.payload, errs[2] = k.Template(files, "payload.html", "log", words)
	mux.HandleFunc("GET /portal/log", k.Read(hook.ScopeRead, s.showList))
	mux.HandleFunc("GET /portal/log/live", k.Read(hook.ScopeRead, s.showLive))
	mux.HandleFunc("GET /portal/log/stream", k.Stream(hook.ScopeRead, s.stream))
	mux.HandleFunc("GET /portal/log/{id}", k.Read(hook.ScopeRead, s.showDetail))
	mux.HandleFunc("GET /portal/log/{id}/state", k.Read(hook.ScopeRead, s.showState))
	mux.HandleFunc("GET /portal/log/{id}/payload", k.Read(hook.ScopeRead, s.showPayload))
	mux.HandleFunc("POST /portal/log/{id}/retry", k.Change(hook.ScopeWrite, s.retry))
	mux.HandleFunc("POST /portal/log/{id}/discard", k.Change(hook.ScopeWrite, s.discard))
	return errors.Join(errs[:]...)
}
