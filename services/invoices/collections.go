package invoices

import (
	"slices"

	"github.com/staffetta/staffetta/pkg/entity"
	"github.com/staffetta/staffetta/pkg/upstream"
)

// natures are why a line bears no VAT, as electronic invoices write it.
var natures = []string{
	"N1", "N2", "N2.1", "N2.2", "N3", "N3.1", "N3.2", "N3.3", "N3.4", "N3.5", "N3.6", "N4", "N5",
	"N6", "N6.1", "N6.2", "N6.3", "N6.4", "N6.5", "N6.6", "N6.7", "N6.8", "N6.9", "N7",
}

// kind is one kind of document with what sets it apart from the others.
type kind struct {
	entity.Collection
	// unpriced documents may have lines without prices, and then have no totals.
	unpriced bool
	// becomes is the field of the parent that says what it has become; empty: a parent may
	// have several of these.
	becomes string
	// children are the collections whose documents may have this one as their parent.
	children []string
	// rules are those of this kind alone, after those of all documents; or nil.
	rules entity.Rules
}

func collections() []entity.Collection {
	kinds := []kind{
		{
			Collection: entity.Collection{
				Path: "invoices", ItemType: "Invoice",
				Fields: []entity.Field{
					{Name: "dueDate", Rule: entity.Date(), Filter: entity.Days},
					{Name: "paid", Rule: entity.Boolean(), Filter: entity.Exactly, Absent: "false"},
					{Name: credited, Derived: true},
				},
				Parent: &entity.Parent{Field: "order", Collection: "orders"},
			},
			becomes: "invoice", children: []string{"credit-notes"}, rules: invoice,
		},
		{
			Collection: entity.Collection{
				Path: "credit-notes", ItemType: "CreditNote",
				Fields: []entity.Field{
					{Name: "invoice", Required: true, Rule: entity.ID()},
					{Name: "reason", Rule: entity.Text(1, 500)},
				},
				Parent: &entity.Parent{Field: "invoice", Collection: "invoices"},
			},
			rules: creditNote,
		},
		{
			Collection: entity.Collection{
				Path: "delivery-notes", ItemType: "DeliveryNote",
				Fields: []entity.Field{
					{Name: "carrier", Rule: entity.Text(1, 200)},
					{Name: "packages", Rule: entity.Integer(0, 100_000)},
				},
				Parent: &entity.Parent{Field: "order", Collection: "orders"},
			},
			unpriced: true,
		},
		{
			Collection: entity.Collection{
				Path: "orders", ItemType: "Order",
				Fields: []entity.Field{
					{Name: "status", Rule: entity.OneOf("open", "confirmed", "shipped", "closed", "cancelled"), Filter: entity.Exactly},
					{Name: "invoice", Derived: true},
				},
				Parent:  &entity.Parent{Field: "quote", Collection: "quotes"},
				Actions: []entity.Action{{Name: "invoice", Do: turnInto("invoices", "order")}},
			},
			becomes: "order", children: []string{"delivery-notes", "invoices"},
		},
		{
			Collection: entity.Collection{
				Path: "quotes", ItemType: "Quote",
				Fields: []entity.Field{
					{Name: "validUntil", Rule: entity.Date(), Filter: entity.Days},
					{Name: "accepted", Rule: entity.Boolean(), Filter: entity.Exactly, Absent: "false"},
					{Name: "order", Derived: true},
				},
				Actions: []entity.Action{{Name: "order", Do: turnInto("orders", "quote")}},
			},
			children: []string{"orders"},
		},
	}
	all := make([]entity.Collection, len(kinds))
	for i, k := range kinds {
		all[i] = k.Collection
		// annulled comes last: nearly all documents are the same in it, so that a list which
		// entered the index by it would walk through all of them for those of a customer.
		all[i].Fields = slices.Concat(documentFields(k.unpriced), k.Fields, []entity.Field{
			{Name: "annulled", Rule: entity.Boolean(), Filter: entity.Exactly, Absent: "false"},
		})
		all[i].Rules = k.judge
	}
	return all
}

// documentFields are those of every document.
func documentFields(unpriced bool) []entity.Field {
	return []entity.Field{
		{Name: "number", Derived: true, Filter: entity.Exactly},
		{Name: "sequence", Derived: true},
		// Customers live in another service: only the form is judged.
		{Name: "customer", Rule: entity.ID(), Filter: entity.Exactly},
		{Name: "date", Rule: entity.Date(), Filter: entity.Days},
		upstream.Currency(),
		{Name: "lines", Rule: entity.List(upstream.MaxLines, entity.Object(
			entity.Field{Name: "description", Required: true, Rule: entity.Text(1, 1000)},
			entity.Field{Name: "quantity", Rule: entity.Unsigned(9, 8)},
			entity.Field{Name: "price", Required: !unpriced, Rule: entity.Decimal(9, 8)},
			entity.Field{Name: "discount", Rule: upstream.Percent()},
			entity.Field{Name: "vat", Required: !unpriced, Rule: upstream.Percent()},
			entity.Field{Name: "nature", Rule: entity.OneOf(natures...)},
		))},
		{Name: "net", Derived: true},
		{Name: "tax", Derived: true},
		{Name: "vat", Derived: true},
		{Name: "total", Rule: entity.Unsigned(12, 2)},
	}
}
