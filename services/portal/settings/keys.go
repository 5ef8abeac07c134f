package settings

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/page"
)

// keys is the tab of API keys.
type keys struct {
	pages
	List []key
	// Made is a key that was made this moment; nil: none was.
	Made *client.Key
	// Scopes are those that the reader has, and so may give.
	Scopes []hook.Scope
	Form   keyForm
	// Today is the first day on which a key can expire.
	Today string
}

type key struct {
	client.Key
	Expired bool
	// Self is whether the reader came by it.
	Self bool
}

// keyForm is what a dialog has in its fields.
type keyForm struct {
	ID, Name string
	Scopes   []hook.Scope
	// Expires is the last day on which the key is valid, in UTC; empty: each day is.
	Expires string
}

// Has says whether a scope is chosen.
func (f keyForm) Has(scope hook.Scope) bool { return slices.Contains(f.Scopes, scope) }

func (s *service) showKeys(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	dialog, id := asked(r)
	form := keyForm{Scopes: []hook.Scope{hook.ScopeRead}}
	if dialog == dialogEdit {
		dialog = ""
	}
	if dialog == dialogRemove {
		name, err := keyName(r, v, id)
		if err != nil {
			return err
		}
		if name == "" { // revoked meanwhile
			s.kit.Tell(w, r, page.NotFound)
			return nil
		}
		form.ID, form.Name = id, name
	}
	return s.listKeys(w, r, v, dialog, nil, form, nil)
}

// keyName looks for a key; empty: there is none.
func keyName(r *http.Request, v *page.Visitor, id string) (string, error) {
	limit := int64(perLook)
	params := &client.ListAPIKeysParams{Limit: &limit}
	for {
		listed, err := page.Call(v.API.ListAPIKeysWithResponse(r.Context(), params))
		if err != nil {
			return "", err
		}
		for i := range listed.JSON200.Items {
			if k := &listed.JSON200.Items[i]; k.ID == id {
				return k.Name, nil
			}
		}
		if params.Cursor = listed.JSON200.Next; params.Cursor == nil {
			return "", nil
		}
	}
}

func (s *service) listKeys(
	w http.ResponseWriter, r *http.Request, v *page.Visitor, dialog string, faults *page.Faults, form keyForm, made *client.Key,
) error {
	params := &client.ListAPIKeysParams{}
	params.Limit, params.Cursor = pageOf(r)
	listed, err := page.Call(v.API.ListAPIKeysWithResponse(r.Context(), params))
	if _, refused := page.Refused(err); refused {
		s.kit.Tell(w, r, page.NotFound)
		return nil
	}
	if err != nil {
		return err
	}
	now := s.kit.Now()
	tab := keys{
		pages: s.pages(r, tabKeys, listed.JSON200.Next), Made: made, Form: form, Today: now.UTC().Format(time.DateOnly),
	}
	for _, scope := range hook.Scopes {
		if v.May(scope) {
			tab.Scopes = append(tab.Scopes, scope)
		}
	}
	for i := range listed.JSON200.Items {
		k := listed.JSON200.Items[i]
		tab.List = append(tab.List, key{
			Key: k, Expired: k.ExpiresAt != nil && !now.Before(*k.ExpiresAt),
			Self: v.Principal.Actor.Kind == hook.ActorKey && v.Principal.Actor.ID == k.ID,
		})
	}
	return s.show(w, r, v, tabKeys, dialog, faults, tab)
}

// createKey shows the key in its answer, which a reload shows again.
func (s *service) createKey(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	form := keyForm{Name: strings.TrimSpace(r.PostFormValue("name")), Expires: strings.TrimSpace(r.PostFormValue("expires"))}
	for _, scope := range r.PostForm["scope"] {
		form.Scopes = append(form.Scopes, hook.Scope(scope))
	}
	fields := map[string]any{"name": form.Name, "scopes": append([]hook.Scope{}, form.Scopes...)}
	if form.Expires != "" {
		fields["expiresAt"] = endOf(form.Expires)
	}
	sent, err := body(fields)
	if err != nil {
		return err
	}
	made, err := page.Call(v.API.CreateAPIKeyWithBodyWithResponse(r.Context(), &client.CreateAPIKeyParams{IdempotencyKey: once(r)}, jsonType, sent))
	if faults, refused := page.Refused(err); refused {
		return s.listKeys(w, r, v, dialogNew, faults, form, nil)
	}
	if err != nil {
		return err
	}
	return s.listKeys(w, r, v, "", nil, keyForm{Scopes: []hook.Scope{hook.ScopeRead}}, made.JSON201)
}

// endOf is the end of a day; what is no day stays as it is, and the API says so.
func endOf(day string) string {
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return at.AddDate(0, 0, 1).Format(time.RFC3339)
}

func (s *service) revokeKey(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	if _, err := page.Call(v.API.RevokeAPIKeyWithResponse(r.Context(), r.PostFormValue("id"), nil)); err != nil {
		return err
	}
	return s.kit.Done(w, r, at(tabKeys), "done.key.revoked")
}
