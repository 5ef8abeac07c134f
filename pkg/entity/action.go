package entity

import (
	"context"
	"net/http"

	"github.com/staffetta/staffetta/pkg/hook"
)

// act answers POST /{collection}/{id}/{action}: 201 with the item that was made.
func (s *Service) act(a Action) handler {
	return func(w http.ResponseWriter, r *http.Request, c call) error {
		it, err := s.one(r.Context(), r, c)
		if err != nil {
			return err
		}
		who, err := user(r)
		if err != nil {
			return err
		}
		fields, err := optionalFields(w, r)
		if err != nil {
			return err
		}
		var made *Item
		err = s.apply(r.Context(), c, who, func(ctx context.Context, tx *Tx) error {
			found, err := s.items.take(ctx, tx.sql, c.collection, c.account, []int64{it.id})
			if err != nil {
				return err
			}
			now, err := alive(found[it.id], it.Ref())
			if err != nil {
				return err // deleted since it was looked for
			}
			if given := ifMatch(r); given != "" && !matches(given, now) {
				return stale(now)
			}
			tx.cause = c.collection.Path
			made, err = a.Do(ctx, tx, now, fields)
			return at("", err)
		})
		if err != nil {
			return err
		}
		w.Header().Set("Location", made.Ref())
		w.Header().Set("ETag", made.etag())
		respond(w, http.StatusCreated, made.collection.document(made))
		return nil
	}
}

// optionalFields are those of a body that may be absent.
func optionalFields(w http.ResponseWriter, r *http.Request) (Fields, error) {
	text, err := readBody(w, r)
	if err != nil || len(text) == 0 {
		return nil, err
	}
	raw, err := parseBody(text)
	if err != nil {
		return nil, err
	}
	var faults hook.Invalid
	given := objectAt("", raw, &faults)
	fields := make(Fields, len(given))
	for _, m := range given {
		fields[m.name] = m.value
	}
	return fields, invalid(faults)
}
