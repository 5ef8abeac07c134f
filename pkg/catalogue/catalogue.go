// Package catalogue knows the item types that both documents name, with their
// Italian names. It is a dictionary and no gate: a type outside of it is
// delivered like any other.
package catalogue

import (
	"slices"
	"strings"
	"unicode"
)

// Source is the system whose document names an item type first.
type Source string

// The sources.
const (
	Rentman      Source = "rentman"
	CassaInCloud Source = "cassa-in-cloud"
)

// ItemType is one entry.
type ItemType struct {
	// Name is the English name, which events and webhooks carry.
	Name string
	// Italian is the name that Italian bodies carry.
	Italian string
	// Aliases are further Italian names, understood but never written.
	Aliases []string
	Source  Source
}

// All returns every entry, in the order of the documents. The caller owns it.
func All() []ItemType { return slices.Clone(entries) }

// Canonical returns the English name for an English, an Italian or an alias
// name; a name that is not in the catalogue stays as it is.
func Canonical(name string) string {
	if english, ok := english[name]; ok {
		return english
	}
	return name
}

// Italian returns the Italian name for an English one; a name that is not in
// the catalogue stays as it is.
func Italian(name string) string {
	if italian, ok := italian[name]; ok {
		return italian
	}
	return name
}

// The indexes of entries. No name means two types: a test sees to it.
var (
	english = make(map[string]string)
	italian = make(map[string]string)
)

func init() {
	for _, t := range entries {
		italian[t.Name] = t.Italian
		for _, name := range append([]string{t.Italian}, t.Aliases...) {
			english[name] = t.Name
		}
	}
}

// Words is the name of an item type with its words apart, as people read it: "Contact
// person" of ContactPerson. The letters of an abbreviation stay together.
func Words(name string) string {
	var b strings.Builder
	lower := false // the letter before
	for _, r := range name {
		if lower && unicode.IsUpper(r) {
			b.WriteByte(' ')
			r = unicode.ToLower(r)
		}
		b.WriteRune(r)
		lower = unicode.IsLower(r)
	}
	return b.String()
}
