package stock

import (
	"github.com/staffetta/staffetta/pkg/entity"
	"github.com/staffetta/staffetta/pkg/upstream"
)

func collections() []entity.Collection {
	equipment := &entity.Parent{Field: "equipment", Collection: "equipment"}
	return []entity.Collection{
		{
			Path: "equipment", ItemType: "Equipment",
			Fields: []entity.Field{
				upstream.Name(),
				{Name: "code", Rule: entity.Text(1, 100)},
				{Name: "quantity", Rule: entity.Number()},
				{Name: "price", Rule: entity.Amount()},
			},
		},
		{
			Path: "serial-numbers", ItemType: "SerialNumber",
			Fields: []entity.Field{
				{Name: "serial", Required: true, Rule: entity.Text(1, 100)},
				{Name: "purchaseDate", Rule: entity.Date()},
			},
			Parent: equipment,
		},
		{
			Path: "stock-movements", ItemType: "StockMovement",
			Fields: []entity.Field{
				// Negative: out of the warehouse.
				{Name: "quantity", Required: true, Rule: entity.Number()},
				{Name: "reason", Rule: entity.OneOf("purchase", "sale", "return", "correction", "transfer")},
				{Name: "movedAt", Rule: entity.Time()},
			},
			Parent: equipment,
		},
	}
}
