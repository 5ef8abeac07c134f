package entity

import (
	"context"
	"net/http"
	"strconv"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/problem"
)

// remove answers DELETE /{collection}/{id}.
func (s *Service) remove(w http.ResponseWriter, r *http.Request, c call) error {
	it, err := s.one(r.Context(), r, c)
	if err != nil {
		return err
	}
	who, err := user(r)
	if err != nil {
		return err
	}
	return s.removeAll(w, r, c, who, []int64{it.id}, ifMatch(r))
}

// removeSeveral answers DELETE /{collection}?id=10&id=31.
func (s *Service) removeSeveral(w http.ResponseWriter, r *http.Request, c call) error {
	who, err := user(r)
	if err != nil {
		return err
	}
	given := r.URL.Query()["id"]
	var faults hook.Invalid
	if len(given) == 0 {
		faults.Add("query.id", "", "is required, once per item")
	}
	if len(given) > maxBulk {
		faults.Add("query.id", strconv.Itoa(len(given)), "must occur at most "+strconv.Itoa(maxBulk)+" times")
	}
	ids := make([]int64, 0, len(given))
	seen := make(map[int64]bool, len(given))
	for _, text := range given {
		id, err := strconv.ParseInt(text, 10, 64)
		switch {
		case err != nil || id < 1:
			faults.Add("query.id", text, "must be the id of an item, an integer from 1")
		case seen[id]:
			faults.Add("query.id", text, "must not occur twice")
		}
		seen[id] = true
		ids = append(ids, id)
	}
	if err := invalid(faults); err != nil {
		return err
	}
	return s.removeAll(w, r, c, who, ids, "")
}

// removeAll deletes items, all or none, if the only one matches ifMatch.
func (s *Service) removeAll(w http.ResponseWriter, r *http.Request, c call, who *hook.Reference, ids []int64, ifMatch string) error {
	err := s.apply(r.Context(), c, who, func(ctx context.Context, tx *Tx) error {
		found, err := s.items.take(ctx, tx.sql, c.collection, c.account, ids)
		if err != nil {
			return err
		}
		if err := c.collection.allAlive(found, ids); err != nil {
			return err
		}
		if it := found[ids[0]]; ifMatch != "" && !matches(ifMatch, it) {
			return stale(it)
		}
		items := make([]*Item, len(ids))
		for i, id := range ids {
			items[i] = found[id]
		}
		return tx.remove(ctx, c.collection, items)
	})
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// allAlive answers 404 if one of the items never was, 410 if all that are
// missing were deleted.
func (c *Collection) allAlive(found map[int64]*Item, ids []int64) error {
	status := http.StatusGone
	var faults hook.Invalid
	for _, id := range ids {
		switch it := found[id]; {
		case it == nil:
			status = http.StatusNotFound
			faults.Add("id", strconv.FormatInt(id, 10), "must be the id of an item of /"+c.Path)
		case it.deleted:
			faults.Add("id", strconv.FormatInt(id, 10), "must be the id of an item that is not deleted")
		}
	}
	if len(faults) == 0 {
		return nil
	}
	return problem.New(status, "", "", faults)
}
