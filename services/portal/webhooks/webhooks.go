// Package webhooks is the pages of an account's webhooks.
package webhooks

import (
	"embed"
	"net/http"

	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/services/portal/page"
)

//go:embed *.html
var files embed.FS

type service struct {
	kit  *page.Kit
	list *page.Template
}

// Register adds the pages. The error is a defect of a template.
func Register(mux *http.ServeMux, k *page.Kit) error {
	s := &service{kit: k}
	var err error
	if s.list, err = k.Template(files, "list.html", "webhooks", words); err != nil {
		return err
	}
	mux.HandleFunc("GET /portal/webhooks", k.Read("", s.showList))
	return nil
}

// listPage is what the list shows.
type listPage struct {
	Webhooks []client.Webhook
}

func (s *service) showList(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	listed, err := page.Call(v.API.ListWebhooksWithResponse(r.Context(), &client.ListWebhooksParams{}))
	if err != nil {
		return err
	}
	return s.kit.Show(w, r, v, s.list, listPage{Webhooks: listed.JSON200.Items})
}
