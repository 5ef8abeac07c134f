package entity

import (
	"context"
	"net/http"
	"strconv"

	"github.com/staffetta/staffetta/pkg/hook"
)

// create answers POST /{collection}: an object, or an array of them.
func (s *Service) create(w http.ResponseWriter, r *http.Request, c call) error {
	who, err := user(r)
	if err != nil {
		return err
	}
	raw, err := body(w, r)
	if err != nil {
		return err
	}
	var faults hook.Invalid
	bulk := raw[0] == '['
	var given []object
	if bulk {
		given = objects(raw, &faults)
	} else {
		given = []object{objectAt("", raw, &faults)}
	}
	paths := make([]string, len(given))
	if len(faults) == 0 {
		for i, fields := range given {
			if bulk {
				paths[i] = "[" + strconv.Itoa(i) + "]."
			}
			c.collection.check(paths[i], fields, &faults)
		}
	}
	if err := invalid(faults); err != nil {
		return err
	}
	var items []*Item
	err = s.apply(r.Context(), c, who, func(ctx context.Context, tx *Tx) (err error) {
		items, err = tx.create(ctx, c.collection, paths, given)
		return err
	})
	if err != nil {
		return err
	}
	if bulk {
		respond(w, http.StatusCreated, c.collection.documents(items, ""))
		return nil
	}
	w.Header().Set("Location", c.collection.ref(items[0].id))
	w.Header().Set("ETag", items[0].etag())
	respond(w, http.StatusCreated, c.collection.document(items[0]))
	return nil
}
