package invoices

import (
	"context"

	"github.com/staffetta/staffetta/pkg/entity"
	"github.com/staffetta/staffetta/pkg/hook"
)

// judgeParent keeps a document with the parent that it was made for, and a quote that
// became an order, or an order an invoice, from doing so again. The parent says what it
// has become.
func (k kind) judgeParent(ctx context.Context, tx *entity.Tx, c *entity.Change) error {
	if k.Parent == nil {
		return nil
	}
	if c.Before != nil && c.After != nil {
		if c.Before.Parent() == c.After.Parent() {
			return nil
		}
		return hook.Invalid{{
			Field: k.Parent.Field, Value: string(c.After.Value(k.Parent.Field)),
			Rule: "must not change: the document was made for its parent",
		}}
	}
	it := c.After
	if it == nil {
		it = c.Before
	}
	parent, err := tx.Find(ctx, k.Parent.Collection, it.Parent())
	if err != nil || parent == nil {
		return err
	}
	if c.After != nil && annulled(parent) {
		return entity.Conflict("%s is annulled", parent.Ref())
	}
	if c.Before == nil && cancelled(parent) {
		return entity.Conflict("%s is cancelled", parent.Ref())
	}
	if k.becomes == "" {
		return nil
	}
	if c.After == nil {
		if parent.Int(k.becomes) != it.ID() {
			return nil // it was annulled, and the parent became another
		}
		parent.Set(k.becomes, nil)
		return tx.Update(ctx, parent)
	}
	if parent.Has(k.becomes) {
		already, err := tx.Find(ctx, k.Path, parent.Int(k.becomes))
		if err != nil {
			return err
		}
		if already != nil && !annulled(already) {
			return entity.Conflict("%s has become %s already", parent.Ref(), already.Ref())
		}
	}
	parent.Set(k.becomes, it.ID())
	return tx.Update(ctx, parent)
}

// turnInto is the action that makes a document of a later kind out of one, with its
// customer, currency, store and lines; fields of the request take their place.
func turnInto(collection, parentField string) func(context.Context, *entity.Tx, *entity.Item, entity.Fields) (*entity.Item, error) {
	return func(ctx context.Context, tx *entity.Tx, it *entity.Item, given entity.Fields) (*entity.Item, error) {
		fields := make(entity.Fields)
		for _, name := range []string{"store", "customer", "currency", "lines"} {
			if it.Has(name) {
				fields[name] = it.Value(name)
			}
		}
		if !it.Has("lines") && it.Has("total") {
			fields["total"] = it.Value("total")
		}
		for name, value := range given {
			if name == parentField {
				return nil, hook.Invalid{{Field: name, Rule: "is set by the action and must be left out"}}
			}
			fields[name] = value
		}
		fields[parentField] = it.ID()
		return tx.Create(ctx, collection, fields)
	}
}
