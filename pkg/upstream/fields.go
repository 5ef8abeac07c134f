package upstream

import (
	"regexp"

	"github.com/staffetta/staffetta/pkg/entity"
)

// maxLines is the most lines that a document has.
const maxLines = 500

// Lines is the array of what a bill, an order or an invoice is made of.
func Lines() entity.Field {
	return entity.Field{Name: "lines", Rule: entity.List(maxLines, entity.Object(
		entity.Field{Name: "description", Required: true, Rule: entity.Text(1, 200)},
		entity.Field{Name: "quantity", Rule: entity.Number()},
		entity.Field{Name: "price", Rule: entity.Number()},
	))}
}

// Number is the number of a document, such as "2026/118".
func Number() entity.Field { return entity.Field{Name: "number", Rule: entity.Text(1, 50)} }

// Total is the sum of a document.
func Total() entity.Field { return entity.Field{Name: "total", Required: true, Rule: entity.Number()} }

// Date is the day of a document.
func Date() entity.Field { return entity.Field{Name: "date", Rule: entity.Date()} }

// Currency is the code of ISO 4217.
func Currency() entity.Field {
	return entity.Field{Name: "currency", Rule: entity.Match("must be a code of ISO 4217, such as EUR", regexp.MustCompile(`^[A-Z]{3}$`))}
}

// Name is what somebody or something is called.
func Name() entity.Field {
	return entity.Field{Name: "name", Required: true, Rule: entity.Text(1, 200)}
}

// Email is an e-mail address.
func Email() entity.Field { return entity.Field{Name: "email", Rule: entity.Email()} }

// Phone is a telephone number as people write one.
func Phone() entity.Field {
	return entity.Field{Name: "phone", Rule: entity.Match("must be a telephone number", regexp.MustCompile(`^\+?[0-9 ()./-]{3,30}$`))}
}

// VATNumber is the number of a taxpayer, with the country's letters or without.
func VATNumber() entity.Field {
	return entity.Field{Name: "vatNumber", Rule: entity.Match("must be a VAT number of 8 to 15 letters and digits", regexp.MustCompile(`^[A-Z0-9]{8,15}$`))}
}
