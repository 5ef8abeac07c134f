package entity

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/staffetta/staffetta/pkg/hook"
)

// Field is a field of an item with its rule.
type Field struct {
	Name string
	// Required fields are there and not null.
	Required bool
	// Derived fields are set by the collection's Rules; a body that has one is refused.
	// They need no Rule.
	Derived bool
	// Filter of lists by it.
	Filter Filter
	// Absent is the value that lists take it to have, as JSON writes it, where an item does
	// not name it or has null. Default: none, and such an item is found by no value.
	Absent string
	Rule   Rule
}

// Rule judges one JSON value that is there and not null.
type Rule interface {
	check(path string, value json.RawMessage, faults *hook.Invalid)
}

func checkFields(path string, values object, fields []Field, faults *hook.Invalid) {
	for _, f := range fields {
		if f.Derived {
			continue
		}
		value, ok := values.get(f.Name)
		switch {
		case ok && !isNull(value):
			f.Rule.check(path+f.Name, value, faults)
		case f.Required:
			faults.Add(path+f.Name, "", "is required")
		}
	}
}

// simple is a rule in words with the test for it.
type simple struct {
	rule string
	ok   func(value json.RawMessage) bool
}

func (s simple) check(path string, value json.RawMessage, faults *hook.Invalid) {
	if !s.ok(value) {
		faults.AddJSON(path, value, s.rule)
	}
}

// String is a string that keeps a rule, which says in words what it must be, such as
// "must be a VAT number whose check digit is right".
func String(rule string, ok func(string) bool) Rule { return stringRule{rule, ok} }

type stringRule struct {
	rule string
	ok   func(string) bool
}

// ruleNUL is of every string with a rule: PostgreSQL's text, which lists are filtered by,
// has no such character.
const ruleNUL = "must not have the character U+0000"

func (r stringRule) check(path string, value json.RawMessage, faults *hook.Invalid) {
	var s string
	switch {
	case len(value) == 0 || value[0] != '"' || json.Unmarshal(value, &s) != nil:
		faults.AddJSON(path, value, r.rule)
	case strings.ContainsRune(s, 0):
		faults.AddJSON(path, value, ruleNUL)
	case !r.ok(s):
		faults.AddJSON(path, value, r.rule)
	}
}

// Text is a string of shortest to longest characters.
func Text(shortest, longest int) Rule {
	return String(fmt.Sprintf("must be a string of %d to %d characters", shortest, longest), func(s string) bool {
		n := utf8.RuneCountInString(s)
		return n >= shortest && n <= longest
	})
}

// OneOf is one of some words.
func OneOf(words ...string) Rule {
	return String("must be one of "+strings.Join(words, ", "), func(s string) bool { return slices.Contains(words, s) })
}

// Match is a string of a form; rule says in words which, such as "must be an
// e-mail address".
func Match(rule string, form *regexp.Regexp) Rule { return String(rule, form.MatchString) }

// Email is an e-mail address: one @ with something around it, as no more can be
// said without writing to it.
func Email() Rule {
	return Match("must be an e-mail address", regexp.MustCompile(`^[^@\s]{1,64}@[^@\s]{1,190}$`))
}

// Date is a day, YYYY-MM-DD.
func Date() Rule {
	return String("must be a date as YYYY-MM-DD", func(s string) bool {
		_, err := time.Parse(time.DateOnly, s)
		return err == nil
	})
}

// Time is a time with its offset, RFC 3339.
func Time() Rule {
	return String("must be a time as RFC 3339 writes it", func(s string) bool {
		_, err := time.Parse(time.RFC3339, s)
		// Parse takes "T1:00:00,5Z" too, which RFC 3339 does not (go.dev/issue/54580).
		return err == nil && s[len("2006-01-02T15")] == ':' && !strings.Contains(s, ",")
	})
}

// Decimal is a number of at most so many digits before its point and after it, without an
// exponent; see Item.Decimal.
func Decimal(before, after int) Rule { return decimalOf("", `-?`, before, after) }

// Unsigned is a Decimal that is not negative.
func Unsigned(before, after int) Rule { return decimalOf(", 0 or more,", ``, before, after) }

func decimalOf(which, sign string, before, after int) Rule {
	return NumberOf(
		fmt.Sprintf("must be a number%s of at most %d digits before its point and %d after it", which, before, after),
		regexp.MustCompile(fmt.Sprintf(`^%s[0-9]{1,%d}(\.[0-9]{1,%d})?$`, sign, before, after)),
	)
}

// NumberOf is a number whose JSON text is of a form; rule says in words which.
func NumberOf(rule string, form *regexp.Regexp) Rule {
	return simple{rule, func(value json.RawMessage) bool { return isNumber(value) && form.Match(value) }}
}

// Integer is a whole number without a fraction or exponent, from least to most.
func Integer(least, most int64) Rule {
	return simple{fmt.Sprintf("must be an integer from %d to %d", least, most), func(value json.RawMessage) bool {
		n, err := strconv.ParseInt(string(value), 10, 64)
		return err == nil && n >= least && n <= most
	}}
}

// ID is the id of an item of one of these services.
func ID() Rule {
	return simple{"must be the id of an item, an integer from 1", func(value json.RawMessage) bool {
		n, err := strconv.ParseInt(string(value), 10, 64)
		return err == nil && n >= 1
	}}
}

// Boolean is true or false.
func Boolean() Rule {
	return simple{"must be true or false", func(value json.RawMessage) bool {
		return string(value) == "true" || string(value) == "false"
	}}
}

// List is an array of at most longest values that keep a rule each.
func List(longest int, each Rule) Rule { return list{longest, each} }

type list struct {
	longest int
	each    Rule
}

func (l list) check(path string, value json.RawMessage, faults *hook.Invalid) {
	var values []json.RawMessage
	if value[0] != '[' || json.Unmarshal(value, &values) != nil || len(values) > l.longest {
		faults.AddJSON(path, value, fmt.Sprintf("must be an array of at most %d values", l.longest))
		return
	}
	for i, v := range values {
		at := path + "[" + strconv.Itoa(i) + "]"
		if isNull(v) {
			faults.Add(at, "null", "must not be null")
			continue
		}
		l.each.check(at, bytes.TrimSpace(v), faults)
	}
}

// Object is an object whose fields have rules; others are allowed.
func Object(fields ...Field) Rule { return fieldSet(fields) }

type fieldSet []Field

func (s fieldSet) check(path string, value json.RawMessage, faults *hook.Invalid) {
	values, err := parseObject(value)
	if err != nil {
		addUnparsed(path, value, err, faults)
		return
	}
	checkFields(path+".", values, s, faults)
}

func isNull(value json.RawMessage) bool { return string(value) == "null" }

func isNumber(value json.RawMessage) bool {
	return len(value) > 0 && (value[0] == '-' || value[0] >= '0' && value[0] <= '9')
}
