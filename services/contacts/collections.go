package contacts

import (
	"github.com/staffetta/staffetta/pkg/entity"
	"github.com/staffetta/staffetta/pkg/upstream"
)

func collections() []entity.Collection {
	// somebody has what people and firms have.
	somebody := func(more ...entity.Field) []entity.Field {
		return append([]entity.Field{
			upstream.Name(),
			upstream.Email(),
			upstream.Phone(),
			{Name: "address", Rule: entity.Text(1, 500)},
		}, more...)
	}
	return []entity.Collection{
		{Path: "contacts", ItemType: "Contact", Fields: somebody(upstream.VATNumber())},
		{
			Path: "customers", ItemType: "Customer",
			Fields: somebody(upstream.VATNumber(), entity.Field{Name: "discount", Rule: entity.Number()}),
		},
		{Path: "companies", ItemType: "Company", Fields: somebody(upstream.VATNumber())},
		{
			Path: "contact-persons", ItemType: "ContactPerson",
			Fields: somebody(entity.Field{Name: "role", Rule: entity.Text(1, 100)}),
			Parent: &entity.Parent{Field: "company", Collection: "companies"},
		},
		{
			Path: "crew", ItemType: "Crew",
			Fields: somebody(
				entity.Field{Name: "role", Rule: entity.Text(1, 100)},
				entity.Field{Name: "active", Rule: entity.Boolean()},
			),
		},
	}
}
