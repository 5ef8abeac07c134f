package entity

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/problem"
)

// patch is what one item shall become.
type patch struct {
	id     int64
	path   string // before the names of fields in faults
	fields object
}

// update answers PATCH /{collection}/{id}.
func (s *Service) update(w http.ResponseWriter, r *http.Request, c call) error {
	it, err := s.one(r.Context(), r, c)
	if err != nil {
		return err
	}
	who, err := user(r)
	if err != nil {
		return err
	}
	raw, err := body(w, r)
	if err != nil {
		return err
	}
	var faults hook.Invalid
	p := patch{id: it.id, fields: objectAt("", raw, &faults)}
	if given, ok := p.fields.get("id"); ok {
		if string(given) != strconv.FormatInt(it.id, 10) {
			faults.AddJSON("id", given, "must be that of the path, or be left out")
		}
		p.fields = p.fields.without("id")
	}
	if err := invalid(faults); err != nil {
		return err
	}
	items, err := s.patch(r, c, who, []patch{p}, ifMatch(r))
	if err != nil {
		return err
	}
	w.Header().Set("ETag", items[0].etag())
	respond(w, http.StatusOK, c.collection.document(items[0]))
	return nil
}

// updateSeveral answers PATCH /{collection}.
func (s *Service) updateSeveral(w http.ResponseWriter, r *http.Request, c call) error {
	who, err := user(r)
	if err != nil {
		return err
	}
	raw, err := body(w, r)
	if err != nil {
		return err
	}
	var faults hook.Invalid
	given := objects(raw, &faults)
	if err := invalid(faults); err != nil {
		return err
	}
	patches := make([]patch, len(given))
	seen := make(map[int64]bool, len(given))
	for i, fields := range given {
		path := "[" + strconv.Itoa(i) + "]."
		value, ok := fields.get("id")
		id, err := strconv.ParseInt(string(value), 10, 64)
		switch {
		case !ok:
			faults.Add(path+"id", "", "is required")
		case err != nil || id < 1:
			ID().check(path+"id", value, &faults)
		case seen[id]:
			faults.AddJSON(path+"id", value, "must not occur twice")
		}
		seen[id] = true
		patches[i] = patch{id: id, path: path, fields: fields.without("id")}
	}
	if err := invalid(faults); err != nil {
		return err
	}
	items, err := s.patch(r, c, who, patches, "")
	if err != nil {
		return err
	}
	respond(w, http.StatusOK, c.collection.documents(items, ""))
	return nil
}

// patch changes items, all or none, if the only one matches ifMatch.
func (s *Service) patch(r *http.Request, c call, who *hook.Reference, patches []patch, ifMatch string) ([]*Item, error) {
	var items []*Item
	err := s.apply(r.Context(), c, who, func(ctx context.Context, tx *Tx) (err error) {
		if items, err = s.taken(ctx, tx, c, patches); err != nil {
			return err
		}
		if ifMatch != "" && !matches(ifMatch, items[0]) {
			return stale(items[0])
		}
		edits, err := c.collection.merge(items, patches)
		if err != nil {
			return err
		}
		return tx.update(ctx, tx.tell(c.collection, hook.Update), edits)
	})
	return items, err
}

// taken locks the items of patches and returns them in the same order.
func (s *Service) taken(ctx context.Context, tx *Tx, c call, patches []patch) ([]*Item, error) {
	ids := make([]int64, len(patches))
	for i, p := range patches {
		ids[i] = p.id
	}
	found, err := s.items.take(ctx, tx.sql, c.collection, c.account, ids)
	if err != nil {
		return nil, err
	}
	items := make([]*Item, len(patches))
	var faults hook.Invalid
	for i, p := range patches {
		it, err := alive(found[p.id], c.collection.ref(p.id))
		if err != nil {
			if p.path == "" {
				return nil, err // the path's item: deleted since it was looked for
			}
			faults.Add(p.path+"id", strconv.FormatInt(p.id, 10), "must be the id of an item that exists")
		}
		items[i] = it
	}
	return items, invalid(faults)
}

// merge puts merged items in the place of those that patches change, and returns these
// edits: an item that stays as it was is none.
func (c *Collection) merge(items []*Item, patches []patch) ([]edit, error) {
	var edits []edit
	var faults hook.Invalid
	for i, before := range items {
		path := patches[i].path
		c.checkDerived(path, patches[i].fields, &faults)
		fields, err := merge(before.fields, patches[i].fields)
		if err != nil {
			faults.Add(path+"body", "", err.Error()+" when merged")
			continue
		}
		after := before.clone()
		after.fields = fields
		c.checkFields(path, fields, &faults)
		if len(fields.appendTo(nil)) > maxObject {
			faults.Add(path+"body", "", "must have at most "+strconv.Itoa(maxObject)+" bytes when merged")
		}
		if after.same(before) {
			continue
		}
		items[i] = after
		edits = append(edits, edit{path: path, before: before, after: after, given: patches[i].fields})
	}
	return edits, invalid(faults)
}

// ifMatch is the header, all of its lines; "" only if it is not there, for an empty
// one, as an unset variable makes it, names no version.
func ifMatch(r *http.Request) string {
	lines := r.Header.Values("If-Match")
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, ",") + ","
}

// matches reports whether an If-Match header names the item's version.
func matches(header string, it *Item) bool {
	for tag := range strings.SplitSeq(header, ",") {
		if tag = strings.TrimSpace(tag); tag == "*" || tag == it.etag() {
			return true
		}
	}
	return false
}

func stale(it *Item) error {
	return problem.New(http.StatusPreconditionFailed, "",
		"If-Match names another version: the item is at "+it.etag(), nil)
}
