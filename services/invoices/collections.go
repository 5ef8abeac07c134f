package invoices

import (
	"github.com/staffetta/staffetta/pkg/entity"
	"github.com/staffetta/staffetta/pkg/upstream"
)

func collections() []entity.Collection {
	// document has what all trade documents have.
	document := func(more ...entity.Field) []entity.Field {
		return append([]entity.Field{
			upstream.Total(),
			upstream.Number(),
			upstream.Date(),
			upstream.Currency(),
			// Customers live in another service: only the form is judged.
			{Name: "customer", Rule: entity.ID()},
			upstream.Lines(),
		}, more...)
	}
	return []entity.Collection{
		{
			Path: "invoices", ItemType: "Invoice",
			Fields: document(
				entity.Field{Name: "dueDate", Rule: entity.Date()},
				entity.Field{Name: "paid", Rule: entity.Boolean()},
			),
		},
		{
			Path: "credit-notes", ItemType: "CreditNote",
			Fields: document(entity.Field{Name: "reason", Rule: entity.Text(1, 500)}),
			Parent: &entity.Parent{Field: "invoice", Collection: "invoices"},
		},
		{
			Path: "delivery-notes", ItemType: "DeliveryNote",
			Fields: document(
				entity.Field{Name: "carrier", Rule: entity.Text(1, 200)},
				entity.Field{Name: "packages", Rule: entity.Integer(0, 100_000)},
			),
			Parent: &entity.Parent{Field: "order", Collection: "orders"},
		},
		{
			Path: "orders", ItemType: "Order",
			Fields: document(entity.Field{Name: "status", Rule: entity.OneOf("open", "confirmed", "shipped", "closed", "cancelled")}),
		},
		{
			Path: "quotes", ItemType: "Quote",
			Fields: document(
				entity.Field{Name: "validUntil", Rule: entity.Date()},
				entity.Field{Name: "accepted", Rule: entity.Boolean()},
			),
		},
	}
}
