package entity

import (
	"context"
	"database/sql"
	"net/http"
	"strconv"
	"time"

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
	items, err := s.insert(r, c, who, paths, given)
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

func (s *Service) insert(r *http.Request, c call, who *hook.Reference, paths []string, given []object) ([]*item, error) {
	var items []*item
	err := s.apply(r.Context(), c, who, hook.Create, func(ctx context.Context, tx *sql.Tx, now time.Time) ([]changed, error) {
		items = make([]*item, len(given))
		for i, fields := range given {
			items[i] = &item{version: 1, fields: fields, createdAt: now, updatedAt: now}
		}
		if err := s.checkParents(ctx, tx, c, paths, items); err != nil {
			return nil, err
		}
		if err := s.items.insert(ctx, tx, key{c.account, c.collection.Path}, items); err != nil {
			return nil, err
		}
		all := make([]changed, len(items))
		for i, it := range items {
			all[i] = c.collection.changed(it)
		}
		return all, nil
	})
	return items, err
}
