package stock

import (
	"github.com/staffetta/staffetta/pkg/entity"
	"github.com/staffetta/staffetta/pkg/upstream"
)

// Collections, and the fields that rules read.
const (
	equipmentPath = "equipment"
	serialsPath   = "serial-numbers"

	equipmentField = "equipment"
	serialField    = "serial"
	typeField      = "type"
	quantityField  = "quantity"
	toStoreField   = "toStore"
)

func collections() []entity.Collection {
	equipment := &entity.Parent{Field: equipmentField, Collection: equipmentPath}
	return []entity.Collection{
		{
			Path: equipmentPath, ItemType: "Equipment",
			Fields: []entity.Field{
				upstream.Name(),
				{Name: "code", Rule: entity.Text(1, 100), Filter: entity.Exactly},
				{Name: "unit", Rule: entity.Text(1, 20)},
				{Name: "price", Rule: entity.Unsigned(9, 8)},
			},
			Rules: forgetLevels,
		},
		{
			Path: serialsPath, ItemType: "SerialNumber",
			Fields: []entity.Field{
				{Name: serialField, Required: true, Rule: entity.Text(1, 100), Filter: entity.Exactly},
				{Name: "purchaseDate", Rule: entity.Date(), Filter: entity.Days},
			},
			Parent: equipment,
			Rules:  keepUnique,
		},
		{
			Path: "stock-movements", ItemType: "StockMovement",
			Fields: []entity.Field{
				{Name: typeField, Rule: entity.OneOf(kinds...), Filter: entity.Exactly},
				// Fifteen digits are what a double holds: exact in every reader.
				{Name: quantityField, Required: true, Rule: entity.Decimal(9, 6)},
				{Name: toStoreField, Rule: entity.Text(1, maxStore), Filter: entity.Exactly},
				{Name: "reason", Rule: entity.OneOf("purchase", "sale", "return", "correction", "transfer"), Filter: entity.Exactly},
				{Name: "movedAt", Rule: entity.Time(), Filter: entity.Moments},
			},
			Parent: equipment,
			Rules:  keepLevels,
		},
	}
}

// maxStore is the longest id of a store, in characters, as in the kit.
const maxStore = 64
