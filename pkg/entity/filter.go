package entity

import (
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/staffetta/staffetta/pkg/hook"
)

// Filter is how lists can be narrowed by a field.
type Filter int

// The filters. Text that is filtered by has at most 200 characters.
const (
	// NoFilter: not at all.
	NoFilter Filter = iota
	// Exactly: ?field=value.
	Exactly
	// Days, of a Date: ?field=, ?fieldFrom= and ?fieldTo=, days as YYYY-MM-DD.
	Days
	// Moments, of a Time: ?fieldFrom= and ?fieldTo=, times of RFC 3339 or days of UTC.
	Moments
)

// createdField is the time of creation, by which every list is filtered.
const createdField = "createdAt"

// moment is how a time is indexed: in UTC and of one width, so that text sorts as time.
const moment = "2006-01-02T15:04:05.000000Z"

// Condition is one that items of a list keep.
type Condition struct {
	field string
	equal *string
	// from is the first that is meant, to the first that is not; empty: no bound.
	from, to string
}

// Equal is that a field with a Filter has this value: a string as it is, any other value as
// JSON writes it.
func Equal(field, value string) Condition { return Condition{field: field, equal: &value} }

// Between is that a field of Days is at from or later and before to, days as YYYY-MM-DD;
// empty: no bound.
func Between(field, from, to string) Condition { return Condition{field: field, from: from, to: to} }

// filters are the fields that lists of a collection are filtered by, those first that
// say most: an index is entered by the first one that is asked for.
func (c *Collection) filters() []Field {
	var all []Field
	if c.Parent != nil {
		all = append(all, Field{Name: c.Parent.Field, Filter: Exactly})
	}
	for _, f := range c.Fields {
		if f.Filter != NoFilter && !slices.ContainsFunc(all, func(have Field) bool { return have.Name == f.Name }) {
			all = append(all, f)
		}
	}
	return append(all, Field{Name: storeField, Filter: Exactly}, Field{Name: createdField, Filter: Moments})
}

// parameters are the names of a filter in a query.
func (f Field) parameters() []string {
	switch f.Filter {
	case Exactly:
		return []string{f.Name}
	case Days:
		return []string{f.Name, f.Name + "From", f.Name + "To"}
	case Moments:
		return []string{f.Name + "From", f.Name + "To"}
	default:
		return nil
	}
}

// conditions are what a list's query asks for, beside the parameters of paging.
func (c *Collection) conditions(query url.Values, faults *hook.Invalid) []Condition {
	known := []string{"limit", "cursor"}
	var asked []Condition
	for _, f := range c.filters() {
		one := Condition{field: f.Name}
		for _, parameter := range f.parameters() {
			known = append(known, parameter)
			if !query.Has(parameter) {
				continue
			}
			value := query.Get(parameter)
			f.checkParameter(parameter, value, faults)
			switch parameter {
			case f.Name:
				one.equal = &value
			case f.Name + "From":
				one.from = f.term(value)
			case f.Name + "To":
				one.to = f.term(value)
			}
		}
		if one != (Condition{field: f.Name}) {
			asked = append(asked, one)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		switch values := query[name]; {
		case !slices.Contains(known, name):
			faults.Add("query."+name, "", "is no parameter of /"+c.Path+": those are "+strings.Join(known, ", "))
		case len(values) > 1:
			faults.Add("query."+name, values[1], "must not occur twice")
		}
	}
	return asked
}

func (f Field) checkParameter(name, value string, faults *hook.Invalid) {
	_, dayErr := time.Parse(time.DateOnly, value)
	_, timeErr := time.Parse(time.RFC3339, value)
	switch {
	case !utf8.ValidString(value) || strings.ContainsRune(value, 0):
		faults.Add("query."+name, value, "must be UTF-8 without the character U+0000")
	case f.Filter == Days && dayErr != nil:
		faults.Add("query."+name, value, "must be a date as YYYY-MM-DD")
	case f.Filter == Moments && dayErr != nil && timeErr != nil:
		faults.Add("query."+name, value, "must be a time as RFC 3339 writes it, or a date as YYYY-MM-DD")
	}
}

// term is the form in which a field's string is indexed: as it is, but a time in UTC and
// of one width. A day sorts before every moment in it.
func (f Field) term(text string) string {
	if f.Filter != Moments {
		return text
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t.UTC().Format(moment)
	}
	return text
}

// terms are what an item is found by, by field.
func (it *Item) terms() map[string]string {
	terms := make(map[string]string)
	for _, f := range it.collection.filters() {
		value := it.Value(f.Name)
		if value == nil && f.Absent != "" {
			value = json.RawMessage(f.Absent)
		}
		var text string
		switch {
		case f.Name == createdField:
			text = it.createdAt.Format(moment)
		case value == nil || value[0] == '{' || value[0] == '[':
			continue
		case json.Unmarshal(value, &text) != nil:
			text = string(value)
		default:
			text = f.term(text)
		}
		terms[f.Name] = text
	}
	return terms
}
