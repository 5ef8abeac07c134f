package codec

import (
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/jsontext"
)

func decodeJSON(in Input, e *hook.Event, value []byte) error {
	r, err := newReader(value)
	if err != nil {
		return err
	}
	if r.Kind() != jsontext.Object {
		return r.refuseNoObject()
	}
	if err := r.event(e); err != nil {
		return refuseSyntax(NotJSON, err)
	}
	if err := r.End(); err != nil {
		return refuseSyntax(NotJSON, err)
	}
	return finish(in, e, r.faults)
}

func (r *reader) event(e *hook.Event) error {
	if err := r.Open(); err != nil {
		return err
	}
	var s seen
	for first := true; ; first = false {
		name, more, err := r.Member(first)
		if !more || err != nil {
			return err
		}
		at := field(name)
		switch name {
		case "id":
			r.once(&s, 0, at)
			e.ID, err = r.id(at)
		case "account":
			r.once(&s, 1, at)
			e.Account, err = r.text(at)
		case "store":
			r.once(&s, 2, at)
			e.Store, err = r.id(at)
		case "user":
			r.once(&s, 3, at)
			e.User, err = r.reference(noItem, "user")
		case "eventType":
			r.once(&s, 4, at)
			var kind string
			kind, err = r.text(at)
			e.Type = hook.EventType(kind)
		case "itemType":
			r.once(&s, 5, at)
			e.ItemType, err = r.text(at)
		case "items":
			r.once(&s, 6, at)
			e.Items, err = r.items(at)
		case "eventDate":
			r.once(&s, 7, at)
			e.Date, err = r.text(at)
		default:
			_, _, err = r.Raw()
		}
		if err != nil {
			return err
		}
	}
}

func (r *reader) items(at place) ([]hook.Item, error) {
	if r.Kind() != jsontext.Array {
		return nil, r.wrong(at, ruleItems)
	}
	if err := r.Open(); err != nil {
		return nil, err
	}
	var items []hook.Item
	for n := 0; ; n++ {
		more, err := r.Element(n == 0)
		if err != nil {
			return nil, err
		}
		if !more {
			return items, nil
		}
		if n > MaxItems { // one too many is there: enough to be refused
			if _, _, err := r.Raw(); err != nil {
				return nil, err
			}
			continue
		}
		items = append(items, hook.Item{})
		if err := r.item(&items[n], n); err != nil {
			return nil, err
		}
	}
}

func (r *reader) item(item *hook.Item, n int) error {
	if r.Kind() != jsontext.Object {
		return r.wrong(place{item: n}, "must be an object with an id")
	}
	if err := r.Open(); err != nil {
		return err
	}
	var s seen
	for first := true; ; first = false {
		name, more, err := r.Member(first)
		if !more || err != nil {
			return err
		}
		at := place{item: n, field: name}
		switch name {
		case "id":
			r.once(&s, 0, at)
			item.ID, err = r.id(at)
		case "ref":
			r.once(&s, 1, at)
			item.Ref, err = r.text(at)
		case "version":
			r.once(&s, 2, at)
			item.Version, err = r.version(at)
		case "data":
			r.once(&s, 3, at)
			item.Data, err = r.data()
		case "parent":
			r.once(&s, 4, at)
			item.Parent, err = r.reference(n, "parent")
		default:
			_, _, err = r.Raw()
		}
		if err != nil {
			return err
		}
	}
}

func (r *reader) reference(item int, name string) (*hook.Reference, error) {
	switch r.Kind() {
	case jsontext.Null:
		return nil, r.Null()
	case jsontext.Object:
	default:
		return nil, r.wrong(place{item: item, ref: name}, "must be an object with an id, or null")
	}
	if err := r.Open(); err != nil {
		return nil, err
	}
	var (
		ref hook.Reference
		s   seen
	)
	for first := true; ; first = false {
		key, more, err := r.Member(first)
		if err != nil {
			return nil, err
		}
		if !more {
			return &ref, nil
		}
		at := place{item: item, ref: name, field: key}
		switch key {
		case "id":
			r.once(&s, 0, at)
			ref.ID, err = r.id(at)
		case "itemType":
			r.once(&s, 1, at)
			ref.ItemType, err = r.text(at)
		case "ref":
			r.once(&s, 2, at)
			ref.Ref, err = r.text(at)
		default:
			_, _, err = r.Raw()
		}
		if err != nil {
			return nil, err
		}
	}
}
