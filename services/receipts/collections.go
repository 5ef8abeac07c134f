package receipts

import (
	"github.com/staffetta/staffetta/pkg/entity"
	"github.com/staffetta/staffetta/pkg/upstream"
)

func collections() []entity.Collection {
	payment := entity.Field{Name: "payment", Rule: entity.OneOf("cash", "card", "voucher", "transfer", other), Filter: entity.Exactly}
	number := entity.Field{Name: "number", Rule: entity.Text(1, 50), Filter: entity.Exactly}
	total := entity.Field{Name: "total", Rule: entity.Decimal(12, 2)}
	lines := entity.Field{Name: "lines", Rule: entity.List(upstream.MaxLines, entity.Object(
		entity.Field{Name: "description", Required: true, Rule: entity.Text(1, 200)},
		entity.Field{Name: "quantity", Rule: entity.Decimal(9, 8)},
		entity.Field{Name: "price", Rule: entity.Decimal(9, 8)},
		entity.Field{Name: "vat", Rule: upstream.Percent()},
	))}
	return []entity.Collection{
		{
			Path: "closed-bills", ItemType: "ClosedBill",
			Fields: []entity.Field{
				total,
				number,
				{Name: "table", Rule: entity.Text(1, 50), Filter: entity.Exactly},
				{Name: "covers", Rule: entity.Integer(0, 10_000)},
				{Name: "closedAt", Rule: entity.Time(), Filter: entity.Moments},
				payment,
				lines,
			},
			Rules: bill,
		},
		{
			Path: "receipts", ItemType: "Receipt",
			Fields: []entity.Field{
				total,
				number,
				upstream.Currency(),
				{Name: "issuedAt", Rule: entity.Time(), Filter: entity.Moments},
				{Name: day, Derived: true, Filter: entity.Days},
				payment,
				lines,
			},
			Parent: &entity.Parent{Field: "closedBill", Collection: "closed-bills"},
			Rules:  receipt,
		},
		{
			Path: "cash-closings", ItemType: "CashClosing",
			Fields: []entity.Field{
				{Name: "date", Rule: entity.Date(), Filter: entity.Days},
				{Name: "receipts", Derived: true},
				{Name: "payments", Derived: true},
				{Name: "total", Derived: true},
			},
			Rules: closing,
		},
	}
}
