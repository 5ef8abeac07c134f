// Package fiscal judges the numbers by which Italian invoices name who sends and
// who gets them: VAT number, tax code and recipient code.
//
// A number is judged as the tax office writes it: in capital letters, without
// spaces or dots. That it is well formed does not say that it was issued; only
// the registries (the revenue agency, VIES, IndicePA) know that.
//
// The functions return nil, or an error whose text is the rule that is broken,
// such as "must end in the check digit 7". They are written here because the Go
// packages that there are judge the form alone or a person's tax code alone, and
// say yes or no instead of why, or bring a whole invoicing system along.
package fiscal

import (
	"errors"
	"fmt"
)

// digits of a partita IVA, and of the tax code of whoever is no person.
const digits = 11

// errBody says that the number proper, the first seven digits, is empty.
var errBody = errors.New("must not begin with seven zeros")

// checked judges the eleven digits of a partita IVA, the last of which is the
// check digit of ISO/IEC 7812 (Luhn).
func checked(number string) error {
	if number[:7] == "0000000" {
		return errBody
	}
	sum := 0
	for i, c := range []byte(number[:digits-1]) {
		d := int(c - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	if want := (10 - sum%10) % 10; number[digits-1] != byte('0'+want) {
		return fmt.Errorf("must end in the check digit %d", want)
	}
	return nil
}

// only reports whether a text is of n digits, or of any number of them if n is 0.
func only(text string, n int) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return n == 0 || len(text) == n
}
