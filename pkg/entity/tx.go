package entity

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/staffetta/staffetta/pkg/hook"
)

// Tx is the transaction of one request as its rules see it: the items of the request's
// account in all collections of the service. Where a service has rules, the
// transaction has the account to itself from its beginning: no other request of the
// account changes anything of the service meanwhile, so what is read stays true,
// nothing needs a lock, and no two requests can wait for one another.
//
// What rules change gets its event in the same outbox: the request's own first, then
// theirs in the order in which they made them, in the name of the request's user. An item
// that rules update several times is told of once, as the last of them left it, under one
// new version: a bulk change of a thousand parts of a whole would tell of the whole a
// thousand times.
type Tx struct {
	service *Service
	sql     *sql.Tx
	account string
	now     time.Time
	cause   string
	told    *[]*told
	// last is the item that Find found last, as it is stored: the rules of a thousand items
	// in a bulk change mostly look at one and the same, which may be large.
	last **Item
}

// told is one change as its event tells of it.
type told struct {
	collection *Collection
	kind       hook.EventType
	items      []changed
	// ruled: it is an update that rules or an action made.
	ruled bool
}

// Fields of an item, by name; a value is what json.Marshal can write.
type Fields map[string]any

// Account of the request.
func (tx *Tx) Account() string { return tx.account }

// Now is the time of the change, in UTC, to the microsecond.
func (tx *Tx) Now() time.Time { return tx.now }

// SQL is the transaction, for the service's own tables; see Table.
func (tx *Tx) SQL() *sql.Tx { return tx.sql }

// Table is the full name of a table of Domain.Tables, such as "invoices_series" for
// "series".
func (tx *Tx) Table(name string) string { return tx.service.cfg.Prefix + "_" + name }

// Find is the item of an id; nil if there is none, or no more.
func (tx *Tx) Find(ctx context.Context, collection string, id int64) (*Item, error) {
	c, err := tx.collection(collection)
	if err != nil {
		return nil, err
	}
	if last := *tx.last; last.is(c, id) {
		return last.clone(), nil
	}
	found, err := tx.service.items.find(ctx, tx.sql, c, tx.account, []int64{id})
	if err != nil {
		return nil, err
	}
	if it := found[id]; it != nil && !it.deleted {
		*tx.last = it
		return it.clone(), nil
	}
	return nil, nil
}

// is reports whether an item, which may be nil, is the one of an id.
func (it *Item) is(c *Collection, id int64) bool {
	return it != nil && it.collection == c && it.id == id
}

// List are all items of a collection that keep all conditions, oldest first.
func (tx *Tx) List(ctx context.Context, collection string, conditions ...Condition) ([]*Item, error) {
	c, err := tx.collection(collection)
	if err != nil {
		return nil, err
	}
	all, err := tx.service.items.list(ctx, tx.sql, c, tx.account, conditions, math.MaxInt64, math.MaxInt32, nil)
	slices.Reverse(all)
	return all, err
}

// Create makes an item, by the rules of its collection.
func (tx *Tx) Create(ctx context.Context, collection string, fields Fields) (*Item, error) {
	c, err := tx.collection(collection)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(fields)
	if err != nil {
		return nil, fmt.Errorf("entity: new %s: %w", c.ItemType, err)
	}
	given, err := parseObject(text)
	if err != nil {
		return nil, fmt.Errorf("entity: new %s: %w", c.ItemType, err)
	}
	var faults hook.Invalid
	c.check("", given, &faults)
	if err := invalid(faults); err != nil {
		return nil, err
	}
	items, err := tx.create(ctx, c, []string{""}, []object{given})
	if err != nil {
		return nil, err
	}
	return items[0], nil
}

// Update writes an item that was found and set anew, by the rules of its collection. One
// that is as it was stays at its version and makes no event.
func (tx *Tx) Update(ctx context.Context, it *Item) error {
	before, err := tx.Find(ctx, it.collection.Path, it.id)
	if err != nil {
		return err
	}
	if before == nil {
		return fmt.Errorf("entity: update of %s, which does not exist", it.Ref())
	}
	if it.same(before) {
		return nil
	}
	again := tx.takeBack(it)
	t := tx.tell(it.collection, hook.Update)
	t.ruled = true
	return tx.update(ctx, t, []edit{{before: before, after: it, again: again}})
}

