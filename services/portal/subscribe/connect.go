package subscribe

import (
	"net/http"
	"strings"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/page"
)

// connectPage is seed 001's: a URL.
type connectPage struct {
	URL    string
	Faults *page.Faults
}

// Of is what is wrong with the URL.
func (p connectPage) Of(field string) string { return p.Faults.Of(field) }

// Rest is what else is wrong.
func (p connectPage) Rest() map[string]string { return p.Faults.Rest("url") }

func (s *service) showConnect(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	return s.kit.Show(w, r, v, s.connect, connectPage{})
}

// connectURL subscribes a URL to everything, in the way of seed 001.
func (s *service) connectURL(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	p := connectPage{URL: strings.TrimSpace(r.PostForm.Get("url"))}
	made, faults, err := createWebhook(r, v, map[string]any{
		"url": p.URL, "itemTypes": []string{hook.AnyItemType}, "format": hook.FormatRentman, "language": s.kit.Language(r, v),
	})
	if err != nil {
		return err
	}
	if faults != nil {
		p.Faults = faults
		return s.kit.ShowStatus(w, r, v, http.StatusUnprocessableEntity, s.connect, p)
	}
	return s.showMade(w, r, v, made)
}
