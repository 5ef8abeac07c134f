package itemschema

import (
	"encoding/json"
	"errors"
	"math/big"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// equals is what a value has to be equal to: one of a schema's enum, and its const.
type equals struct {
	enum     []any
	constant *any
	// entries is their number; numbers and nested are the cost of those that are
	// numbers, and lists or objects with all that is in them. Comparing stops at
	// another type.
	entries, numbers, nested int
}

// takeEquals takes them away from a schema.
func takeEquals(s *jsonschema.Schema) (e equals) {
	var values []any
	if s.Enum != nil {
		e.enum = s.Enum.Values
		values = append(values, e.enum...)
	}
	if s.Const != nil {
		e.constant = s.Const
		values = append(values, *s.Const)
	}
	s.Enum, s.Const = nil, nil
	e.entries = len(values)
	for _, v := range values {
		switch v := v.(type) {
		case json.Number:
			e.numbers += weight(v)
		case []any, map[string]any:
			e.nested += weight(v)
		}
	}
	return e
}

// cost is what it takes to compare a value with all of them. A number is taken apart
// for each one; the dearest in the data costs so much.
func (e equals) cost(v any, dearest int) int {
	cost := e.entries / 16
	switch v := v.(type) {
	case json.Number:
		cost += e.numbers * (1 + numberCost(v))
	case []any, map[string]any:
		cost += e.nested * (1 + dearest)
	}
	return cost
}

// unequal says that a value is none of them.
type unequal struct{ jsonschema.ErrorKind }

func (u unequal) Error() string { return u.LocalizedString(english) }

// unequalIn is what an error of our format means.
func unequalIn(e jsonschema.ErrorKind) jsonschema.ErrorKind {
	var u unequal
	if f, ok := e.(*kind.Format); ok && errors.As(f.Err, &u) {
		return u.ErrorKind
	}
	return e
}

// check compares a value with all of them.
func (e equals) check(v any) error {
	if e.constant != nil && !equal(v, *e.constant) {
		return unequal{&kind.Const{Got: v, Want: *e.constant}}
	}
	for _, entry := range e.enum {
		if equal(v, entry) {
			return nil
		}
	}
	if e.enum != nil {
		return unequal{&kind.Enum{Got: v, Want: e.enum}}
	}
	return nil
}

// equal compares as JSON Schema does: 1.0 is 1.
func equal(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for name, member := range a {
			if other, ok := b[name]; !ok || !equal(member, other) {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for n := range a {
			if !equal(a[n], b[n]) {
				return false
			}
		}
		return true
	case json.Number:
		b, ok := b.(json.Number)
		if !ok || a == b {
			return ok
		}
		one, ok1 := new(big.Rat).SetString(string(a))
		other, ok2 := new(big.Rat).SetString(string(b))
		return ok1 && ok2 && one.Cmp(other) == 0
	default:
		return a == b // null, true, false or a string, which can be compared with anything
	}
}

// weight is how many steps it takes to look at a value and all that is in it.
func weight(value any) int {
	total := 1 + sizeOf(value)
	switch v := value.(type) {
	case []any:
		for _, element := range v {
			total += weight(element)
		}
	case map[string]any:
		for _, member := range v {
			total += weight(member)
		}
	}
	return total
}

// pairwise is up to how many elements the library compares each with each.
const pairwise = 20

// apart is what it costs to find out that the elements of a list differ.
func apart(list []any) int {
	times := 2 // once to sort them out, once against the one that may be the same
	if len(list) <= pairwise {
		times = len(list)
	}
	return times * weight(list)
}
