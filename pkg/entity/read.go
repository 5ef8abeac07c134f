package entity

import (
	"context"
	"math"
	"net/http"
	"strconv"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/problem"
)

const (
	defaultLimit = 50
	maxLimit     = 500
	// maxPage bounds the items of a page together, in bytes of JSON as stored:
	// a page of the largest items would be a hundred megabytes.
	maxPage = 4 << 20
)

// read answers GET /{collection}/{id}.
func (s *Service) read(w http.ResponseWriter, r *http.Request, c call) error {
	it, err := s.one(r.Context(), r, c)
	if err != nil {
		return err
	}
	w.Header().Set("ETag", it.etag())
	respond(w, http.StatusOK, c.collection.document(it))
	return nil
}

// one finds the item that a path names: 404 if it never was, 410 if it was.
func (s *Service) one(ctx context.Context, r *http.Request, c call) (*Item, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || strconv.FormatInt(id, 10) != r.PathValue("id") {
		return nil, notFound(r.URL.Path)
	}
	found, err := s.items.find(ctx, s.cfg.DB, c.collection, c.account, []int64{id})
	if err != nil {
		return nil, err
	}
	return alive(found[id], c.collection.ref(id))
}

func alive(it *Item, ref string) (*Item, error) {
	if it == nil {
		return nil, notFound(ref)
	}
	if it.deleted {
		return nil, problem.New(http.StatusGone, "", ref+" was deleted", nil)
	}
	return it, nil
}

func notFound(ref string) error {
	return problem.New(http.StatusNotFound, "", ref+" does not exist", nil)
}

// list answers GET /{collection}.
func (s *Service) list(w http.ResponseWriter, r *http.Request, c call) error {
	var faults hook.Invalid
	limit, below := page(r, &faults)
	conditions := c.collection.conditions(r.URL.Query(), &faults)
	if err := invalid(faults); err != nil {
		return err
	}
	found, more, err := s.items.page(r.Context(), s.cfg.DB, c.collection, c.account, conditions, below, limit)
	if err != nil {
		return err
	}
	next := "null"
	if more {
		next = `"` + strconv.FormatInt(found[len(found)-1].id, 10) + `"`
	}
	respond(w, http.StatusOK, c.collection.documents(found, `,"next":`+next))
	return nil
}

// page reads a list's parameters of paging. The cursor is the last id of the page before;
// clients are told no more than that it is a text.
func page(r *http.Request, faults *hook.Invalid) (limit int, below int64) {
	limit, below = defaultLimit, math.MaxInt64
	query := r.URL.Query()
	var err error
	if given := query.Get("limit"); given != "" {
		if limit, err = strconv.Atoi(given); err != nil || limit < 1 || limit > maxLimit {
			faults.Add("query.limit", given, "must be an integer from 1 to "+strconv.Itoa(maxLimit))
		}
	}
	if given := query.Get("cursor"); given != "" {
		if below, err = strconv.ParseInt(given, 10, 64); err != nil || below < 1 {
			faults.Add("query.cursor", given, "must be the next of a page")
		}
	}
	return limit, below
}

// documents is a list of items as a JSON object; rest follows the items.
func (c *Collection) documents(items []*Item, rest string) []byte {
	dst := []byte(`{"items":[`)
	for i, it := range items {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, c.document(it)...)
	}
	return append(append(append(dst, ']'), rest...), '}')
}

func respond(w http.ResponseWriter, status int, document []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	// The connection is the client's: if it is gone there is nobody to tell.
	_, _ = w.Write(append(document, '\n'))
}
