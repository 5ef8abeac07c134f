package receipts

import (
	"github.com/staffetta/staffetta/pkg/entity"
	"github.com/staffetta/staffetta/pkg/upstream"
)

func collections() []entity.Collection {
	payment := entity.Field{Name: "payment", Rule: entity.OneOf("cash", "card", "voucher", "transfer", "other")}
	return []entity.Collection{
		{
			Path: "closed-bills", ItemType: "ClosedBill",
			Fields: []entity.Field{
				upstream.Total(),
				upstream.Number(),
				{Name: "table", Rule: entity.Text(1, 50)},
				{Name: "covers", Rule: entity.Integer(0, 10_000)},
				{Name: "closedAt", Rule: entity.Time()},
				payment,
				upstream.Lines(),
			},
		},
		{
			Path: "receipts", ItemType: "Receipt",
			Fields: []entity.Field{
				upstream.Total(),
				upstream.Number(),
				upstream.Currency(),
				{Name: "issuedAt", Rule: entity.Time()},
				payment,
				upstream.Lines(),
			},
			Parent: &entity.Parent{Field: "closedBill", Collection: "closed-bills"},
		},
		{
			Path: "cash-closings", ItemType: "CashClosing",
			Fields: []entity.Field{
				upstream.Total(),
				upstream.Date(),
				{Name: "cash", Rule: entity.Number()},
				{Name: "cards", Rule: entity.Number()},
				{Name: "receipts", Rule: entity.Integer(0, 1_000_000)},
			},
		},
	}
}