// takeBack forgets what was told of an update of an item by rules; it reports whether
// there was one.
func (tx *Tx) takeBack(it *Item) bool {
	before := len(*tx.told)
	*tx.told = slices.DeleteFunc(*tx.told, func(t *told) bool {
		return t.ruled && t.collection == it.collection && len(t.items) == 1 && t.items[0].id == it.id
	})
	return len(*tx.told) < before
}

// Delete deletes an item that was found, by the rules of its collection.
func (tx *Tx) Delete(ctx context.Context, it *Item) error {
	return tx.remove(ctx, it.collection, []*Item{it})
}

func (tx *Tx) collection(path string) (*Collection, error) {
	c := tx.service.collections[path]
	if c == nil {
		return nil, fmt.Errorf("entity: /%s is no collection of this service", path)
	}
	return c, nil
}

// tell keeps the place of a change among the events.
func (tx *Tx) tell(c *Collection, kind hook.EventType) *told {
	t := &told{collection: c, kind: kind}
	*tx.told = append(*tx.told, t)
	return t
}

// create makes items of what was given; paths come before the names of their fields.
func (tx *Tx) create(ctx context.Context, c *Collection, paths []string, given []object) ([]*Item, error) {
	t := tx.tell(c, hook.Create)
	items := make([]*Item, len(given))
	for i, fields := range given {
		items[i] = &Item{collection: c, version: 1, fields: slices.Clone(fields), createdAt: tx.now, updatedAt: tx.now}
	}
	if err := tx.checkParents(ctx, c, paths, items); err != nil {
		return nil, err
	}
	if err := tx.service.items.number(ctx, tx.sql, tx.account, items); err != nil {
		return nil, err
	}
	for i, it := range items {
		if err := tx.judge(ctx, c, paths[i], &Change{After: it, Cause: tx.cause, given: given[i]}); err != nil {
			return nil, err
		}
		if err := tx.service.items.insert(ctx, tx.sql, tx.account, it); err != nil {
			return nil, err
		}
		t.items = append(t.items, c.changed(it))
	}
	return items, nil
}

// edit is an item before and after a change; path comes before the names of fields.
type edit struct {
	path          string
	before, after *Item
	given         object
	// again: before has a version of this request already, which it keeps.
	again bool
}

func (tx *Tx) update(ctx context.Context, t *told, edits []edit) error {
	c := t.collection
	var moved []*Item
	var paths []string
	for _, e := range edits {
		// A parent that stays need not be there any more.
		if e.after.Parent() != e.before.Parent() {
			moved, paths = append(moved, e.after), append(paths, e.path)
		}
	}
	if err := tx.checkParents(ctx, c, paths, moved); err != nil {
		return err
	}
	for _, e := range edits {
		e.after.version, e.after.updatedAt = e.before.version, tx.now
		if !e.again {
			e.after.version++
		}
		change := &Change{Before: e.before, After: e.after, Cause: tx.cause, given: e.given}
		if err := tx.judge(ctx, c, e.path, change); err != nil {
			return err
		}
		if err := tx.service.items.update(ctx, tx.sql, tx.account, e.before, e.after); err != nil {
			return err
		}
		if (*tx.last).is(c, e.after.id) {
			*tx.last = e.after.clone()
		}
		t.items = append(t.items, c.changed(e.after))
	}
	return nil
}

// remove deletes items, judged newest first, since what came later builds on what came
// before. The event carries their last data, under the version of the deletion.
func (tx *Tx) remove(ctx context.Context, c *Collection, items []*Item) error {
	t := tx.tell(c, hook.Delete)
	for _, it := range items {
		last := c.changed(it)
		last.version++
		t.items = append(t.items, last)
	}
	newest := slices.SortedFunc(slices.Values(items), func(a, b *Item) int { return cmp.Compare(b.id, a.id) })
	for _, it := range newest {
		if err := tx.judge(ctx, c, "", &Change{Before: it, Cause: tx.cause}); err != nil {
			return err
		}
		if err := tx.service.items.remove(ctx, tx.sql, tx.account, it, tx.now); err != nil {
			return err
		}
		if (*tx.last).is(c, it.id) {
			*tx.last = nil
		}
	}
	return nil
}
