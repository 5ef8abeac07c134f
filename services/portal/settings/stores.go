package settings

import (
	"net/http"
	"strings"

	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/services/portal/page"
)

// stores is the tab of points of sale.
type stores struct {
	pages
	List []client.PointOfSale
	Form storeForm
}

// storeForm is what a dialog has in its fields.
type storeForm struct{ ID, Name string }

func (s *service) showStores(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	dialog, id := asked(r)
	var form storeForm
	if dialog == dialogEdit || dialog == dialogRemove {
		name, err := storeName(r, v, id)
		if err != nil {
			return err
		}
		if name == "" {
			s.kit.Tell(w, r, page.NotFound)
			return nil
		}
		form = storeForm{ID: id, Name: name}
	}
	return s.listStores(w, r, v, dialog, nil, form)
}

// storeName looks for a store; empty: there is none.
func storeName(r *http.Request, v *page.Visitor, id string) (string, error) {
	limit := int64(perLook)
	params := &client.ListStoresParams{Limit: &limit}
	for {
		listed, err := page.Call(v.API.ListStoresWithResponse(r.Context(), params))
		if err != nil {
			return "", err
		}
		for i := range listed.JSON200.Items {
			if store := &listed.JSON200.Items[i]; store.ID == id {
				return store.Name, nil
			}
		}
		if params.Cursor = listed.JSON200.Next; params.Cursor == nil {
			return "", nil
		}
	}
}

func (s *service) listStores(w http.ResponseWriter, r *http.Request, v *page.Visitor, dialog string, faults *page.Faults, form storeForm) error {
	params := &client.ListStoresParams{}
	params.Limit, params.Cursor = pageOf(r)
	listed, err := page.Call(v.API.ListStoresWithResponse(r.Context(), params))
	if _, refused := page.Refused(err); refused {
		s.kit.Tell(w, r, page.NotFound)
		return nil
	}
	if err != nil {
		return err
	}
	return s.show(w, r, v, tabStores, dialog, faults, stores{
		pages: s.pages(r, tabStores, listed.JSON200.Next), List: listed.JSON200.Items, Form: form,
	})
}

// nameStore adds a store, or gives one another name.
func (s *service) nameStore(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	form := storeForm{ID: r.PostFormValue("id"), Name: strings.TrimSpace(r.PostFormValue("name"))}
	dialog := dialogEdit
	if r.PostFormValue("dialog") == dialogNew {
		dialog, form.ID = dialogNew, strings.TrimSpace(form.ID)
	}
	if rule := unnameable(form.ID); rule != "" {
		return s.listStores(w, r, v, dialog, &page.Faults{Fields: map[string]string{"id": rule}}, form)
	}
	sent, err := body(map[string]any{"name": form.Name})
	if err != nil {
		return err
	}
	_, err = page.Call(v.API.PutStoreWithBodyWithResponse(r.Context(), form.ID, nil, jsonType, sent))
	if faults, refused := page.Refused(err); refused {
		return s.listStores(w, r, v, dialog, faults, form)
	}
	if err != nil {
		return err
	}
	return s.kit.Done(w, r, at(tabStores), "done.store.named")
}

// unnameable is why no path can name something; empty: one can.
func unnameable(id string) string {
	switch id {
	case "":
		return "is required"
	case ".", "..":
		return "must not be . or .."
	}
	return ""
}

func (s *service) removeStore(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	id := r.PostFormValue("id")
	if unnameable(id) != "" {
		s.kit.Tell(w, r, page.NotFound)
		return nil
	}
	if _, err := page.Call(v.API.DeleteStoreWithResponse(r.Context(), id, nil)); err != nil {
		return err
	}
	return s.kit.Done(w, r, at(tabStores), "done.store.removed")
}
