package invoices

import (
	"context"
	"strconv"

	"github.com/shopspring/decimal"

	"github.com/staffetta/staffetta/pkg/entity"
	"github.com/staffetta/staffetta/pkg/hook"
)

// credited is the field of an invoice with the sum of its credit notes.
const credited = "credited"

// judge is the rules of every document.
func (k kind) judge(ctx context.Context, tx *entity.Tx, c *entity.Change) error {
	steps := []func(context.Context, *entity.Tx, *entity.Change) error{k.judgeForm, k.judgeNumber, k.judgeParent}
	if k.rules != nil {
		steps = append(steps, k.rules)
	}
	for _, step := range steps {
		if err := step(ctx, tx, c); err != nil {
			return err
		}
	}
	return nil
}

// judgeForm keeps totals, and what may not be changed at all.
func (k kind) judgeForm(ctx context.Context, tx *entity.Tx, c *entity.Change) error {
	if c.After == nil {
		return k.judgeChildless(ctx, tx, c.Before)
	}
	if c.Before != nil && annulled(c.Before) && c.Cause == "" {
		return entity.Conflict("%s is annulled: it cannot be changed any more", c.Before.Ref())
	}
	return k.add(c).Err()
}

// judgeNumber numbers what is new and keeps the series without gaps.
func (k kind) judgeNumber(ctx context.Context, tx *entity.Tx, c *entity.Change) error {
	switch {
	case c.Before == nil:
		return k.number(ctx, tx, c.After)
	case c.After == nil:
		return k.free(ctx, tx, c.Before)
	default:
		return k.stay(c).Err()
	}
}

// judgeChildless refuses the deletion of what others refer to.
func (k kind) judgeChildless(ctx context.Context, tx *entity.Tx, it *entity.Item) error {
	for _, path := range k.children {
		children, err := tx.List(ctx, path, entity.Equal(parentField[path], strconv.FormatInt(it.ID(), 10)))
		if err != nil {
			return err
		}
		if len(children) > 0 {
			return entity.Conflict("%s cannot be deleted: it is the parent of %s", it.Ref(), children[0].Ref())
		}
	}
	return nil
}

// parentField of the documents that have parents.
var parentField = map[string]string{"invoices": "order", "credit-notes": "invoice", "delivery-notes": "order", "orders": "quote"}

func annulled(it *entity.Item) bool { return string(it.Value("annulled")) == "true" }

// cancelled reports whether it is an order that nothing is to come of any more.
func cancelled(it *entity.Item) bool { return string(it.Value("status")) == `"cancelled"` }

// invoice is the rules of invoices alone.
func invoice(_ context.Context, _ *entity.Tx, c *entity.Change) error {
	if c.Before == nil || c.After == nil {
		return nil
	}
	notes := c.After.Decimal(credited)
	if annulled(c.After) && !notes.IsZero() {
		return entity.Conflict("%s cannot be annulled: it has credit notes of %s", c.After.Ref(), entity.Money(notes))
	}
	var faults hook.Invalid
	if c.After.Decimal("total").LessThan(notes) {
		faults.AddJSON("total", c.After.Value("total"), "must be at least "+entity.Money(notes).String()+", the sum of its credit notes")
	}
	if before, after := c.Before.Text("currency"), c.After.Text("currency"); before != after && !notes.IsZero() {
		faults.Add("currency", after, "must stay "+strconv.Quote(before)+", that of its credit notes")
	}
	return faults.Err()
}

// creditNote keeps the credit notes of an invoice within its total.
func creditNote(ctx context.Context, tx *entity.Tx, c *entity.Change) error {
	it := c.After
	if it == nil {
		it = c.Before
	}
	of, err := tx.Find(ctx, "invoices", it.Parent())
	if err != nil || of == nil { // older than the rule that keeps it
		return err
	}
	others, err := creditedBeside(ctx, tx, of, c.Before)
	if err != nil {
		return err
	}
	if c.After != nil && !annulled(c.After) {
		if err := fits(c, of, of.Decimal("total").Sub(others)); err != nil {
			return err
		}
	}
	sum := others.Add(counted(c.After))
	of.Set(credited, entity.Money(sum))
	return tx.Update(ctx, of)
}

// creditedBeside is what the credit notes of an invoice come to without one of them, as it
// was before a change; nil: it is new. The invoice knows it, unless it is older than that.
func creditedBeside(ctx context.Context, tx *entity.Tx, of, note *entity.Item) (decimal.Decimal, error) {
	if of.Has(credited) {
		return of.Decimal(credited).Sub(counted(note)), nil
	}
	sum := decimal.Zero
	all, err := tx.List(ctx, "credit-notes", entity.Equal("invoice", strconv.FormatInt(of.ID(), 10)))
	for _, one := range all {
		if note == nil || one.ID() != note.ID() {
			sum = sum.Add(counted(one))
		}
	}
	return sum, err
}

// counted is what a credit note takes from its invoice.
func counted(note *entity.Item) decimal.Decimal {
	if note == nil || annulled(note) {
		return decimal.Zero
	}
	return note.Decimal("total")
}

// fits judges a credit note of an invoice of which so much is left.
func fits(c *entity.Change, of *entity.Item, left decimal.Decimal) error {
	var faults hook.Invalid
	if !c.After.Has("currency") && of.Has("currency") {
		c.After.Set("currency", of.Text("currency"))
	}
	switch have, want := c.After.Text("currency"), of.Text("currency"); {
	case have == want:
	case want == "":
		faults.Add("currency", have, "must be left out, as the invoice names none")
	default:
		faults.Add("currency", have, "must be that of the invoice, "+want)
	}
	if c.After.Decimal("total").GreaterThan(left) {
		faults.AddJSON("total", c.After.Value("total"), "must be at most "+entity.Money(left).String()+
			", what is left of "+of.Ref()+" with its total of "+entity.Money(of.Decimal("total")).String())
	}
	return faults.Err()
}
