package upstream

import (
	"regexp"

	"github.com/staffetta/staffetta/pkg/entity"
)

// MaxLines is the most lines that a document has.
const MaxLines = 500

// Percent is a rate in per cent, from 0 to 100.
func Percent() entity.Rule {
	return entity.NumberOf("must be a number from 0 to 100 with at most 4 digits after its point",
		regexp.MustCompile(`^(100(\.0{1,4})?|[0-9]{1,2}(\.[0-9]{1,4})?)$`))
}

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
