package day

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/staffetta/staffetta/pkg/catalogue"
)

// event is what a request tells of; what its format does not say is empty.
type event struct {
	id    string
	kind  string // contact_person.create
	date  string
	store string
	user  string
	items []told
}

// told is an item in it.
type told struct {
	id      string
	ref     string
	version int64
	parent  string
	data    json.RawMessage
}

// reference is the part of a reference that is followed.
type reference struct{ Ref string }

func (r *reference) ref() string {
	if r == nil {
		return ""
	}
	return r.Ref
}

// standardData is the data of the formats standard and cloudevents.
type standardData struct {
	ID    string
	Store *string
	User  *reference
	Items []struct {
		ID      json.Number
		Ref     string
		Version int64
		Parent  *reference
		Data    json.RawMessage
	}
}

func (d standardData) event(kind, date string) event {
	e := event{id: d.ID, kind: kind, date: date, user: d.User.ref()}
	if d.Store != nil {
		e.store = *d.Store
	}
	for _, it := range d.Items {
		e.items = append(e.items, told{id: it.ID.String(), ref: it.Ref, version: it.Version, parent: it.Parent.ref(), data: it.Data})
	}
	return e
}

func parseStandard(_ http.Header, body []byte) (event, error) {
	var b struct {
		Type, Timestamp string
		Data            standardData
	}
	err := json.Unmarshal(body, &b)
	return b.Data.event(b.Type, b.Timestamp), err
}

func parseStructured(_ http.Header, body []byte) (event, error) {
	var b struct {
		Type, Time string
		Data       standardData
	}
	err := json.Unmarshal(body, &b)
	return b.Data.event(b.Type, b.Time), err
}

func parseBinary(h http.Header, body []byte) (event, error) {
	var d standardData
	err := json.Unmarshal(body, &d)
	return d.event(h.Get("Ce-Type"), h.Get("Ce-Time")), err
}

func parseRentman(_ http.Header, body []byte) (event, error) {
	var b struct {
		User                           *reference
		EventType, ItemType, EventDate string
		Items                          []json.RawMessage
	}
	if err := json.Unmarshal(body, &b); err != nil {
		return event{}, err
	}
	return rentmanEvent(b.EventType, b.ItemType, b.EventDate, b.User, b.Items, "parent")
}

func parseRentmanItalian(_ http.Header, body []byte) (event, error) {
	var b struct {
		Utente                               *reference
		TipoEvento, TipoElemento, DataEvento string
		Elementi                             []json.RawMessage
	}
	if err := json.Unmarshal(body, &b); err != nil {
		return event{}, err
	}
	kinds := map[string]string{"crea": "create", "aggiorna": "update", "elimina": "delete"}
	if kinds[b.TipoEvento] == "" {
		return event{}, fmt.Errorf("tipoEvento %q", b.TipoEvento)
	}
	return rentmanEvent(kinds[b.TipoEvento], catalogue.Canonical(b.TipoElemento), b.DataEvento, b.Utente, b.Elementi, "genitore")
}

func rentmanEvent(kind, itemType, date string, user *reference, items []json.RawMessage, parent string) (event, error) {
	e := event{kind: kindOf(itemType, kind), date: date, user: user.ref()}
	for _, text := range items {
		if kind == "delete" { // ids alone
			e.items = append(e.items, told{id: string(text)})
			continue
		}
		var it struct {
			ID  json.Number
			Ref string
		}
		var parents map[string]json.RawMessage
		var of *reference
		for _, err := range []error{json.Unmarshal(text, &it), json.Unmarshal(text, &parents), json.Unmarshal(parents[parent], &of)} {
			if err != nil {
				return event{}, fmt.Errorf("item %s: %w", text, err)
			}
		}
		e.items = append(e.items, told{id: it.ID.String(), ref: it.Ref, parent: of.ref()})
	}
	return e, nil
}

func parseCassa(h http.Header, body []byte) (event, error) {
	entity, operation, ok := strings.Cut(h.Get("X-Cn-Operation"), "/")
	kinds := map[string]string{"CREATE": "create", "EDIT": "update", "DELETE": "delete"}
	if !ok || kinds[operation] == "" {
		return event{}, fmt.Errorf("operation %q", h.Get("X-Cn-Operation"))
	}
	var it struct {
		ID      json.Number
		Ref     string
		Version int64
	}
	err := json.Unmarshal(body, &it)
	return event{
		kind:  strings.ToLower(entity) + "." + kinds[operation],
		items: []told{{id: it.ID.String(), ref: it.Ref, version: it.Version, data: body}},
	}, err
}

// kindOf is the type of an event in the format standard.
func kindOf(itemType, event string) string {
	return strings.ToLower(catalogue.UpperSnake(itemType)) + "." + event
}
