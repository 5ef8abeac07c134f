package entity

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/problem"
)

// Rules are a collection's own, beyond what its fields' rules say of one value each. They
// run inside the transaction of a change, once for each item, just before it is
// written: those before it in a bulk change are written already, those after it are
// not. They may run again if the transaction is repeated.
//
// The error is hook.Invalid, which names the item's fields as the caller wrote them
// (422; the kit adds the place in a bulk body), or Conflict (409); any other is a
// failure of the service (500). Whichever it is, nothing of the request is kept.
type Rules func(ctx context.Context, tx *Tx, c *Change) error

// Change is what shall become of one item.
type Change struct {
	// Before is the item as it is stored, not to be set; nil: it is created.
	Before *Item
	// After is the item as it will be stored; nil: it is deleted. Rules set its derived
	// fields.
	After *Item
	// Cause is the Path of the collection whose rules or action make this change;
	// empty: the request itself does.
	Cause string

	given object
}

// Given reports whether the request, or the rules that make the change, name a field,
// null included.
func (c *Change) Given(field string) bool {
	_, ok := c.given.get(field)
	return ok
}

// Conflict is a refusal of what is valid in itself, but not as things stand: 409.
func Conflict(format string, args ...any) error {
	return problem.New(http.StatusConflict, "", fmt.Sprintf(format, args...), nil)
}

// Action is POST /{collection}/{id}/{name}.
type Action struct {
	// Name is the last segment of its path, such as "order".
	Name string
	// Do makes what the action makes, through tx, out of an item that exists, which has
	// been read within the transaction. fields are those of the request's body, none
	// if it has none; the item that is answered, with 201, is Do's. Errors are as those
	// of Rules.
	Do func(ctx context.Context, tx *Tx, it *Item, fields Fields) (*Item, error)
}

// judge runs the rules of a change, if there are any; path comes before the names of
// fields in their faults.
func (tx *Tx) judge(ctx context.Context, c *Collection, path string, change *Change) error {
	if c.Rules == nil {
		return nil
	}
	inner := *tx
	inner.cause = c.Path
	return at(path, c.Rules(ctx, &inner, change))
}

// at turns faults into an answer, with the path before their fields.
func at(path string, err error) error {
	var faults hook.Invalid
	if !errors.As(err, &faults) {
		return err
	}
	placed := make(hook.Invalid, len(faults))
	for i, f := range faults {
		f.Field = path + f.Field
		placed[i] = f
	}
	return invalid(placed)
}
