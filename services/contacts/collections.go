package contacts

import (
	"github.com/staffetta/staffetta/pkg/entity"
	"github.com/staffetta/staffetta/pkg/fiscal"
	"github.com/staffetta/staffetta/pkg/upstream"
)

func collections() []entity.Collection {
	role := entity.Field{Name: "role", Rule: entity.Text(1, 100), Filter: entity.Exactly}
	return []entity.Collection{
		{Path: "contacts", ItemType: "Contact", Fields: taxpayer()},
		{
			Path: "customers", ItemType: "Customer",
			Fields: taxpayer(entity.Field{Name: "discount", Rule: upstream.Percent()}),
		},
		{Path: "companies", ItemType: "Company", Fields: taxpayer()},
		{
			Path: "contact-persons", ItemType: "ContactPerson",
			Fields: somebody(role, taxCode()),
			Parent: &entity.Parent{Field: "company", Collection: "companies"},
		},
		{
			Path: "crew", ItemType: "Crew",
			Fields: somebody(role, taxCode(), entity.Field{Name: "active", Rule: entity.Boolean(), Filter: entity.Exactly}),
		},
	}
}

// somebody has what people and firms have.
func somebody(more ...entity.Field) []entity.Field {
	name, email := upstream.Name(), upstream.Email()
	name.Filter, email.Filter = entity.Exactly, entity.Exactly
	return append([]entity.Field{name, email, upstream.Phone(), {Name: "address", Rule: entity.Text(1, 500)}}, more...)
}

// taxpayer is somebody who gets invoices.
func taxpayer(more ...entity.Field) []entity.Field {
	return somebody(append([]entity.Field{
		{
			Name: "vatNumber", Filter: entity.Exactly,
			Rule: entity.String("must be a VAT number: Italian, of 11 digits with its check digit, IT before them or not, "+
				"or of another country of the EU in its form, such as DE123456789", keeps(fiscal.VATNumber)),
		},
		taxCode(),
		{
			Name: "sdiCode", Filter: entity.Exactly,
			Rule: entity.String("must be a recipient code of the SDI: 7 capital letters and digits, 6 of a public office, "+
				"0000000 of who has none", keeps(fiscal.RecipientCode)),
		},
		{Name: "pec", Rule: entity.Email()},
	}, more...)...)
}

func taxCode() entity.Field {
	return entity.Field{
		Name: "taxCode", Filter: entity.Exactly,
		Rule: entity.String("must be a tax code: of a person, 16 letters and digits with its check character, "+
			"or of a firm, 11 digits with its check digit", keeps(fiscal.TaxCode)),
	}
}

func keeps(rule func(string) error) func(string) bool {
	return func(text string) bool { return rule(text) == nil }
}
