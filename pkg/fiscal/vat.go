package fiscal

import (
	"errors"
	"fmt"
	"regexp"
)

var (
	errVAT     = errors.New("must be an Italian VAT number of 11 digits, or one of the EU that begins with the letters of its country")
	errCountry = errors.New("must begin with IT or the letters of another country of the EU (Greece: EL, Northern Ireland: XI)")
)

// VATNumber judges a VAT number: eleven digits, after IT or alone, whose last is
// a check digit; or one of another country of the EU, told by its first two
// letters and judged by its form alone.
func VATNumber(number string) error {
	if only(number, 0) {
		if len(number) != digits {
			return errVAT
		}
		return checked(number)
	}
	if len(number) < 3 || !letter(number[0]) || !letter(number[1]) {
		return errVAT
	}
	country, rest := number[:2], number[2:]
	if country == "IT" {
		if !only(rest, digits) {
			return errors.New("must have 11 digits after IT")
		}
		return checked(rest)
	}
	form, ok := forms[country]
	if !ok {
		return errCountry
	}
	if !form.MatchString(rest) {
		return fmt.Errorf("must be in the form of a VAT number of %s", country)
	}
	return nil
}

func letter(c byte) bool { return c >= 'A' && c <= 'Z' }

// forms of the numbers that VIES knows, without the letters of the country
// (https://ec.europa.eu/taxation_customs/vies, "VAT number structure").
var forms = map[string]*regexp.Regexp{
	"AT": form(`U\d{8}`),
	"BE": form(`[01]\d{9}`),
	"BG": form(`\d{9,10}`),
	"CY": form(`\d{8}[A-Z]`),
	"CZ": form(`\d{8,10}`),
	"DE": form(`\d{9}`),
	"DK": form(`\d{8}`),
	"EE": form(`\d{9}`),
	"EL": form(`\d{9}`),
	"ES": form(`[A-Z]\d{7}[A-Z0-9]|\d{8}[A-Z]`),
	"FI": form(`\d{8}`),
	"FR": form(`[A-HJ-NP-Z0-9]{2}\d{9}`),
	"HR": form(`\d{11}`),
	"HU": form(`\d{8}`),
	"IE": form(`\d{7}[A-W][A-IW]?|\d[A-Z+*]\d{5}[A-W]`),
	"LT": form(`\d{9}|\d{12}`),
	"LU": form(`\d{8}`),
	"LV": form(`\d{11}`),
	"MT": form(`\d{8}`),
	"NL": form(`\d{9}B\d{2}`),
	"PL": form(`\d{10}`),
	"PT": form(`\d{9}`),
	"RO": form(`\d{2,10}`),
	"SE": form(`\d{10}01`),
	"SI": form(`\d{8}`),
	"SK": form(`\d{10}`),
	"XI": form(`\d{9}|\d{12}|GD\d{3}|HA\d{3}`),
}

func form(text string) *regexp.Regexp { return regexp.MustCompile(`^(?:` + text + `)$`) }
