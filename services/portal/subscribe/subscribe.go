// Package subscribe is the pages on which webhooks are made and changed, up to the first
// delivery of an account that has none.
//
//	form.go       what the form of a webhook contains
//	body.go       the form as the API takes it
//	faults.go     what the API says against it, field by field
//	catalogue.go  item types and stores by name
//	edit.go       a new webhook, and one that is there
//	preview.go    the request that would be sent, and fields that are checked meanwhile
//	made.go       the secret, shown once, and receivers that verify
//	receivers.go  their code
//	connect.go    one URL in, one token out (seed 001)
//	start.go      the first run
package subscribe

import (
	"embed"
	"errors"
	"net/http"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/page"
	"github.com/staffetta/staffetta/services/portal/trial"
)

//go:embed *.html
var files embed.FS

type service struct {
	kit *page.Kit
	// trial is a receiver to try things out with; nil: the installation has none.
	trial *trial.Receiver

	form, made, connect, start *page.Template
}

// Pages adds the pages to a portal; trial is its receiver to try things out with, nil for
// none. The error is a defect of a template.
func Pages(trial *trial.Receiver) func(*http.ServeMux, *page.Kit) error {
	return func(mux *http.ServeMux, k *page.Kit) error {
		s := &service{kit: k, trial: trial}
		var errs [4]error
		s.form, errs[0] = k.Template(files, "form.html", "webhooks", formWords)
		s.made, errs[1] = k.Template(files, "made.html", "webhooks", madeWords)
		s.connect, errs[2] = k.Template(files, "connect.html", "webhooks", connectWords)
		s.start, errs[3] = k.Template(files, "start.html", "webhooks", startWords)
		if err := errors.Join(errs[:]...); err != nil {
			return err
		}
		mux.HandleFunc("GET /portal/webhooks/new", k.Read(hook.ScopeWrite, s.showNew))
		mux.HandleFunc("POST /portal/webhooks/new", k.Change(hook.ScopeWrite, s.create))
		mux.HandleFunc("GET /portal/webhooks/{id}/edit", k.Read(hook.ScopeWrite, s.showEdit))
		mux.HandleFunc("POST /portal/webhooks/{id}/edit", k.Change(hook.ScopeWrite, s.change))
		mux.HandleFunc("POST /portal/webhooks/preview", k.Change(hook.ScopeWrite, s.showPreview))
		mux.HandleFunc("POST /portal/webhooks/check", k.Change(hook.ScopeWrite, s.check))
		mux.HandleFunc("GET /portal/connect", k.Read(hook.ScopeWrite, s.showConnect))
		mux.HandleFunc("POST /portal/connect", k.Change(hook.ScopeWrite, s.connectURL))
		mux.HandleFunc("GET /portal/start", k.Read("", s.showStart))
		mux.HandleFunc("POST /portal/start", k.Change(hook.ScopeWrite, s.begin))
		mux.HandleFunc("GET /portal/start/{id}", k.Read("", s.showTry))
		mux.HandleFunc("POST /portal/start/{id}/test", k.Change(hook.ScopeWrite, s.try))
		mux.HandleFunc("GET /portal/start/{id}/arrival", k.Read("", s.showArrival))
		return nil
	}
}
