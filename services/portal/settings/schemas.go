package settings

import (
	"net/http"
	"slices"
	"strings"

	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/services/portal/page"
)

// schemas is the tab of what the data of items has to be like.
type schemas struct {
	// List are the item types that have one.
	List []client.ItemType
	// Types is the whole catalogue, to choose from.
	Types []client.ItemType
	Form  schemaForm
}

// schemaForm is what a dialog has in its fields.
type schemaForm struct{ ItemType, Schema string }

// example is what a new schema begins with.
const example = `{
  "type": "object",
  "required": ["name"],
  "properties": {
    "name": {"type": "string"}
  }
}`

func (s *service) showSchemas(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	dialog, itemType := asked(r)
	form := schemaForm{Schema: example}
	if dialog == dialogEdit || dialog == dialogRemove {
		if unnameable(itemType) != "" {
			s.kit.Tell(w, r, page.NotFound)
			return nil
		}
		got, err := page.Call(v.API.GetItemSchemaWithResponse(r.Context(), itemType))
		if err != nil {
			return err
		}
		form = schemaForm{ItemType: itemType, Schema: indented(got.Body)}
	}
	return s.listSchemas(w, r, v, dialog, nil, form)
}

// maxIndented bounds what a schema may grow to when its lines are indented, in bytes.
const maxIndented = 1 << 20

// indented is JSON for people; what is none stays as it is.
func indented(text []byte) string {
	if pretty, ok := page.Indented(text, maxIndented); ok {
		return pretty
	}
	return string(text)
}

func (s *service) listSchemas(w http.ResponseWriter, r *http.Request, v *page.Visitor, dialog string, faults *page.Faults, form schemaForm) error {
	listed, err := page.Call(v.API.ListItemTypesWithResponse(r.Context()))
	if err != nil {
		return err
	}
	tab := schemas{Types: listed.JSON200.Items, Form: form}
	tab.List = slices.DeleteFunc(slices.Clone(tab.Types), func(t client.ItemType) bool { return t.Schema == nil || !*t.Schema })
	return s.show(w, r, v, tabSchemas, dialog, faults, tab)
}

func (s *service) putSchema(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	form := schemaForm{ItemType: strings.TrimSpace(r.PostFormValue("itemType")), Schema: r.PostFormValue("schema")}
	dialog := dialogEdit
	if r.PostFormValue("dialog") == dialogNew {
		dialog = dialogNew
	}
	if rule := unnameable(form.ItemType); rule != "" {
		return s.listSchemas(w, r, v, dialog, &page.Faults{Fields: map[string]string{"itemType": rule}}, form)
	}
	_, err := page.Call(v.API.PutItemSchemaWithBodyWithResponse(r.Context(), form.ItemType, nil, jsonType, strings.NewReader(form.Schema)))
	if faults, refused := page.Refused(err); refused {
		return s.listSchemas(w, r, v, dialog, faults, form)
	}
	if err != nil {
		return err
	}
	return s.kit.Done(w, r, at(tabSchemas), "done.schema.saved")
}

func (s *service) removeSchema(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	itemType := r.PostFormValue("itemType")
	if unnameable(itemType) != "" {
		s.kit.Tell(w, r, page.NotFound)
		return nil
	}
	if _, err := page.Call(v.API.DeleteItemSchemaWithResponse(r.Context(), itemType, nil)); err != nil {
		return err
	}
	return s.kit.Done(w, r, at(tabSchemas), "done.schema.removed")
}
