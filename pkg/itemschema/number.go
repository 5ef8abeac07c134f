package itemschema

import (
	"encoding/json"
	"strconv"
	"strings"
)

// Comparing takes a number apart, exactly: 1e1000000 is a million digits. Digits and
// exponent together are at most these; a double has 17 and 308.
const (
	maxDigits       = 10_000 // in data: about 20 µs
	maxSchemaDigits = 400    // in a schema, where each value is compared with it
)

// digits are those of a number as JSON writes it, and its exponent without a sign.
// Exponents beyond a million are one million.
func digits(n json.Number) (mantissa, exponent int) {
	text := strings.TrimPrefix(string(n), "-")
	at := strings.IndexAny(text, "eE")
	if at < 0 {
		return len(text), 0
	}
	power := strings.TrimLeft(text[at+1:], "+-0")
	if len(power) > len("999999") {
		return at, 1_000_000
	}
	exponent, _ = strconv.Atoi(power) // nothing is 0
	return at, exponent
}

// numberCost is how many steps it takes to look at a number.
func numberCost(n json.Number) int {
	mantissa, exponent := digits(n)
	return mantissa/16 + exponent/100
}

// longNumber is the place, as a JSON pointer, of a number in a value that has more
// than so many digits; dearest is the cost of the dearest one, if there is none.
func longNumber(value any, most int) (at string, found bool, dearest int) {
	switch v := value.(type) {
	case json.Number:
		mantissa, exponent := digits(v)
		return "", mantissa+exponent > most, numberCost(v)
	case map[string]any:
		for name, member := range v {
			within, found, cost := longNumber(member, most)
			if found {
				return token(name) + within, true, 0
			}
			dearest = max(dearest, cost)
		}
	case []any:
		for n, element := range v {
			within, found, cost := longNumber(element, most)
			if found {
				return token(strconv.Itoa(n)) + within, true, 0
			}
			dearest = max(dearest, cost)
		}
	}
	return "", false, dearest
}

// escaped is how a JSON pointer writes a name.
var escaped = strings.NewReplacer("~", "~0", "/", "~1")

// token is a step of a JSON pointer.
func token(name string) string { return "/" + escaped.Replace(name) }
