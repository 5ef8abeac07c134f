package catalogue

import (
	"strings"
	"unicode"
)

// Snake returns an item type in lower case with its words parted by "_", as
// event names have it: ContactPerson is contact_person. It takes any name, in
// the catalogue or not: VATCode is vat_code, and what is neither letter nor
// digit parts words too.
func Snake(name string) string {
	if known, ok := snake[name]; ok {
		return known
	}
	return makeSnake(name)
}

// UpperSnake returns the same in upper case: CONTACT_PERSON.
func UpperSnake(name string) string { return strings.ToUpper(Snake(name)) }

// snake has the form of every entry ready: one is asked for per delivery.
var snake = make(map[string]string)

func init() {
	for _, t := range entries {
		snake[t.Name] = makeSnake(t.Name)
	}
}

func makeSnake(name string) string {
	runes := []rune(name)
	var b strings.Builder
	b.Grow(len(name) + 4)
	parted := true // at the start, and right after a "_"
	for i, r := range runes {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			if !parted {
				b.WriteByte('_')
				parted = true
			}
			continue
		}
		if !parted && beginsWord(runes, i) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
		parted = false
	}
	return strings.TrimSuffix(b.String(), "_")
}

// beginsWord tells whether an upper-case letter follows a lower-case one or a
// digit, or ends a run of upper-case letters: the C of VATCode.
func beginsWord(runes []rune, i int) bool {
	if !unicode.IsUpper(runes[i]) {
		return false
	}
	if !unicode.IsUpper(runes[i-1]) {
		return true
	}
	return i+1 < len(runes) && unicode.IsLower(runes[i+1])
}
