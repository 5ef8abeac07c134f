// Package webhooks is the pages of an account's webhooks: their list, one of them with
// all that is known of it, and what one can do with it, other than to edit it.
//
//	list.go     the list, and what it is narrowed and ordered by
//	row.go      a webhook as pages show it
//	names.go    item types and stores as people call them
//	detail.go   the page of one webhook
//	settings.go its settings in words
//	history.go  its changes in words
//	life.go     pause, resume, delete
//	secret.go   another secret
//	try.go      a test
package webhooks

import (
	"embed"
	"errors"
	"net/http"

	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/page"
)

//go:embed *.html
var files embed.FS

type service struct {
	kit                                          *page.Kit
	list, detail, pause, remove, secret, attempt *page.Template
}

// Register adds the pages. The error is a defect of a template.
func Register(mux *http.ServeMux, k *page.Kit) error {
	s := &service{kit: k}
	var failed error
	template := func(name string) *page.Template {
		t, err := k.Template(files, name, "webhooks", words, detailWords, historyWords)
		failed = errors.Join(failed, err)
		return t
	}
	s.list, s.detail, s.pause = template("list.html"), template("detail.html"), template("pause.html")
	s.remove, s.secret, s.attempt = template("delete.html"), template("secret.html"), template("test.html")
	if failed != nil {
		return failed
	}
	mux.HandleFunc("GET /portal/webhooks", k.Read("", s.showList))
	const one = "/portal/webhooks/{id}"
	mux.HandleFunc("GET "+one, k.Read("", s.showDetail))
	for path, handlers := range map[string][2]page.Handler{
		"/pause":  {s.askPause, s.doPause},
		"/delete": {s.askDelete, s.doDelete},
		"/secret": {s.askSecret, s.doSecret},
		"/test":   {s.askTest, s.doTest},
	} {
		mux.HandleFunc("GET "+one+path, k.Read(hook.ScopeWrite, handlers[0]))
		mux.HandleFunc("POST "+one+path, k.Change(hook.ScopeWrite, handlers[1]))
	}
	mux.HandleFunc("POST "+one+"/resume", k.Change(hook.ScopeWrite, s.doResume))
	return nil
}

// get reads the webhook of a request, with its ETag.
func get(r *http.Request, v *page.Visitor) (*client.Webhook, string, error) {
	got, err := page.Call(v.API.GetWebhookWithResponse(r.Context(), r.PathValue("id")))
	if err != nil {
		return nil, "", err
	}
	return got.JSON200, got.HTTPResponse.Header.Get("ETag"), nil
}
